/* A program's settings table: what is accepted, from where, and what is said about the rest. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/config/config.h"

struct shared {
    int level;
    const char *address;
};

struct settings {
    const char *secret;
    const char *name;
    int64_t cost;
    int64_t free_number;
    bool eager;
    int64_t grace_ms;
    int64_t ttl_s;
    int64_t limit;
    struct shared shared;
};

static const char *const levels[] = {"low", "high", NULL};

static const struct ink_config_setting shared_table[] = {
    INK_CONFIG_CHOICE(struct shared, level, .name = "LEVEL", .fallback = "low", .choices = levels,
                      .help = "how much is said"),
    INK_CONFIG_ADDRESS(struct shared, address, .name = "ADDRESS", .fallback = "127.0.0.1:1",
                       .help = "where it listens"),
    {0},
};

static const struct ink_config_setting table[] = {
    INK_CONFIG_STRING(struct settings, secret, .name = "JWT_SECRET", .required = true,
                      .secret = true, .min = 8, .max = 64, .help = "signs the tokens"),
    INK_CONFIG_STRING(struct settings, name, .name = "NAME", .max = 5, .help = "a short name"),
    INK_CONFIG_INT(struct settings, cost, .name = "BCRYPT_COST", .fallback = "10", .min = 4,
                   .max = 15, .help = "cost of a hash"),
    INK_CONFIG_INT(struct settings, free_number, .name = "FREE_NUMBER", .help = "any number"),
    INK_CONFIG_BOOL(struct settings, eager, .name = "EAGER", .help = "whether to hurry"),
    INK_CONFIG_MS(struct settings, grace_ms, .name = "GRACE_MS", .fallback = "10s", .min = 1,
                  .max = 3600000, .help = "how long to wait"),
    INK_CONFIG_SECONDS(struct settings, ttl_s, .name = "TTL_S", .fallback = "1h", .min = 60,
                       .help = "how long it lives"),
    INK_CONFIG_BYTES(struct settings, limit, .name = "LIMIT", .fallback = "1MiB", .min = 1024,
                     .max = 1 << 30, .help = "how big it gets"),
    INK_CONFIG_INCLUDE(struct settings, shared, shared_table),
    INK_CONFIG_FALLBACK("ADDRESS", "127.0.0.1:3001"),
    {0},
};

static const struct ink_config_program program = {
    .name = "demo", .version = "1.2.3", .summary = "a demonstration", .settings = table};

struct fixture {
    struct ink_arena arena;
    struct ink_buf text;
    struct settings settings;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    ink_arena_init(&f->arena);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    ink_buf_release(&f->text);
    ink_arena_release(&f->arena);
    free(f);
    return 0;
}

#define SECRET "JWT_SECRET=0123456789abcdef"
#define LIST(...) ((char *[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static enum ink_config_outcome load(struct fixture *f, char **environment, char **flags)
{
    char *argv[16] = {"demo"};
    int argc = 1;
    for (; flags[argc - 1] != NULL; argc++)
        argv[argc] = flags[argc - 1];
    memset(&f->settings, 0, sizeof(f->settings));
    ink_buf_clear(&f->text);
    return ink_config_load(&program, argc, argv, environment, &f->arena, &f->text, &f->settings);
}

/* Loads with the secret and one more variable or flag, which is accepted. */
static void good(struct fixture *f, char *variable, char *flag)
{
    char **environment = variable != NULL ? LIST(SECRET, variable) : LIST(SECRET);
    enum ink_config_outcome outcome = load(f, environment, flag != NULL ? LIST(flag) : LIST());
    if (outcome != INK_CONFIG_RUN)
        print_error("%s", f->text.data);
    assert_int_equal(outcome, INK_CONFIG_RUN);
    assert_int_equal(f->text.len, 0);
}

/* The same, but it is not: with exactly this text. */
static void bad(struct fixture *f, char *variable, char *flag, const char *text)
{
    char **environment = variable != NULL ? LIST(SECRET, variable) : LIST(SECRET);
    assert_int_equal(load(f, environment, flag != NULL ? LIST(flag) : LIST()), INK_CONFIG_WRONG);
    assert_string_equal(f->text.data, text);
}

