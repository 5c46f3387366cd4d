#include <postgresql/libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/db/db.h"

void ink_db_rows_release(struct ink_db_rows *rows)
{
    PQclear(rows->result);
    rows->result = NULL;
}

static _Noreturn void die(const char *what, size_t row, size_t column)
{
    fprintf(stderr, "lib/db: %s at row %zu, column %zu\n", what, row, column);
    abort();
}

size_t ink_db_row_count(const struct ink_db_rows *rows)
{
    return (size_t)PQntuples(rows->result);
}

int64_t ink_db_affected(const struct ink_db_rows *rows)
{
    return rows->result == NULL ? 0 : strtoll(PQcmdTuples(rows->result), NULL, 10);
}

bool ink_db_is_null(const struct ink_db_rows *rows, size_t row, size_t column)
{
    if (row >= (size_t)PQntuples(rows->result) || column >= (size_t)PQnfields(rows->result))
        die("there is no value", row, column);
    return PQgetisnull(rows->result, (int)row, (int)column);
}

const char *ink_db_text(const struct ink_db_rows *rows, size_t row, size_t column)
{
    if (ink_db_is_null(rows, row, column))
        return NULL;
    return PQgetvalue(rows->result, (int)row, (int)column);
}

size_t ink_db_text_size(const struct ink_db_rows *rows, size_t row, size_t column)
{
    if (ink_db_is_null(rows, row, column))
        return 0;
    return (size_t)PQgetlength(rows->result, (int)row, (int)column);
}

int64_t ink_db_int64(const struct ink_db_rows *rows, size_t row, size_t column)
{
    const char *text = ink_db_text(rows, row, column);
    if (text == NULL)
        return 0;
    char *end;
    int64_t value = strtoll(text, &end, 10);
    if (end == text || *end != '\0')
        die("not an integer", row, column);
    return value;
}

bool ink_db_bool(const struct ink_db_rows *rows, size_t row, size_t column)
{
    const char *text = ink_db_text(rows, row, column);
    if (text == NULL)
        return false;
    if (strcmp(text, "t") != 0 && strcmp(text, "f") != 0)
        die("not a boolean", row, column);
    return text[0] == 't';
}

/* "2026-11-22 10:00:00.123456+00": sessions use ISO dates and UTC, so only two characters part it
 * from RFC 3339. */
int64_t ink_db_time(const struct ink_db_rows *rows, size_t row, size_t column)
{
    const char *text = ink_db_text(rows, row, column);
    if (text == NULL)
        return 0;
    char rfc3339[INK_RFC3339_SIZE];
    int size = snprintf(rfc3339, sizeof(rfc3339), "%s:00", text);
    int64_t seconds;
    int32_t nanos;
    if (size < 22 || (size_t)size >= sizeof(rfc3339) || rfc3339[10] != ' ')
        die("not a timestamptz", row, column);
    rfc3339[10] = 'T';
    if (!ink_rfc3339_parse(rfc3339, (size_t)size, &seconds, &nanos))
        die("not a timestamptz", row, column);
    return seconds * 1000000 + nanos / 1000;
}

static int digit(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

void *ink_db_bytes(const struct ink_db_rows *rows, struct ink_arena *arena, size_t row,
                   size_t column, size_t *ret_size)
{
    const char *text = ink_db_text(rows, row, column);
    if (text == NULL) {
        *ret_size = 0;
        return NULL;
    }
    if (text[0] != '\\' || text[1] != 'x')
        die("not a bytea", row, column);
    size_t size = (ink_db_text_size(rows, row, column) - 2) / 2;
    unsigned char *data = ink_arena_alloc(arena, size + 1);
    for (size_t i = 0; i < size; i++)
        data[i] = (unsigned char)(digit(text[2 + 2 * i]) << 4 | digit(text[3 + 2 * i]));
    *ret_size = size;
    return data;
}
