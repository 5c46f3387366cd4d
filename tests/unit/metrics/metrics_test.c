/* Metrics as a scrape sees them. */
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/metrics/metrics.h"

struct fixture {
    struct ink_metrics *metrics;
    struct ink_buf text;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->metrics = ink_metrics_new();
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    ink_metrics_free(f->metrics);
    ink_buf_release(&f->text);
    free(f);
    return 0;
}

static const char *scrape(struct fixture *f)
{
    ink_buf_clear(&f->text);
    ink_buf_puts(&f->text, "");
    ink_metrics_write(f->metrics, &f->text);
    return f->text.data;
}

/* The value of the sample whose line begins with `name` and a space. */
static double sample(const char *text, const char *name)
{
    size_t size = strlen(name);
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1)
        if (strncmp(line, name, size) == 0 && line[size] == ' ')
            return strtod(line + size + 1, NULL);
    fail_msg("no sample %s in:\n%s", name, text);
    return NAN;
}

static void writes_counters_with_labels(void **state)
{
    struct fixture *f = *state;
    struct ink_metric *calls =
        ink_metrics_counter(f->metrics, "calls_total", "Calls.", INK_LABELS("method", "code"));
    assert_string_equal(scrape(f), "");
    ink_series_add(ink_metric_series(calls, INK_LABELS("Login", "OK")), 1);
    ink_series_add(ink_metric_series(calls, INK_LABELS("Login", "NOT_FOUND")), 1);
    ink_series_add(ink_metric_series(calls, INK_LABELS("Login", "OK")), 2.5);
    assert_string_equal(scrape(f), "# HELP calls_total Calls.\n"
                                   "# TYPE calls_total counter\n"
                                   "calls_total{method=\"Login\",code=\"OK\"} 3.5\n"
                                   "calls_total{method=\"Login\",code=\"NOT_FOUND\"} 1\n");
}

static void writes_gauges(void **state)
{
    struct fixture *f = *state;
    struct ink_metric *metric = ink_metrics_gauge(f->metrics, "depth", "How deep.", NULL);
    struct ink_series *depth = ink_metric_series(metric, NULL);
    ink_series_set(depth, 7);
    ink_series_add(depth, -9);
    assert_true(ink_series_value(depth) == -2);
    assert_string_equal(scrape(f), "# HELP depth How deep.\n# TYPE depth gauge\ndepth -2\n");
    ink_series_set(depth, INFINITY);
    assert_non_null(strstr(scrape(f), "depth +Inf\n"));
    ink_series_set(depth, -INFINITY);
    assert_non_null(strstr(scrape(f), "depth -Inf\n"));
    ink_series_set(depth, NAN);
    assert_non_null(strstr(scrape(f), "depth NaN\n"));
    ink_series_set(depth, 1e300);
    assert_true(sample(scrape(f), "depth") == 1e300);
}

static void writes_cumulative_histograms(void **state)
{
    struct fixture *f = *state;
    static const double bounds[] = {0.1, 1, 10};
    struct ink_metric *metric = ink_metrics_histogram(f->metrics, "wait_seconds", "Waited.",
                                                      INK_LABELS("q"), bounds, INK_COUNT(bounds));
    struct ink_series *series = ink_metric_series(metric, INK_LABELS("a"));
    static const double values[] = {0.05, 0.1, 0.5, 5, 50};
    for (size_t i = 0; i < INK_COUNT(values); i++)
        ink_series_observe(series, values[i]);
    assert_true(ink_series_value(series) == 5);
    assert_string_equal(scrape(f), "# HELP wait_seconds Waited.\n"
                                   "# TYPE wait_seconds histogram\n"
                                   "wait_seconds_bucket{q=\"a\",le=\"0.1\"} 2\n"
                                   "wait_seconds_bucket{q=\"a\",le=\"1\"} 3\n"
                                   "wait_seconds_bucket{q=\"a\",le=\"10\"} 4\n"
                                   "wait_seconds_bucket{q=\"a\",le=\"+Inf\"} 5\n"
                                   "wait_seconds_sum{q=\"a\"} 55.65\n"
                                   "wait_seconds_count{q=\"a\"} 5\n");
}