static void falls_back(void **state)
{
    struct fixture *f = *state;
    good(f, NULL, NULL);
    assert_string_equal(f->settings.secret, "0123456789abcdef");
    assert_null(f->settings.name);
    assert_int_equal(f->settings.cost, 10);
    assert_false(f->settings.eager);
    assert_int_equal(f->settings.grace_ms, 10000);
    assert_int_equal(f->settings.ttl_s, 3600);
    assert_int_equal(f->settings.limit, 1 << 20);
    assert_int_equal(f->settings.shared.level, 0);
    assert_string_equal(f->settings.shared.address, "127.0.0.1:3001");
}

static void prefers_flag_to_environment_to_fallback(void **state)
{
    struct fixture *f = *state;
    good(f, "BCRYPT_COST=11", NULL);
    assert_int_equal(f->settings.cost, 11);
    good(f, "BCRYPT_COST=11", "--bcrypt-cost=12");
    assert_int_equal(f->settings.cost, 12);
    good(f, "BCRYPT_COST=", NULL);
    assert_int_equal(f->settings.cost, 10);
    good(f, "NAME=ada", "--name=");
    assert_string_equal(f->settings.name, ""); /* said outright, unlike an empty variable */
    good(f, "BCRYPT_COSTS=99", NULL);
    assert_int_equal(f->settings.cost, 10);
    assert_int_equal(load(f, LIST(SECRET), LIST("--bcrypt-cost", "13", "--eager", "--level=high")),
                     INK_CONFIG_RUN);
    assert_int_equal(f->settings.cost, 13);
    assert_true(f->settings.eager);
    assert_int_equal(f->settings.shared.level, 1);
}

static void keeps_what_it_was_given(void **state)
{
    struct fixture *f = *state;
    char variable[] = "NAME=ada";
    good(f, variable, NULL);
    memset(variable, 'x', strlen(variable));
    assert_string_equal(f->settings.name, "ada");
}

static void reads_numbers_with_units(void **state)
{
    struct fixture *f = *state;
    static const struct {
        char *variable;
        size_t offset;
        int64_t value;
    } cases[] = {
        {"GRACE_MS=1500", offsetof(struct settings, grace_ms), 1500},
        {"GRACE_MS=1500ms", offsetof(struct settings, grace_ms), 1500},
        {"GRACE_MS=2s", offsetof(struct settings, grace_ms), 2000},
        {"GRACE_MS=5m", offsetof(struct settings, grace_ms), 300000},
        {"GRACE_MS=1h", offsetof(struct settings, grace_ms), 3600000},
        {"TTL_S=90", offsetof(struct settings, ttl_s), 90},
        {"TTL_S=7d", offsetof(struct settings, ttl_s), 604800},
        {"LIMIT=2048", offsetof(struct settings, limit), 2048},
        {"LIMIT=64KiB", offsetof(struct settings, limit), 65536},
        {"LIMIT=1GiB", offsetof(struct settings, limit), 1 << 30},
        {"FREE_NUMBER=-5", offsetof(struct settings, free_number), -5},
        {"FREE_NUMBER=9223372036854775807", offsetof(struct settings, free_number), INT64_MAX},
    };
    for (size_t i = 0; i < INK_COUNT(cases); i++) {
        good(f, cases[i].variable, NULL);
        int64_t value = *(int64_t *)(void *)((char *)&f->settings + cases[i].offset);
        assert_int_equal(value, cases[i].value);
    }
}

static void reads_booleans(void **state)
{
    struct fixture *f = *state;
    char *yes[] = {"EAGER=true", "EAGER=1", "EAGER=Yes", "EAGER=on"};
    char *no[] = {"EAGER=false", "EAGER=0", "EAGER=NO", "EAGER=off"};
    for (size_t i = 0; i < INK_COUNT(yes); i++) {
        good(f, yes[i], NULL);
        assert_true(f->settings.eager);
        good(f, no[i], NULL);
        assert_false(f->settings.eager);
    }
    good(f, "EAGER=true", "--eager=false");
    assert_false(f->settings.eager);
}

