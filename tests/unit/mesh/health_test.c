/* Readiness from named checks, and how the admin port tells it. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/mesh/admin.h"

struct fixture {
    struct ink_arena arena;
    struct ink_mesh_health *health;
    struct ink_metrics *metrics;
    struct ink_buf text;
    enum ink_code database, cache; /* what the checks answer */
    int asked;
};

static struct ink_status check_database(void *self, struct ink_arena *arena)
{
    struct fixture *f = self;
    f->asked++;
    if (f->database == INK_OK)
        return ink_ok();
    return ink_error_cause(arena, f->database, "the \"database\" is away", "10.0.0.7 refused");
}

static struct ink_status check_cache(void *self, struct ink_arena *arena)
{
    (void)arena;
    return ink_error(((struct fixture *)self)->cache, NULL);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    ink_arena_init(&f->arena);
    f->health = ink_mesh_health_new();
    f->metrics = ink_metrics_new();
    ink_mesh_health_add(f->health, "postgres", true, check_database, f);
    ink_mesh_health_add(f->health, "redis", false, check_cache, f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    ink_mesh_health_free(f->health);
    ink_metrics_free(f->metrics);
    ink_buf_release(&f->text);
    ink_arena_release(&f->arena);
    free(f);
    return 0;
}

static void assert_health(struct fixture *f, bool ready, const char *json)
{
    ink_buf_clear(&f->text);
    assert_int_equal(ink_mesh_health_write(f->health, &f->text), ready);
    assert_string_equal(f->text.data, json);
    assert_int_equal(ink_mesh_health_ready(f->health), ready);
}

static void is_ready_after_a_good_round(void **state)
{
    struct fixture *f = *state;
    assert_health(f, false, "{\"status\":\"starting\",\"checks\":{}}\n");
    assert_true(ink_mesh_health_round(f->health));
    assert_health(f, true,
                  "{\"status\":\"ready\",\"checks\":{\"postgres\":\"ok\","
                  "\"redis\":\"ok\"}}\n");
    assert_int_equal(f->asked, 1);
}

static void follows_what_it_needs(void **state)
{
    struct fixture *f = *state;
    f->database = INK_UNAVAILABLE;
    assert_false(ink_mesh_health_round(f->health));
    assert_health(f, false,
                  "{\"status\":\"not ready\",\"checks\":{\"postgres\":\"the "
                  "\\\"database\\\" is away\",\"redis\":\"ok\"}}\n");
    f->database = INK_OK;
    assert_true(ink_mesh_health_round(f->health));
    f->cache = INK_UNAVAILABLE;
    assert_true(ink_mesh_health_round(f->health));
    assert_health(f, true,
                  "{\"status\":\"ready\",\"checks\":{\"postgres\":\"ok\","
                  "\"redis\":\"UNAVAILABLE\"}}\n");
}

static void is_never_ready_again_once_stopping(void **state)
{
    struct fixture *f = *state;
    assert_true(ink_mesh_health_round(f->health));
    ink_mesh_health_stop(f->health);
    assert_false(ink_mesh_health_round(f->health));
    assert_health(f, false,
                  "{\"status\":\"stopping\",\"checks\":{\"postgres\":\"ok\","
                  "\"redis\":\"ok\"}}\n");
}

/* A check that takes until it is let go. */
struct slow {
    atomic_int begun, let_go, told_ready, told_other;
};

static struct ink_status check_slowly(void *self, struct ink_arena *arena)
{
    (void)arena;
    struct slow *slow = self;
    for (int round = ++slow->begun; slow->let_go < round;)
        usleep(1000);
    return ink_ok();
}

static void slow_told(void *self, bool ready)
{
    struct slow *slow = self;
    ++*(ready ? &slow->told_ready : &slow->told_other);
}

static void await_value(atomic_int *value, int expected)
{
    for (int i = 0; *value != expected && i < 10000; i++)
        usleep(1000);
    assert_int_equal(*value, expected);
}

static void makes_rounds_that_nobody_waits_for(void **state)
{
    struct fixture *f = *state;
    struct slow slow = {0};
    ink_mesh_health_add(f->health, "slow", true, check_slowly, &slow);
    ink_mesh_health_start(f->health, slow_told, &slow);
    await_value(&slow.begun, 1);
    assert_health(f, false, "{\"status\":\"starting\",\"checks\":{}}\n");
    slow.let_go = 1;
    await_value(&slow.told_ready, 1);
    assert_true(ink_mesh_health_ready(f->health));
    await_value(&slow.begun, 2);
    assert_true(ink_mesh_health_ready(f->health));
    ink_mesh_health_stop(f->health);
    assert_false(ink_mesh_health_ready(f->health));
    slow.let_go = 2;
    ink_mesh_health_join(f->health);
    assert_int_equal(slow.begun, 2);
    assert_int_equal(slow.told_ready, 1);
    assert_int_equal(slow.told_other, 1);
}

/* One request on a connection of its own; the whole answer. */
static const char *fetch(struct fixture *f, int port, const char *request_line)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_return_code(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    dprintf(fd, "%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", request_line);
    ink_buf_clear(&f->text);
    for (ssize_t n = 1; n > 0;) {
        n = read(fd, ink_buf_reserve(&f->text, 4096), 4096);
        f->text.len += n > 0 ? (size_t)n : 0;
    }
    f->text.data[f->text.len] = '\0';
    close(fd);
    return f->text.data;
}

static void assert_answer(const char *answer, const char *status, const char *part)
{
    assert_memory_equal(answer, "HTTP/1.1 ", 9);
    assert_memory_equal(answer + 9, status, 3);
    if (strstr(answer, part) == NULL)
        fail_msg("no %s in:\n%s", part, answer);
}

static void is_told_by_the_admin_port(void **state)
{
    struct fixture *f = *state;
    struct ink_mesh_admin *admin;
    struct ink_metric *gauge = ink_metrics_gauge(f->metrics, "depth", "D.", NULL);
    ink_series_set(ink_metric_series(gauge, NULL), 7);
    assert_int_equal(
        ink_mesh_admin_new("127.0.0.1:0", f->metrics, f->health, &f->arena, &admin).code, INK_OK);
    int port = ink_mesh_admin_port(admin);
    assert_answer(fetch(f, port, "GET /readyz"), "503", "\r\n\r\n{\"status\":\"starting\"");
    ink_mesh_health_round(f->health);
    assert_answer(fetch(f, port, "GET /readyz"), "200", "\r\n\r\n{\"status\":\"ready\"");
    f->database = INK_UNAVAILABLE;
    ink_mesh_health_round(f->health);
    assert_answer(fetch(f, port, "GET /readyz"), "503", "\"not ready\"");
    assert_null(strstr(f->text.data, "10.0.0.7"));
    assert_answer(fetch(f, port, "GET /livez"), "200", "{\"status\":\"alive\"}");
    assert_answer(fetch(f, port, "GET /metrics"), "200", "\ndepth 7\n");
    assert_non_null(strstr(f->text.data, "text/plain; version=0.0.4; charset=utf-8\r\n"));
    assert_answer(fetch(f, port, "HEAD /metrics"), "200", "\r\n\r\n");
    assert_null(strstr(f->text.data, "depth"));
    assert_answer(fetch(f, port, "POST /metrics"), "405", "Allow: GET, HEAD\r\n");
    assert_answer(fetch(f, port, "GET /metrics/x"), "404", "Not Found");
    assert_answer(fetch(f, port, "GET /"), "404", "Not Found");

    struct ink_mesh_admin *second = NULL;
    struct ink_status status = ink_mesh_admin_new(ink_arena_printf(&f->arena, "127.0.0.1:%d", port),
                                                  f->metrics, f->health, &f->arena, &second);
    assert_int_equal(status.code, INK_UNAVAILABLE);
    assert_null(second);
    ink_mesh_admin_free(admin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(is_ready_after_a_good_round),        CASE(follows_what_it_needs),
        CASE(is_never_ready_again_once_stopping), CASE(makes_rounds_that_nobody_waits_for),
        CASE(is_told_by_the_admin_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
