#include "lib/db/sqlstate.h"

#include <string.h>

#include "lib/db/db.h"

struct rule {
    const char *prefix; /* of the SQLSTATE; the first that fits counts */
    enum ink_code code;
    const char *message;
};

static const char away[] = "the database is not available";
static const char internal[] = "internal error";

static const struct rule rules[] = {
    {"08", INK_UNAVAILABLE, away},
    {"22021", INK_INVALID_ARGUMENT, "a text has bytes that are not UTF-8"},
    {"22P05", INK_INVALID_ARGUMENT, "a text has a character that cannot be stored"},
    {"23505", INK_ALREADY_EXISTS, "it exists already"},
    {"25006", INK_UNAVAILABLE, away}, /* read only: a standby, or a server on its way down */
    {"40001", INK_ABORTED, "a concurrent change came first"},
    {"40P01", INK_ABORTED, "a concurrent change came first"},
    {"53", INK_RESOURCE_EXHAUSTED, "the database is overloaded"},
    {"55P03", INK_ABORTED, "a concurrent change came first"},
    {"57014", INK_DEADLINE_EXCEEDED, "the database did not answer in time"},
    {"57P0", INK_UNAVAILABLE, away},
};

static struct ink_status classify(const char *sqlstate)
{
    for (size_t i = 0; i < INK_COUNT(rules); i++) {
        if (strncmp(sqlstate, rules[i].prefix, strlen(rules[i].prefix)) == 0)
            return ink_error(rules[i].code, rules[i].message);
    }
    return ink_error(INK_INTERNAL, internal);
}

/* libpq ends its texts with a newline, which a log line must not have. */
static int line_length(const char *text)
{
    size_t size = strlen(text);
    while (size > 0 && text[size - 1] == '\n')
        size--;
    return (int)size;
}

struct ink_status ink_db_sqlstate_status(struct ink_arena *arena, const char *sqlstate,
                                         const char *constraint, const char *text)
{
    if (text == NULL)
        text = "";
    if (sqlstate == NULL)
        return ink_db_unavailable(arena, text);
    struct ink_status status = classify(sqlstate);
    if (status.code == INK_RESOURCE_EXHAUSTED)
        status.reason = INK_REASON_OVERLOADED;
    if (status.code == INK_UNAVAILABLE || status.code == INK_RESOURCE_EXHAUSTED)
        status.retry_after_ms = INK_DB_RETRY_AFTER_MS;
    const char *space = constraint != NULL ? " " : "";
    status.cause = ink_arena_printf(arena, "%s%s%s: %.*s", sqlstate, space,
                                    constraint != NULL ? constraint : "", line_length(text), text);
    return status;
}

struct ink_status ink_db_unavailable(struct ink_arena *arena, const char *cause)
{
    struct ink_status status = ink_error(INK_UNAVAILABLE, away);
    status.retry_after_ms = INK_DB_RETRY_AFTER_MS;
    if (cause != NULL && cause[0] != '\0')
        status.cause = ink_arena_strndup(arena, cause, (size_t)line_length(cause));
    return status;
}

/* Besides what ends it: a prepared statement that is gone (26000), or whose plan a migration made
 * invalid (0A000, "cached plan must not change result type"). */
bool ink_db_sqlstate_breaks(const char *sqlstate)
{
    return sqlstate == NULL || classify(sqlstate).code == INK_UNAVAILABLE ||
           strcmp(sqlstate, "26000") == 0 || strcmp(sqlstate, "0A000") == 0;
}

bool ink_db_violates(struct ink_status status, const char *constraint)
{
    size_t size = strlen(constraint);
    return status.cause != NULL && strncmp(status.cause, "23", 2) == 0 &&
           strlen(status.cause) > 6 + size && status.cause[5] == ' ' &&
           strncmp(status.cause + 6, constraint, size) == 0 && status.cause[6 + size] == ':';
}