static void refuses_what_is_out_of_bounds_or_no_number(void **state)
{
    struct fixture *f = *state;
    bad(f, "BCRYPT_COST=16", NULL,
        "demo: BCRYPT_COST: \"16\" is not accepted; expected a whole number from 4 to 15\n");
    bad(f, NULL, "--bcrypt-cost=3",
        "demo: --bcrypt-cost: \"3\" is not accepted; expected a whole number from 4 to 15\n");
    char *numbers[] = {"FREE_NUMBER=x",  "FREE_NUMBER=1x", "FREE_NUMBER= 1",
                       "FREE_NUMBER=+1", "FREE_NUMBER=-",  "FREE_NUMBER=9223372036854775808",
                       "FREE_NUMBER=1s", "FREE_NUMBER=0x1"};
    for (size_t i = 0; i < INK_COUNT(numbers); i++)
        assert_int_equal(load(f, LIST(SECRET, numbers[i]), LIST()), INK_CONFIG_WRONG);
    bad(f, "GRACE_MS=2h", NULL,
        "demo: GRACE_MS: \"2h\" is not accepted; expected a time from 1ms to 1h (such as 30s, 5m; "
        "a "
        "bare number is milliseconds)\n");
    bad(f, "TTL_S=59", NULL,
        "demo: TTL_S: \"59\" is not accepted; expected a time of at least 1m (such as 30s, 5m; a "
        "bare number is seconds)\n");
    bad(f, "LIMIT=1kb", NULL,
        "demo: LIMIT: \"1kb\" is not accepted; expected a size from 1KiB to 1GiB (such as 64KiB, "
        "4MiB; a bare number is bytes)\n");
    char *times[] = {"GRACE_MS=0", "GRACE_MS=-1", "GRACE_MS=1w", "GRACE_MS=s",
                     "GRACE_MS=106751991168d"};
    for (size_t i = 0; i < INK_COUNT(times); i++)
        assert_int_equal(load(f, LIST(SECRET, times[i]), LIST()), INK_CONFIG_WRONG);
    bad(f, "EAGER=maybe", NULL, "demo: EAGER: \"maybe\" is not accepted; expected true or false\n");
    bad(f, "LEVEL=LOW", NULL, "demo: LEVEL: \"LOW\" is not accepted; expected one of low, high\n");
    bad(f, "NAME=toolong", NULL,
        "demo: NAME: \"toolong\" is not accepted; expected text from 0 to 5 bytes\n");
}

static void knows_an_address(void **state)
{
    struct fixture *f = *state;
    char *yes[] = {"ADDRESS=127.0.0.1:0", "ADDRESS=localhost:65535", "ADDRESS=[::1]:80"};
    char *no[] = {"ADDRESS=3001",        "ADDRESS=:3001",  "ADDRESS=host:",
                  "ADDRESS=host:65536",  "ADDRESS=::1:80", "ADDRESS=host:80x",
                  "ADDRESS=http://h:80", "ADDRESS=[]:80",  "ADDRESS=a b:80"};
    for (size_t i = 0; i < INK_COUNT(yes); i++) {
        good(f, yes[i], NULL);
        assert_string_equal(f->settings.shared.address, strchr(yes[i], '=') + 1);
    }
    for (size_t i = 0; i < INK_COUNT(no); i++)
        assert_int_equal(load(f, LIST(SECRET, no[i]), LIST()), INK_CONFIG_WRONG);
    assert_string_equal(f->text.data,
                        "demo: ADDRESS: \"a b:80\" is not accepted; expected host:port\n");
}

static void reports_all_problems_at_once(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, LIST("LEVEL=x"),
                          LIST("--no-such=1", "stray", "--name", "--bcrypt-cost=1", "--limit")),
                     INK_CONFIG_WRONG);
    assert_string_equal(
        f->text.data,
        "demo: --no-such: there is no such flag; --help lists all\n"
        "demo: an argument that is no flag; flags begin with --, --help lists all\n"
        "demo: --name: a value must follow\n"
        "demo: --limit: a value must follow\n"
        "demo: JWT_SECRET is required: text from 8 to 64 bytes (signs the tokens)\n"
        "demo: --bcrypt-cost: \"1\" is not accepted; expected a whole number from 4 to 15\n"
        "demo: LEVEL: \"x\" is not accepted; expected one of low, high\n");
}

