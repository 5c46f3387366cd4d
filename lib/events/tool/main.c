#include "lib/events/tool/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/config/config.h"
#include "lib/events/tool/usage.h"
#include "lib/mesh/lockdown.h"

extern char **environ;

/* For work on many messages, once Kafka has answered. */
#define WORK_LIMIT (600 * INK_SECOND)
#define NAME "inkmesh-events"

struct settings {
    const char *brokers;
    const char *properties;
    const char *databases;
    int64_t timeout_ms;
};

static const struct ink_config_setting settings_table[] = {
    INK_CONFIG_STRING(struct settings, brokers, .name = "KAFKA_BROKERS", .required = true,
                      .help = "where Kafka is: host:port,host:port"),
    INK_CONFIG_STRING(struct settings, properties, .name = "KAFKA_PROPERTIES", .secret = true,
                      .help =
                          "further ones of librdkafka: NAME=VALUE,NAME=VALUE; for TLS and SASL"),
    INK_CONFIG_STRING(struct settings, databases, .name = "DATABASE_URLS", .secret = true,
                      .help = "of the services, with spaces between them: "
                              "user=postgresql://... blog=postgresql://..."),
    INK_CONFIG_MS(struct settings, timeout_ms, .name = "EVENTS_TIMEOUT", .fallback = "5s",
                  .min = 100, .max = 60000,
                  .help = "how long Kafka and each database may take to answer"),
    {0},
};

static const struct ink_config_program program = {
    .name = NAME,
    .version = "0.1.0",
    .summary = "the events of inkmesh: what waits, and what died.",
    .usage = usage_text,
    .settings = settings_table,
};

struct ink_ctx tool_soon(const struct tool *tool)
{
    struct ink_ctx ctx = ink_ctx_background(tool->arena);
    ctx.deadline = ink_now() + tool->timeout_ms * INK_MILLISECOND;
    return ctx;
}

struct ink_ctx tool_later(const struct tool *tool)
{
    struct ink_ctx ctx = ink_ctx_background(tool->arena);
    ctx.deadline = ink_now() + WORK_LIMIT;
    return ctx;
}

void tool_problem(struct tool *tool, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = ink_arena_vprintf(tool->arena, format, args);
    va_end(args);
    tool->failed = true;
    tool_flush(tool); /* in the order of events */
    text = tool_text(tool->arena, text, strlen(text), 0);
    if (!tool->json) {
        fprintf(stderr, NAME ": %s\n", text);
        return;
    }
    ink_buf_putc(&tool->errors, ',');
    ink_buf_json_string(&tool->errors, text, strlen(text));
}

void tool_kafka_problem(struct tool *tool, struct ink_status status)
{
    tool_problem(tool, "Kafka at %s: %s (%s)", tool->kafka.brokers, status.message,
                 status.cause != NULL ? status.cause : "no details");
}

/* An object must be whole before anybody reads it. */
void tool_flush(struct tool *tool)
{
    if (tool->json || tool->out.len == 0)
        return;
    fwrite(tool->out.data, 1, tool->out.len, stdout);
    fflush(stdout);
    ink_buf_clear(&tool->out);
}

int tool_end(struct tool *tool)
{
    if (tool->json) {
        const char *errors = tool->errors.len > 0 ? tool->errors.data + 1 : "";
        printf("%s,\"errors\":[%s]}\n", tool->out.data, errors);
    }
    tool_flush(tool);
    return tool->failed || ferror(stdout) ? 1 : 0;
}

static int complain(const char *what, const char *text)
{
    fprintf(stderr, NAME ": %s%s; --help tells more\n", what, text);
    return 2;
}