static void has_bounds_for_requests(void **state)
{
    struct fixture *f = *state;
    struct ink_metric *metric =
        ink_metrics_histogram(f->metrics, "r_seconds", "Requests.", NULL, NULL, 0);
    ink_series_observe(ink_metric_series(metric, NULL), 0.0007);
    const char *text = scrape(f);
    assert_true(sample(text, "r_seconds_bucket{le=\"0.0005\"}") == 0);
    assert_true(sample(text, "r_seconds_bucket{le=\"0.001\"}") == 1);
    assert_true(sample(text, "r_seconds_bucket{le=\"10\"}") == 1);
}

static void escapes_help_and_values(void **state)
{
    struct fixture *f = *state;
    struct ink_metric *metric =
        ink_metrics_gauge(f->metrics, "odd", "A \"line\"\nand a \\.", INK_LABELS("v"));
    ink_series_set(ink_metric_series(metric, INK_LABELS("a\"b\\c\nd")), 1);
    assert_string_equal(scrape(f), "# HELP odd A \"line\"\\nand a \\\\.\n# TYPE odd gauge\n"
                                   "odd{v=\"a\\\"b\\\\c\\nd\"} 1\n");
}

static void tells_label_values_apart(void **state)
{
    struct fixture *f = *state;
    struct ink_metric *metric = ink_metrics_gauge(f->metrics, "g", "G.", INK_LABELS("a", "b"));
    struct ink_series *one = ink_metric_series(metric, INK_LABELS("x", "yz"));
    assert_ptr_equal(one, ink_metric_series(metric, INK_LABELS("x", "yz")));
    assert_ptr_not_equal(one, ink_metric_series(metric, INK_LABELS("xy", "z")));
    assert_ptr_not_equal(one, ink_metric_series(metric, INK_LABELS("", "xyz")));
}

static void shares_a_metric_of_the_same_name(void **state)
{
    struct fixture *f = *state;
    struct ink_metric *one = ink_metrics_gauge(f->metrics, "pool", "P.", INK_LABELS("pool"));
    assert_ptr_equal(one, ink_metrics_gauge(f->metrics, "pool", "P.", INK_LABELS("pool")));
    assert_ptr_not_equal(one, ink_metrics_gauge(f->metrics, "pools", "P.", INK_LABELS("pool")));
}

static double answer(void *self)
{
    return *(double *)self;
}

static void asks_callbacks(void **state)
{
    struct fixture *f = *state;
    double idle = 3;
    struct ink_metric *metric = ink_metrics_gauge(f->metrics, "pool", "P.", INK_LABELS("state"));
    struct ink_series *series = ink_metric_series(metric, INK_LABELS("idle"));
    ink_series_callback(series, answer, &idle);
    assert_true(sample(scrape(f), "pool{state=\"idle\"}") == 3);
    idle = 4;
    assert_true(sample(scrape(f), "pool{state=\"idle\"}") == 4);
    ink_series_callback(series, NULL, NULL);
    assert_true(sample(scrape(f), "pool{state=\"idle\"}") == 0);
}

static void bounds_the_number_of_series(void **state)
{
    struct fixture *f = *state;
    struct ink_metric *metric = ink_metrics_counter(f->metrics, "c_total", "C.", INK_LABELS("v"));
    char value[16];
    for (int i = 0; i < INK_METRICS_MAX_SERIES + 50; i++) {
        snprintf(value, sizeof(value), "%d", i);
        ink_series_add(ink_metric_series(metric, INK_LABELS(value)), 1);
    }
    const char *text = scrape(f);
    assert_true(sample(text, "c_total{v=\"999\"}") == 1);
    assert_true(sample(text, "c_total{v=\"other\"}") == 50);
    assert_null(strstr(text, "v=\"1000\""));
}

/* Whether making a counter of this name and label, beside a gauge "depth", aborts. */
static bool aborts(const char *name, const char *label)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        struct ink_metrics *metrics = ink_metrics_new();
        struct rlimit none = {0};
        setrlimit(RLIMIT_CORE, &none);
        dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        ink_metrics_gauge(metrics, "depth", "D.", NULL);
        ink_metrics_counter(metrics, name, "N.", INK_LABELS(label));
        _exit(0);
    }
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void aborts_on_names_that_cannot_be(void **state)
{
    (void)state;
    assert_false(aborts("a:b_total", "ok"));
    assert_true(aborts("", "ok"));
    assert_true(aborts("1_total", "ok"));
    assert_true(aborts("a-b", "ok"));
    assert_true(aborts("a_total", "le"));
    assert_true(aborts("a_total", "a:b"));
    assert_true(aborts("depth", "ok"));
}