static void requires_one_of_two(void **state)
{
    struct fixture *f = *state;
    static const struct ink_config_setting either[] = {
        INK_CONFIG_STRING(struct settings, name, .name = "KEY", .help = "a key"),
        INK_CONFIG_STRING(struct settings, secret, .name = "SECRET", .required = true,
                          .unless = "KEY", .help = "a secret"),
        {0},
    };
    const struct ink_config_program two = {.name = "demo", .settings = either};
    static const struct {
        char *environment[2];
        enum ink_config_outcome outcome;
    } cases[] = {
        {{NULL}, INK_CONFIG_WRONG},
        {{"KEY=", NULL}, INK_CONFIG_WRONG},
        {{"KEY=a", NULL}, INK_CONFIG_RUN},
        {{"SECRET=a", NULL}, INK_CONFIG_RUN},
    };
    for (size_t i = 0; i < INK_COUNT(cases); i++) {
        ink_buf_clear(&f->text);
        assert_int_equal(ink_config_load(&two, 1, LIST("demo"), cases[i].environment, &f->arena,
                                         &f->text, &f->settings),
                         cases[i].outcome);
        if (cases[i].outcome == INK_CONFIG_WRONG)
            assert_string_equal(f->text.data,
                                "demo: SECRET is required unless KEY is set: text (a secret)\n");
    }
    ink_buf_clear(&f->text);
    ink_config_print_env(&two, &f->text);
    assert_non_null(strstr(f->text.data, "# text; required unless KEY is set\nSECRET=\n"));
}

static void never_prints_a_secret(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, LIST("JWT_SECRET=hunter2"), LIST()), INK_CONFIG_WRONG);
    assert_string_equal(f->text.data, "demo: JWT_SECRET: its value is not accepted; expected text "
                                      "from 8 to 64 bytes\n");
    assert_int_equal(load(f, LIST(SECRET), LIST("--jwt-secret", "hunter2hunter2")),
                     INK_CONFIG_WRONG);
    assert_string_equal(f->text.data, "demo: --jwt-secret: a secret on the command line is no "
                                      "secret; use JWT_SECRET, JWT_SECRET_FILE or "
                                      "--jwt-secret-file\n");
    assert_int_equal(load(f, LIST(SECRET), LIST("hunter2hunter2")), INK_CONFIG_WRONG);
    assert_null(strstr(f->text.data, "hunter2"));
}

static const char *write_file(const char *content, size_t size)
{
    static char path[64];
    snprintf(path, sizeof(path), "/tmp/config_test.XXXXXX");
    int fd = mkstemp(path);
    assert_return_code(fd, 0);
    assert_int_equal(write(fd, content, size), size);
    close(fd);
    return path;
}

static void reads_a_secret_from_a_file(void **state)
{
    struct fixture *f = *state;
    const char *path = write_file("from a file\n", 12);
    char *variable = ink_arena_printf(&f->arena, "JWT_SECRET_FILE=%s", path);
    assert_int_equal(load(f, LIST(variable), LIST()), INK_CONFIG_RUN);
    assert_string_equal(f->settings.secret, "from a file");
    good(f, NULL, ink_arena_printf(&f->arena, "--jwt-secret-file=%s", path));
    assert_string_equal(f->settings.secret, "from a file");
    bad(f, variable, NULL, "demo: JWT_SECRET and JWT_SECRET_FILE are both set; set one\n");
    unlink(path);
    bad(f, NULL, ink_arena_printf(&f->arena, "--jwt-secret-file=%s", path),
        ink_arena_printf(&f->arena,
                         "demo: --jwt-secret-file: cannot read %s: No such file or directory\n",
                         path));
    assert_int_equal(load(f, LIST(variable), LIST()), INK_CONFIG_WRONG);
    assert_null(strstr(f->text.data, "required"));

    path = write_file("with\0a NUL\n", 11);
    assert_int_equal(load(f, LIST(ink_arena_printf(&f->arena, "JWT_SECRET_FILE=%s", path)), LIST()),
                     INK_CONFIG_WRONG);
    assert_non_null(strstr(f->text.data, "is not a text of up to 65536 bytes"));
    unlink(path);
    static char big[65537];
    memset(big, 'x', sizeof(big));
    path = write_file(big, sizeof(big));
    assert_int_equal(load(f, LIST(ink_arena_printf(&f->arena, "JWT_SECRET_FILE=%s", path)), LIST()),
                     INK_CONFIG_WRONG);
    assert_non_null(strstr(f->text.data, "is not a text of up to 65536 bytes"));
    unlink(path);
}

