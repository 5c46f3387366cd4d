#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/buf.h"
#include "lib/db/conn.h"

/* ink_db_time() reads what these make; a client that goes away mid-statement is noticed within a
 * second; a transaction that a frozen client left open holds its locks for 10 s: others may be
 * waiting for them to go on with its work. */
static const char session_options[] = "-c timezone=UTC -c datestyle=ISO"
                                      " -c client_connection_check_interval=1000"
                                      " -c idle_in_transaction_session_timeout=10000";

static void free_options(PQconninfoOption **options)
{
    PQconninfoFree(*options);
}

/* The operator's own options come last, so that they win. */
static char *merge_options(const PQconninfoOption *options, const char *more)
{
    struct ink_buf text = INK_BUF_INIT;
    ink_buf_puts(&text, session_options);
    if (more != NULL)
        ink_buf_printf(&text, " %s", more);
    for (; options->keyword != NULL; options++) {
        if (strcmp(options->keyword, "options") == 0 && options->val != NULL)
            ink_buf_printf(&text, " %s", options->val);
    }
    return text.data;
}

static void put(struct ink_db_conninfo *info, const char *keyword, const char *value)
{
    size_t at = 0;
    while (info->keywords[at] != NULL)
        at++;
    info->keywords[at] = keyword;
    info->values[at] = value;
}

struct ink_status ink_db_conninfo_init(struct ink_arena *arena, struct ink_db_conninfo *info,
                                       const struct ink_db_settings *settings)
{
    char *why = NULL;
    INK_CLEANUP(free_options) PQconninfoOption *options = PQconninfoParse(settings->conninfo, &why);
    if (options == NULL) {
        PQfreemem(why); /* it quotes the text, which may hold a password */
        return ink_errorf(arena, INK_INVALID_ARGUMENT,
                          "not a PostgreSQL connection URL or \"key=value\" list");
    }
    const char *name = settings->application_name;
    *info = (struct ink_db_conninfo){
        .conninfo = ink_strdup(settings->conninfo),
        .application_name = name != NULL ? ink_strdup(name) : NULL,
        .options = merge_options(options, settings->options),
    };
    put(info, "keepalives_idle", "30");
    put(info, "keepalives_interval", "10");
    put(info, "keepalives_count", "3");
    if (info->application_name != NULL)
        put(info, "fallback_application_name", info->application_name);
    put(info, "dbname", info->conninfo); /* what follows overrides it, what precedes is a default */
    put(info, "client_encoding", "UTF8");
    put(info, "options", info->options);
    return ink_ok();
}

void ink_db_conninfo_release(struct ink_db_conninfo *info)
{
    free(info->conninfo);
    free(info->application_name);
    free(info->options);
    *info = (struct ink_db_conninfo){0};
}