#define THREADS 8
#define ROUNDS 20000

static void *hammer(void *arg)
{
    struct ink_metric **metrics = arg;
    static const char *const values[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    for (int i = 0; i < ROUNDS; i++) {
        const char *value = values[i % INK_COUNT(values)];
        ink_series_add(ink_metric_series(metrics[0], INK_LABELS(value)), 1);
        ink_series_observe(ink_metric_series(metrics[1], INK_LABELS(value)), 1);
    }
    return NULL;
}

static void loses_nothing_between_threads(void **state)
{
    struct fixture *f = *state;
    struct ink_metric *metrics[] = {
        ink_metrics_counter(f->metrics, "n_total", "N.", INK_LABELS("v")),
        ink_metrics_histogram(f->metrics, "n_seconds", "N.", INK_LABELS("v"), NULL, 0)};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, hammer, metrics);
    for (int i = 0; i < 20; i++)
        scrape(f);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    const char *text = scrape(f);
    assert_true(sample(text, "n_total{v=\"h\"}") == THREADS * ROUNDS / 8);
    assert_true(sample(text, "n_seconds_count{v=\"a\"}") == THREADS * ROUNDS / 8);
    assert_true(sample(text, "n_seconds_sum{v=\"a\"}") == THREADS * ROUNDS / 8);
}

static void knows_the_process(void **state)
{
    struct fixture *f = *state;
    ink_metrics_add_process(f->metrics, "user", "1.0.0");
    const char *text = scrape(f);
    double fds = sample(text, "process_open_fds");
    assert_true(sample(text, "inkmesh_build_info{service=\"user\",version=\"1.0.0\"}") == 1);
    assert_true(sample(text, "process_resident_memory_bytes") > 100000);
    assert_true(sample(text, "process_virtual_memory_bytes") >=
                sample(text, "process_resident_memory_bytes"));
    assert_true(sample(text, "process_cpu_seconds_total") > 0);
    assert_true(sample(text, "process_threads") >= 1);
    assert_true(fds >= 3 && fds <= sample(text, "process_max_fds"));
    assert_true(fabs(sample(text, "process_start_time_seconds") - (double)time(NULL)) < 60);
    int fd = open("/dev/null", O_RDONLY);
    assert_true(sample(scrape(f), "process_open_fds") == fds + 1);
    close(fd);
}

/* Prometheus' own reader and its naming rules. */
static void pleases_promtool(void **state)
{
    struct fixture *f = *state;
    if (access("/usr/bin/promtool", X_OK) != 0)
        skip();
    ink_metrics_add_process(f->metrics, "user", "1.0.0");
    struct ink_metric *handled =
        ink_metrics_counter(f->metrics, "grpc_server_handled_total", "Calls, by their outcome.",
                            INK_LABELS("grpc_service", "grpc_method", "grpc_code"));
    ink_series_add(ink_metric_series(handled, INK_LABELS("s", "m \"\\\n\xC3\xA9", "OK")), 1);
    struct ink_metric *handling = ink_metrics_histogram(
        f->metrics, "grpc_server_handling_seconds", "Time.", INK_LABELS("grpc_method"), NULL, 0);
    ink_series_observe(ink_metric_series(handling, INK_LABELS("m")), 0.3);
    FILE *promtool = popen("/usr/bin/promtool check metrics", "w");
    fputs(scrape(f), promtool);
    assert_int_equal(pclose(promtool), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(writes_counters_with_labels),
        CASE(writes_gauges),
        CASE(writes_cumulative_histograms),
        CASE(has_bounds_for_requests),
        CASE(escapes_help_and_values),
        CASE(tells_label_values_apart),
        CASE(shares_a_metric_of_the_same_name),
        CASE(asks_callbacks),
        CASE(bounds_the_number_of_series),
        CASE(aborts_on_names_that_cannot_be),
        CASE(loses_nothing_between_threads),
        CASE(knows_the_process),
        CASE(pleases_promtool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
