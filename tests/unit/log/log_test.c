/* The log's lines as they reach stdout (a pipe here) and its files. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/log/log.h"

struct fixture {
    struct ink_arena arena;
    int real_stdout;
    int pipe;
    char folder[64];
    char text[1 << 17]; /* what was read last */
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    int ends[2];
    ink_arena_init(&f->arena);
    fflush(stdout);
    f->real_stdout = dup(STDOUT_FILENO);
    assert_return_code(pipe2(ends, O_DIRECT), 0); /* a read(2) gets what one write(2) wrote */
    dup2(ends[1], STDOUT_FILENO);
    close(ends[1]);
    f->pipe = ends[0];
    fcntl(f->pipe, F_SETFL, O_NONBLOCK);
    snprintf(f->folder, sizeof(f->folder), "/tmp/log_test.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    ink_log_close();
    dup2(f->real_stdout, STDOUT_FILENO);
    close(f->real_stdout);
    close(f->pipe);
    ink_arena_release(&f->arena);
    free(f);
    return 0;
}

static const char *drain(struct fixture *f, int fd)
{
    size_t size = 0;
    ink_log_flush();
    for (ssize_t n = 1; n > 0; size += n > 0 ? (size_t)n : 0)
        n = read(fd, f->text + size, sizeof(f->text) - 1 - size);
    f->text[size] = '\0';
    return f->text;
}

static const char *logged(struct fixture *f)
{
    return drain(f, f->pipe);
}

static const char *content(struct fixture *f, const char *name)
{
    int fd = open(ink_arena_printf(&f->arena, "%s/%s", f->folder, name), O_RDONLY);
    assert_return_code(fd, 0);
    drain(f, fd);
    close(fd);
    return f->text;
}

static void open_log(struct fixture *f, enum ink_log_level level, const char *folder)
{
    struct ink_log_options options = {.service = "user", .level = level, .folder = folder};
    assert_int_equal(ink_log_open(&options, &f->arena).code, INK_OK);
}

/* Compares a line, behind its time of `{"ts":"2026-11-22T10:00:00.123456Z",`. */
static void assert_line(const char *line, const char *rest)
{
    const char *comma = strchr(line, ',');
    assert_memory_equal(line, "{\"ts\":\"20", 9);
    assert_non_null(comma);
    assert_memory_equal(comma - 2, "Z\"", 2);
    assert_string_equal(comma + 1, rest);
}

static void writes_typed_fields(void **state)
{
    struct fixture *f = *state;
    open_log(f, INK_LOG_INFO, NULL);
    ink_log(INK_LOG_WARN, NULL, "slow \"call\"", INK_LOG_STR("who", "a\nb"),
            INK_LOG_STR("absent", NULL), INK_LOG_INT("n", INT64_MIN), INK_LOG_NUM("ms", 1.5),
            INK_LOG_NUM("small", 0.0126), INK_LOG_NUM("whole", -3), INK_LOG_NUM("zero", -0.0001),
            INK_LOG_NUM("large", 123456789.0625), INK_LOG_NUM("huge", 1e300),
            INK_LOG_NUM("nan", 0.0 / 0.0), INK_LOG_BOOL("ok", true), INK_LOG_BOOL("no", false));
    assert_line(logged(f), "\"level\":\"warn\",\"service\":\"user\",\"msg\":\"slow \\\"call\\\"\","
                           "\"who\":\"a\\nb\",\"n\":-9223372036854775808,\"ms\":1.5,"
                           "\"small\":0.013,\"whole\":-3,\"zero\":0,\"large\":123456789.063,"
                           "\"huge\":1e+300,\"nan\":null,"
                           "\"ok\":true,\"no\":false}\n");
}

