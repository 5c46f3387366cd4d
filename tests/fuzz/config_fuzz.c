/* lib/config/config.h: whatever stands in the environment and on the command line, a program
 * starts with values within their bounds or not at all, and no secret is printed. Lines: those
 * that begin with "-" are arguments, the others variables. */
#define _GNU_SOURCE /* strcasestr */
#include <string.h>

#include "lib/config/config.h"
#include "tests/fuzz/fuzz.h"

#define MOST 32
/* What all secrets begin with here, so that one is recognised in what is printed. */
#define MARK "\x01s3cret"

struct settings {
    const char *secret;
    const char *name;
    int64_t cost;
    bool eager;
    int64_t grace_ms;
    int64_t ttl_s;
    int64_t limit;
    int level;
    const char *address;
};

static const char *const levels[] = {"low", "high", NULL};

static const struct ink_config_setting table[] = {
    INK_CONFIG_STRING(struct settings, secret, .name = "JWT_SECRET", .secret = true, .min = 8,
                      .max = 64, .help = "signs the tokens"),
    INK_CONFIG_STRING(struct settings, name, .name = "NAME", .max = 5, .help = "a short name"),
    INK_CONFIG_INT(struct settings, cost, .name = "COST", .fallback = "10", .min = -4, .max = 15,
                   .help = "of a hash"),
    INK_CONFIG_BOOL(struct settings, eager, .name = "EAGER", .help = "whether to hurry"),
    INK_CONFIG_MS(struct settings, grace_ms, .name = "GRACE_MS", .fallback = "10s", .min = 1,
                  .max = 3600000, .help = "how long to wait"),
    INK_CONFIG_SECONDS(struct settings, ttl_s, .name = "TTL_S", .fallback = "1h", .min = 60,
                       .help = "how long it lives"),
    INK_CONFIG_BYTES(struct settings, limit, .name = "LIMIT", .fallback = "1MiB", .min = 1024,
                     .max = 1 << 30, .help = "how big it gets"),
    INK_CONFIG_CHOICE(struct settings, level, .name = "LEVEL", .fallback = "low", .choices = levels,
                      .help = "how much is said"),
    INK_CONFIG_ADDRESS(struct settings, address, .name = "ADDRESS", .fallback = "127.0.0.1:1",
                       .help = "where it listens"),
    {0},
};

struct call {
    int argc;
    char *argv[MOST + 2];
    size_t n_environment;
    char *environment[MOST + 1];
    bool harmful; /* it names files: reading from a terminal would never end */
};

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static char *marked(struct ink_arena *arena, char *line, const char *name)
{
    return starts(line, name) && line[strlen(name)] != '\0'
               ? ink_arena_printf(arena, "%s" MARK "%s", name, line + strlen(name))
               : line;
}

static struct call read_call(struct fuzz_input *input, struct ink_arena *arena)
{
    struct call call = {.argc = 1, .argv = {"program"}};
    while (input->size > 0 && call.argc < MOST && call.n_environment < MOST) {
        char *line = fuzz_line(input, arena);
        call.harmful |= strcasestr(line, "file") != NULL || strstr(line, MARK) != NULL;
        if (line[0] == '-')
            call.argv[call.argc++] = marked(arena, line, "--jwt-secret=");
        else
            call.environment[call.n_environment++] = marked(arena, line, "JWT_SECRET=");
    }
    return call;
}

static void check_values(const struct settings *s)
{
    CHECK(s->secret == NULL || (strlen(s->secret) >= 8 && strlen(s->secret) <= 64));
    CHECK(s->name == NULL || strlen(s->name) <= 5);
    CHECK(s->cost >= -4 && s->cost <= 15);
    CHECK(s->grace_ms >= 1 && s->grace_ms <= 3600000 && s->ttl_s >= 60);
    CHECK(s->limit >= 1024 && s->limit <= 1 << 30);
    CHECK(s->level == 0 || s->level == 1);
    const char *colon = strrchr(s->address, ':');
    CHECK(colon != NULL && colon > s->address && strspn(colon + 1, "0123456789") > 0);
    CHECK(strtoll(colon + 1, NULL, 10) <= 65535);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ink_config_program program = {
        .name = "program", .version = "1", .summary = "a program", .settings = table};
    struct fuzz_input input = {(const char *)data, size};
    struct ink_arena arena;
    struct ink_buf text = INK_BUF_INIT;
    struct settings settings = {0};
    ink_arena_init(&arena);
    struct call call = read_call(&input, &arena);
    if (!call.harmful) {
        enum ink_config_outcome outcome = ink_config_load(
            &program, call.argc, call.argv, call.environment, &arena, &text, &settings);
        CHECK((outcome == INK_CONFIG_RUN) == (text.len == 0));
        CHECK(text.len == 0 || text.data[text.len - 1] == '\n');
        CHECK(text.len == 0 || strstr(text.data, MARK) == NULL);
        if (outcome == INK_CONFIG_RUN)
            check_values(&settings);
    }
    ink_buf_release(&text);
    ink_arena_release(&arena);
    return 0;
}
