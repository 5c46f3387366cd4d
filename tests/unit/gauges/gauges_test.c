/* lib/gauges/gauges.h: every number of a pool arrives in the metric of its name. */
#include "lib/gauges/gauges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct ink_arena arena;
    struct ink_metrics *metrics;
};

static int setup(void **state)
{
    static struct fixture f;
    ink_arena_init(&f.arena);
    f.metrics = ink_metrics_new();
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    ink_metrics_free(f->metrics);
    ink_arena_release(&f->arena);
    return 0;
}

static void assert_shown(struct fixture *f, const char *line)
{
    struct ink_buf text = INK_BUF_INIT;
    ink_metrics_write(f->metrics, &text);
    if (strstr(text.data, line) == NULL)
        fail_msg("no %s in\n%s", line, text.data);
    ink_buf_release(&text);
}

static void test_passwords(void **state)
{
    struct fixture *f = *state;
    struct ink_password_options options = {.cost = 4, .threads = 3};
    struct ink_password_pool *pool = NULL;
    assert_true(ink_is_ok(ink_password_pool_new(&options, &f->arena, &pool)));
    ink_gauges_add_passwords(f->metrics, pool);
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    const char *hash;
    assert_true(ink_is_ok(ink_password_hash(pool, &ctx, "password", &hash)));
    assert_true(ink_is_ok(ink_password_hash(pool, &ctx, "password", &hash)));
    assert_shown(f, "\npassword_threads 3\n");
    assert_shown(f, "\npassword_hashes_total 2\n");
    assert_shown(f, "\npassword_waiting 0\n");
    assert_shown(f, "\npassword_running 0\n");
    assert_shown(f, "\npassword_refused_total 0\n");
    ink_metrics_free(f->metrics);
    f->metrics = NULL;
    ink_password_pool_free(pool);
}

/* Ports that nothing listens on: discard. */
static void test_db(void **state)
{
    struct fixture *f = *state;
    struct ink_db_settings settings = {.conninfo = "host=127.0.0.1 port=9 user=x", .size = 7};
    struct ink_db *db = NULL;
    assert_true(ink_is_ok(ink_db_new(&f->arena, &settings, &db)));
    ink_gauges_add_db(f->metrics, db);
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    ctx.deadline = ink_now() + 2 * INK_SECOND;
    assert_false(ink_is_ok(ink_db_ping(db, &ctx)));
    assert_shown(f, "\ndb_pool_size 7\n");
    assert_shown(f, "\ndb_pool_connections 0\n");
    assert_shown(f, "\ndb_pool_down 1\n");
    assert_shown(f, "\ndb_pool_connects_total 0\n");
    ink_metrics_free(f->metrics);
    f->metrics = NULL;
    ink_db_free(db);
}

static void test_cache(void **state)
{
    struct fixture *f = *state;
    struct ink_cache_settings settings = {.url = "redis://127.0.0.1:9"};
    struct ink_cache *cache = NULL;
    assert_true(ink_is_ok(ink_cache_new(&f->arena, &settings, &cache)));
    ink_gauges_add_cache(f->metrics, cache);
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    struct ink_cache_lease lease;
    void *data;
    size_t size;
    assert_false(ink_cache_get(cache, &ctx, "user:1", &lease, &data, &size, NULL));
    assert_shown(f, "\ncache_requests_total{result=\"error\"} 1\n");
    assert_shown(f, "\ncache_requests_total{result=\"hit\"} 0\n");
    assert_shown(f, "\ncache_breaker_state 0\n");
    assert_shown(f, "\ncache_connections_in_use 0\n");
    ink_metrics_free(f->metrics);
    f->metrics = NULL;
    ink_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_passwords, setup, teardown),
        cmocka_unit_test_setup_teardown(test_db, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cache, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