static void tells_the_ids_of_a_request(void **state)
{
    struct fixture *f = *state;
    open_log(f, INK_LOG_INFO, NULL);
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    ink_log(INK_LOG_INFO, &ctx, "none");
    assert_line(logged(f), "\"level\":\"info\",\"service\":\"user\",\"msg\":\"none\"}\n");
    ctx.request_id = "req-1";
    strcpy(ctx.trace.trace_id, "0af7651916cd43dd8448eb211c80319c");
    strcpy(ctx.trace.span_id, "b7ad6b7169203331");
    ink_log(INK_LOG_INFO, &ctx, "all");
    assert_line(logged(f), "\"level\":\"info\",\"service\":\"user\",\"msg\":\"all\","
                           "\"request_id\":\"req-1\","
                           "\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\","
                           "\"span_id\":\"b7ad6b7169203331\"}\n");
}

static void tells_a_status_with_its_cause(void **state)
{
    struct fixture *f = *state;
    open_log(f, INK_LOG_INFO, NULL);
    struct ink_status status = ink_error_cause(&f->arena, INK_UNAVAILABLE, "try again later",
                                               "connect to %s: refused", "127.0.0.1:5433");
    ink_log(INK_LOG_ERROR, NULL, "failed", INK_LOG_STATUS(status));
    assert_line(logged(f), "\"level\":\"error\",\"service\":\"user\",\"msg\":\"failed\","
                           "\"code\":\"UNAVAILABLE\",\"error\":\"try again later\","
                           "\"cause\":\"connect to 127.0.0.1:5433: refused\"}\n");
}

static int evaluated;

static const char *evaluate(void)
{
    evaluated++;
    return "value";
}

static void leaves_out_what_is_below_the_level(void **state)
{
    struct fixture *f = *state;
    open_log(f, INK_LOG_WARN, NULL);
    evaluated = 0;
    ink_log(INK_LOG_INFO, NULL, "quiet", INK_LOG_STR("key", evaluate()));
    assert_int_equal(evaluated, 0);
    assert_string_equal(logged(f), "");
    ink_log(INK_LOG_WARN, NULL, "loud", INK_LOG_STR("key", evaluate()));
    assert_int_equal(evaluated, 1);
    assert_non_null(strstr(logged(f), "\"loud\""));
}

static void cuts_long_texts_between_characters(void **state)
{
    struct fixture *f = *state;
    struct ink_buf text = INK_BUF_INIT;
    open_log(f, INK_LOG_INFO, NULL);
    ink_buf_puts(&text, "x");
    while (text.len <= 1024)
        ink_buf_puts(&text, "\xC3\xA9");
    ink_log(INK_LOG_INFO, NULL, "long", INK_LOG_STR("text", text.data), INK_LOG_INT("after", 1));
    const char *value = strstr(logged(f), "\"text\":\"") + strlen("\"text\":\"");
    const char *end = strstr(value, "\xC3\xA9...\",\"after\":1}\n");
    assert_non_null(end);
    assert_in_range(end + 2 - value, 1018, 1021);
    ink_buf_release(&text);
}

static void keeps_a_line_within_what_a_pipe_takes_whole(void **state)
{
    struct fixture *f = *state;
    char text[1001];
    open_log(f, INK_LOG_INFO, NULL);
    memset(text, 'x', 1000);
    text[1000] = '\0';
    ink_log(INK_LOG_INFO, NULL, "m", INK_LOG_STR("a", text), INK_LOG_STR("b", text),
            INK_LOG_STR("c", text), INK_LOG_STR("d", text), INK_LOG_STR("e", text));
    const char *line = logged(f);
    assert_in_range(strlen(line), 3000, 4096);
    assert_non_null(strstr(line, "\"c\":"));
    assert_null(strstr(line, "\"d\":"));
    assert_non_null(strstr(line, "x\",\"truncated\":true}\n"));
}

static void repairs_malformed_utf8(void **state)
{
    struct fixture *f = *state;
    open_log(f, INK_LOG_INFO, NULL);
    ink_log(INK_LOG_INFO, NULL, "m", INK_LOG_STR("k", "a\xFF"));
    assert_non_null(strstr(logged(f), "\"k\":\"a\xEF\xBF\xBD\"}\n"));
}

