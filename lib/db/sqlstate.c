#include "lib/db/sqlstate.h"

#include <string.h>

#include "lib/db/db.h"

struct rule {
    const char *prefix; /* of the SQLSTATE; the first that fits counts */
    enum ink_code code;
    bool breaks; /* the connection is of no more use */
    const char *message;
};

static const char away[] = "the database is not available";
static const char raced[] = "a concurrent change came first";
static const char internal[] = "internal error";

/* What is left is the fault of what was asked for, and a repeat would change nothing: bad data
 * (22), broken constraints (23), a statement that is wrong (42). What is the server's or its
 * operator's fault passes, and must not be blamed on anybody's data. The statements are constants,
 * so a feature that is not supported (0A) is never a wrong one of ours: "cached plan must not
 * change result type", of a statement that was prepared before a migration, or what a standby
 * cannot do. */
static const struct rule rules[] = {
    {"08", INK_UNAVAILABLE, true, away},
    {"0A000", INK_UNAVAILABLE, true, away},
    {"22021", INK_INVALID_ARGUMENT, false, "a text has bytes that are not UTF-8"},
    {"22P05", INK_INVALID_ARGUMENT, false, "a text has a character that cannot be stored"},
    {"23505", INK_ALREADY_EXISTS, false, "it exists already"},
    {"25006", INK_UNAVAILABLE, true, away}, /* read only: a standby, or a server on its way down */
    {"25P03", INK_UNAVAILABLE, true, away}, /* the server ended a transaction that had stopped */
    {"26000", INK_UNAVAILABLE, true, away}, /* what was prepared is gone: behind a pooler, say */
    {"40", INK_ABORTED, false, raced},
    {"42501", INK_UNAVAILABLE, false, away}, /* a right that was taken away, or is not yet given */
    {"42P05", INK_UNAVAILABLE, true, away},  /* prepared by somebody else: behind a pooler */
    {"53", INK_RESOURCE_EXHAUSTED, false, "the database is overloaded"},
    {"55P03", INK_ABORTED, false, raced},
    {"57014", INK_DEADLINE_EXCEEDED, false, "the database did not answer in time"},
    {"57", INK_UNAVAILABLE, true, away},
    {"58", INK_UNAVAILABLE, false, away}, /* its disk, or its system, fails */
    {"XX", INK_UNAVAILABLE, true, away},  /* its data are damaged, or what it remembers of them */
};

static struct rule find_rule(const char *sqlstate)
{
    for (size_t i = 0; i < INK_COUNT(rules); i++) {
        if (strncmp(sqlstate, rules[i].prefix, strlen(rules[i].prefix)) == 0)
            return rules[i];
    }
    return (struct rule){.code = INK_INTERNAL, .message = internal};
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
    struct rule rule = find_rule(sqlstate);
    struct ink_status status = ink_error(rule.code, rule.message);
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

bool ink_db_sqlstate_breaks(const char *sqlstate)
{
    return sqlstate == NULL || find_rule(sqlstate).breaks;
}

bool ink_db_violates(struct ink_status status, const char *constraint)
{
    size_t size = strlen(constraint);
    return status.cause != NULL && strncmp(status.cause, "23", 2) == 0 &&
           strlen(status.cause) > 6 + size && status.cause[5] == ' ' &&
           strncmp(status.cause + 6, constraint, size) == 0 && status.cause[6 + size] == ':';
}