static void shows_help(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, LIST(), LIST("--bcrypt-cost=x", "--help")), INK_CONFIG_SHOW);
    const char *help = f->text.data;
    assert_memory_equal(help, "demo 1.2.3: a demonstration\n", 28);
    assert_non_null(strstr(help,
                           "\n  BCRYPT_COST  --bcrypt-cost\n      cost of a hash\n      a whole "
                           "number from 4 to 15; default 10\n"));
    assert_non_null(strstr(help, "\n  JWT_SECRET  --jwt-secret-file\n      signs the tokens\n      "
                                 "text from 8 to 64 bytes; required; secret, may be in a file: "
                                 "JWT_SECRET_FILE\n"));
    assert_non_null(strstr(help, "\n  ADDRESS  --address\n      where it listens\n      host:port; "
                                 "default 127.0.0.1:3001\n"));
    assert_int_equal(load(f, LIST(), LIST("--version")), INK_CONFIG_SHOW);
    assert_string_equal(f->text.data, "demo 1.2.3\n");
}

static void prints_an_env_file(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, LIST(SECRET), LIST("--print-env")), INK_CONFIG_SHOW);
    assert_memory_equal(f->text.data, "# demo: a demonstration\n\n# signs the tokens\n", 44);
    assert_non_null(strstr(f->text.data, "\nJWT_SECRET=\n"));
    assert_null(strstr(f->text.data, "0123456789abcdef"));
    assert_non_null(strstr(f->text.data,
                           "\n# cost of a hash\n# a whole number from 4 to 15; default "
                           "10\n#BCRYPT_COST=10\n"));
    assert_non_null(strstr(f->text.data, "\n#NAME=\n"));
    assert_non_null(strstr(f->text.data, "\n#ADDRESS=127.0.0.1:3001\n"));
}

/* Whether a program with this table aborts at its start. */
static bool aborts(struct fixture *f, const struct ink_config_setting *settings)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        const struct ink_config_program mistaken = {
            .name = "demo", .version = "1", .summary = "", .settings = settings};
        struct rlimit none = {0};
        setrlimit(RLIMIT_CORE, &none);
        dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        ink_config_help(&mistaken, &f->text);
        _exit(0);
    }
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void aborts_on_a_table_that_contradicts_itself(void **state)
{
    struct fixture *f = *state;
    static const struct ink_config_setting twice[] = {
        INK_CONFIG_INCLUDE(struct settings, shared, shared_table),
        INK_CONFIG_BOOL(struct settings, eager, .name = "LEVEL", .help = "again"),
        {0},
    };
    static const struct ink_config_setting unknown[] = {
        INK_CONFIG_FALLBACK("LEVEL", "high"),
        INK_CONFIG_INCLUDE(struct settings, shared, shared_table),
        {0},
    };
    static const struct ink_config_setting unless[] = {
        INK_CONFIG_STRING(struct settings, name, .name = "NAME", .required = true,
                          .unless = "LATER", .help = ""),
        INK_CONFIG_STRING(struct settings, secret, .name = "LATER", .help = ""),
        {0},
    };
    assert_true(aborts(f, unless));
    assert_true(aborts(f, twice));
    assert_true(aborts(f, unknown));
    assert_false(aborts(f, table));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(falls_back),
        CASE(prefers_flag_to_environment_to_fallback),
        CASE(keeps_what_it_was_given),
        CASE(reads_numbers_with_units),
        CASE(reads_booleans),
        CASE(refuses_what_is_out_of_bounds_or_no_number),
        CASE(knows_an_address),
        CASE(reports_all_problems_at_once),
        CASE(requires_one_of_two),
        CASE(never_prints_a_secret),
        CASE(reads_a_secret_from_a_file),
        CASE(shows_help),
        CASE(prints_an_env_file),
        CASE(aborts_on_a_table_that_contradicts_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