static void shows_what_would_be_obeyed(void **state)
{
    static const struct {
        const char *text, *line;
    } cases[] = {
        {"a\r\nb\033[2J\b\x7F", "a\\r\\nb\\u001b[2J\\b\\u007f"},
        {"\xC2\x80\xC2\x85\xC2\x9B\x31m\xC2\x9F", "\\u0080\\u0085\\u009b1m\\u009f"},
        {"line\xE2\x80\xA8paragraph\xE2\x80\xA9", "line\\u2028paragraph\\u2029"},
        {"\xE2\x80\xAEnimda\xE2\x80\xAC\xE2\x81\xA6x\xE2\x81\xA9",
         "\\u202enimda\\u202c\\u2066x\\u2069"},
        {"\xE2\x80\x8B\xE2\x80\x8F\xD8\x9C\xEF\xBB\xBF", "\\u200b\\u200f\\u061c\\ufeff"},
        /* Their neighbours, and what is only far away, stay as they are. */
        {"\xC2\xA0\xC3\xA9\xE2\x80\x90\xE2\x80\xAF\xE2\x81\xB0\xE6\xBC\xA2\xF0\x9F\x90\x88",
         "\xC2\xA0\xC3\xA9\xE2\x80\x90\xE2\x80\xAF\xE2\x81\xB0\xE6\xBC\xA2\xF0\x9F\x90\x88"},
        {"\xC2", "\xEF\xBF\xBD"},
        {"\"},{\"msg\":\"forged", "\\\"},{\\\"msg\\\":\\\"forged"},
    };
    struct fixture *f = *state;
    open_log(f, INK_LOG_INFO, NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ink_log(INK_LOG_INFO, NULL, "m", INK_LOG_STR("k", cases[i].text), INK_LOG_INT("n", 1));
        const char *expected =
            ink_arena_printf(&f->arena, "\"msg\":\"m\",\"k\":\"%s\",\"n\":1}\n", cases[i].line);
        assert_string_equal(strstr(logged(f), "\"msg\""), expected);
    }
}

/* Who sends a long text must not keep out of the log who sent it. */
static void a_field_that_does_not_fit_costs_no_other(void **state)
{
    struct fixture *f = *state;
    char text[1025];
    open_log(f, INK_LOG_INFO, NULL);
    memset(text, '\1', 1024);
    text[1024] = '\0';
    ink_log(INK_LOG_INFO, NULL, "m", INK_LOG_STR("path", text), INK_LOG_STR("peer", "127.0.0.1"));
    assert_string_equal(strstr(logged(f), "\"msg\""),
                        "\"msg\":\"m\",\"peer\":\"127.0.0.1\",\"truncated\":true}\n");
}

static void writes_files_and_opens_them_again(void **state)
{
    struct fixture *f = *state;
    open_log(f, INK_LOG_INFO, f->folder);
    ink_log(INK_LOG_INFO, NULL, "first");
    ink_log(INK_LOG_ERROR, NULL, "second");
    assert_non_null(strstr(content(f, "combined.log"), "\"first\""));
    assert_non_null(strstr(content(f, "combined.log"), "\"second\""));
    assert_null(strstr(content(f, "error.log"), "\"first\""));
    assert_non_null(strstr(content(f, "error.log"), "\"second\""));
    assert_non_null(strstr(logged(f), "\"first\""));

    rename(ink_arena_printf(&f->arena, "%s/combined.log", f->folder),
           ink_arena_printf(&f->arena, "%s/old.log", f->folder));
    ink_log(INK_LOG_INFO, NULL, "third");
    ink_log_reopen();
    ink_log(INK_LOG_INFO, NULL, "fourth");
    assert_non_null(strstr(content(f, "old.log"), "\"third\""));
    assert_null(strstr(content(f, "old.log"), "\"fourth\""));
    assert_null(strstr(content(f, "combined.log"), "\"third\""));
    assert_non_null(strstr(content(f, "combined.log"), "\"fourth\""));
    assert_non_null(strstr(content(f, "error.log"), "\"second\""));
}