/* Takes out of argv what is no setting; returns what is left, NULL-terminated. */
static char **sort_out(struct tool *tool, int argc, char **argv, int *ret_left)
{
    char **flags = ink_arena_calloc(tool->arena, (size_t)argc + 1, sizeof(*flags));
    int left = 0;
    tool->args = ink_arena_calloc(tool->arena, (size_t)argc + 1, sizeof(*tool->args));
    for (int i = 0; i < argc; i++) {
        bool flag = strncmp(argv[i], "--", 2) == 0;
        if (i > 0 && strcmp(argv[i], "--json") == 0)
            tool->json = true;
        else if (i > 0 && strcmp(argv[i], "--all") == 0)
            tool->all = true;
        else if (i > 0 && strcmp(argv[i], "-h") == 0)
            flags[left++] = "--help";
        else if (i == 0 || flag)
            flags[left++] = argv[i];
        else
            tool->args[tool->arg_count++] = argv[i];
    }
    *ret_left = left;
    return flags;
}

/* False for what is not NAME=URL NAME=URL. */
static bool databases_are_fine(struct tool *tool)
{
    char *list = ink_arena_strdup(tool->arena, tool->databases != NULL ? tool->databases : "");
    char *save = NULL;
    for (char *item = strtok_r(list, " \t\n", &save); item != NULL;
         item = strtok_r(NULL, " \t\n", &save)) {
        const char *equals = strchr(item, '=');
        if (equals == NULL || equals == item || strstr(item, "://") < equals)
            return false;
    }
    return true;
}

/* The arguments are GROUP TIME. */
static int rewind_group(struct tool *tool)
{
    int64_t seconds;
    int32_t nanos;
    if (tool->arg_count != 2)
        return complain("rewind", ": name a group and a time");
    if (!ink_rfc3339_parse(tool->args[1], strlen(tool->args[1]), &seconds, &nanos))
        return complain("not a time such as 2026-11-22T10:00:00Z: ", tool->args[1]);
    return tool_rewind(tool, seconds * 1000000 + nanos / 1000);
}

static int run_command(struct tool *tool, const char *command)
{
    bool settles = strcmp(command, "replay") == 0 || strcmp(command, "discard") == 0;
    if (settles && tool->arg_count == 0)
        return complain(command, ": name a letter, a topic, or all");
    if (strcmp(command, "replay") == 0)
        return tool_settle(tool, INK_DEAD_LETTER_REPLAYED);
    if (settles)
        return tool_settle(tool, INK_DEAD_LETTER_DISCARDED);
    if (strcmp(command, "dead") == 0)
        return tool_dead(tool);
    if (strcmp(command, "rewind") == 0)
        return rewind_group(tool);
    if (strcmp(command, "skip") == 0)
        return tool->arg_count == 1 ? tool_skip(tool) : complain("skip", ": name a group");
    if (strcmp(command, "status") == 0 && tool->arg_count == 0)
        return tool_status(tool);
    return complain("not understood: ", command);
}

static int run(struct tool *tool, int argc, char **argv, struct ink_buf *text)
{
    int left = 0;
    struct settings settings = {0};
    char **flags = sort_out(tool, argc, argv, &left);
    switch (ink_config_load(&program, left, flags, environ, tool->arena, text, &settings)) {
    case INK_CONFIG_SHOW:
        fputs(text->data, stdout);
        return 0;
    case INK_CONFIG_WRONG:
        fputs(text->data, stderr);
        return 2;
    case INK_CONFIG_RUN:
        break;
    }
    tool->kafka =
        (struct ink_kafka_settings){.brokers = settings.brokers, .properties = settings.properties};
    tool->databases = settings.databases;
    tool->timeout_ms = settings.timeout_ms;
    if (!databases_are_fine(tool))
        return complain("DATABASE_URLS", ": not NAME=URL NAME=URL");
    const char *command = tool->arg_count > 0 ? tool->args[0] : "status";
    tool->args += tool->arg_count > 0;
    tool->arg_count -= tool->arg_count > 0;
    return run_command(tool, command);
}

int main(int argc, char **argv)
{
    struct ink_arena arena;
    struct ink_buf text = INK_BUF_INIT;
    ink_mesh_no_new_privileges();
    ink_mesh_set_dumpable(false); /* it is told the databases' passwords */
    ink_arena_init(&arena);
    struct tool tool = {.arena = &arena};
    int code = run(&tool, argc, argv, &text);
    ink_buf_release(&text);
    ink_buf_release(&tool.out);
    ink_buf_release(&tool.errors);
    ink_arena_release(&arena);
    return code;
}