static void keeps_writing_when_a_file_cannot_be_opened_again(void **state)
{
    struct fixture *f = *state;
    open_log(f, INK_LOG_INFO, f->folder);
    const char *path = ink_arena_printf(&f->arena, "%s/combined.log", f->folder);
    rename(path, ink_arena_printf(&f->arena, "%s/old.log", f->folder));
    mkdir(path, 0700);
    ink_log_reopen();
    ink_log(INK_LOG_INFO, NULL, "still here");
    assert_non_null(strstr(content(f, "old.log"), "\"still here\""));
}

static void names_the_file_that_it_cannot_open(void **state)
{
    struct fixture *f = *state;
    const char *path = ink_arena_printf(&f->arena, "%s/combined.log", f->folder);
    mkdir(path, 0700);
    struct ink_log_options options = {.service = "user", .folder = f->folder};
    struct ink_status status = ink_log_open(&options, &f->arena);
    assert_int_equal(status.code, INK_UNAVAILABLE);
    assert_non_null(strstr(status.message, path));
    options.folder = "/dev/null/log";
    status = ink_log_open(&options, &f->arena);
    assert_int_equal(status.code, INK_UNAVAILABLE);
    assert_non_null(strstr(status.message, "/dev/null/log"));
}

#define THREADS 8
#define LINES 200

static void *chatter(void *arg)
{
    for (int i = 0; i < LINES; i++)
        ink_log(INK_LOG_INFO, NULL, "line", INK_LOG_INT("thread", (intptr_t)arg),
                INK_LOG_STR("pad", "0123456789012345678901234567890123456789"));
    return NULL;
}

static void does_not_mix_the_lines_of_threads(void **state)
{
    struct fixture *f = *state;
    pthread_t threads[THREADS];
    open_log(f, INK_LOG_INFO, f->folder);
    int null = open("/dev/null", O_WRONLY), kept = dup(STDOUT_FILENO);
    dup2(null, STDOUT_FILENO);
    for (intptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, chatter, (void *)i);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ink_log_flush();
    dup2(kept, STDOUT_FILENO);
    close(null);
    close(kept);
    int fd = open(ink_arena_printf(&f->arena, "%s/combined.log", f->folder), O_RDONLY), lines = 0;
    FILE *file = fdopen(fd, "r");
    char line[512];
    for (; fgets(line, sizeof(line), file) != NULL; lines++) {
        assert_memory_equal(line, "{\"ts\":\"", 7);
        assert_string_equal(line + strlen(line) - 4, "9\"}\n");
    }
    fclose(file);
    assert_int_equal(lines, THREADS * LINES);
}

/* Waits until there is something to read, for 10 s at most, and reads it. */
static const char *arrived(struct fixture *f)
{
    struct pollfd ready = {.fd = f->pipe, .events = POLLIN};
    poll(&ready, 1, 10000);
    ssize_t n = read(f->pipe, f->text, sizeof(f->text) - 1);
    f->text[n > 0 ? n : 0] = '\0';
    return f->text;
}

static void a_line_is_written_without_being_asked_for(void **state)
{
    struct fixture *f = *state;
    open_log(f, INK_LOG_INFO, NULL);
    for (int i = 0; i < 3; i++) {
        ink_log(INK_LOG_INFO, NULL, "alone", INK_LOG_INT("n", i));
        assert_non_null(strstr(arrived(f), ink_arena_printf(&f->arena, "\"n\":%d}\n", i)));
    }
}

static void what_is_urgent_is_there_at_once_behind_what_waited(void **state)
{
    struct fixture *f = *state;
    open_log(f, INK_LOG_INFO, NULL);
    ink_log(INK_LOG_INFO, NULL, "first");
    ink_log(INK_LOG_WARN, NULL, "second");
    ink_log(INK_LOG_INFO, NULL, "third");
    ink_log(INK_LOG_ERROR, NULL, "fourth");
    ssize_t size = 0;
    for (ssize_t n; (n = read(f->pipe, f->text + size, 4096)) > 0; size += n)
        ;
    f->text[size] = '\0';
    const char *at = f->text;
    static const char *const order[] = {"first", "second", "third", "fourth"};
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        at = strstr(at, order[i]);
        assert_non_null(at);
    }
}

static void lines_leave_together_and_whole(void **state)
{
    struct fixture *f = *state;
    int lines = 0, writes = 0;
    open_log(f, INK_LOG_INFO, NULL);
    for (int i = 0; i < 120; i++)
        ink_log(INK_LOG_INFO, NULL, "one of many", INK_LOG_INT("n", i));
    ink_log_flush();
    for (ssize_t n; (n = read(f->pipe, f->text, sizeof(f->text))) > 0; writes++) {
        assert_in_range(n, 1, 4096);
        assert_int_equal(f->text[0], '{');
        assert_int_equal(f->text[n - 1], '\n');
        for (ssize_t i = 0; i < n; i++)
            lines += f->text[i] == '\n';
    }
    assert_int_equal(lines, 120);
    assert_in_range(writes, 3, 60);
}

/* Runs `program` in a child whose log is this pipe. Returns its wait status. */
static int run(struct fixture *f, void (*program)(struct fixture *f))
{
    pid_t child = fork();
    if (child == 0) {
        alarm(20); /* a hanging end fails */
        program(f);
        _exit(99);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void log_and_exit(struct fixture *f)
{
    open_log(f, INK_LOG_INFO, NULL);
    ink_log(INK_LOG_INFO, NULL, "the last words");
    exit(3);
}

static void log_and_abort(struct fixture *f)
{
    open_log(f, INK_LOG_INFO, NULL);
    ink_log(INK_LOG_INFO, NULL, "the last words");
    abort();
}

static void what_waits_is_written_at_the_end_of_the_process(void **state)
{
    struct fixture *f = *state;
    int status = run(f, log_and_exit);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
    assert_non_null(strstr(logged(f), "the last words"));
    status = run(f, log_and_abort);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(logged(f), "the last words"));
}

static void *log_much(void *unused)
{
    for (int i = 0; i < 1000000; i++)
        ink_log(INK_LOG_INFO, NULL, "nobody reads this");
    return unused;
}

/* When the pipe is full, somebody hangs in a write, with the lock. */
static void fill_the_pipe_and_abort(struct fixture *f)
{
    pthread_t thread;
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    open_log(f, INK_LOG_INFO, NULL);
    pthread_create(&thread, NULL, log_much, NULL);
    while (poll(&out, 1, 0) > 0)
        usleep(1000);
    abort();
}

static void a_crash_waits_for_no_reader(void **state)
{
    struct fixture *f = *state;
    int status = run(f, fill_the_pipe_and_abort);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(writes_typed_fields),
        CASE(tells_the_ids_of_a_request),
        CASE(tells_a_status_with_its_cause),
        CASE(leaves_out_what_is_below_the_level),
        CASE(cuts_long_texts_between_characters),
        CASE(keeps_a_line_within_what_a_pipe_takes_whole),
        CASE(repairs_malformed_utf8),
        CASE(shows_what_would_be_obeyed),
        CASE(a_field_that_does_not_fit_costs_no_other),
        CASE(writes_files_and_opens_them_again),
        CASE(keeps_writing_when_a_file_cannot_be_opened_again),
        CASE(names_the_file_that_it_cannot_open),
        CASE(does_not_mix_the_lines_of_threads),
        CASE(a_line_is_written_without_being_asked_for),
        CASE(what_is_urgent_is_there_at_once_behind_what_waited),
        CASE(lines_leave_together_and_whole),
        CASE(what_waits_is_written_at_the_end_of_the_process),
        CASE(a_crash_waits_for_no_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
