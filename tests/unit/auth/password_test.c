/*
 * lib/auth/password.h: bcrypt's rules, and the bounds of the pool. Whether work was done is asked
 * of the pool's counter of computed hashes, not of a clock.
 */
#include "lib/auth/password.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SLOW_COST 12 /* some tenths of a second: long enough to queue up behind */

struct fixture {
    struct ink_arena arena;
    struct ink_ctx ctx;
    struct ink_password_pool *pool;
};

static struct ink_password_pool *make_pool(struct fixture *f, unsigned cost, unsigned threads,
                                           unsigned queue)
{
    struct ink_password_options options = {.cost = cost, .threads = threads, .queue = queue};
    struct ink_password_pool *pool = NULL;
    assert_true(ink_is_ok(ink_password_pool_new(&options, &f->arena, &pool)));
    return pool;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    ink_arena_init(&f->arena);
    f->ctx = ink_ctx_background(&f->arena);
    f->pool = make_pool(f, 4, 2, 8);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    ink_password_pool_free(f->pool);
    ink_arena_release(&f->arena);
    free(f);
    return 0;
}

static struct ink_password_stats stats(struct ink_password_pool *pool)
{
    struct ink_password_stats stats;
    ink_password_pool_stats(pool, &stats);
    return stats;
}

static const char *hash(struct fixture *f, const char *password)
{
    const char *result = NULL;
    assert_true(ink_is_ok(ink_password_hash(f->pool, &f->ctx, password, &result)));
    return result;
}

/* The answer; and that exactly one hash was computed for it. */
static bool matches(struct fixture *f, const char *password, const char *hash)
{
    uint64_t before = stats(f->pool).computed;
    bool match = hash == NULL;
    assert_true(ink_is_ok(ink_password_verify(f->pool, &f->ctx, password, hash, &match)));
    assert_int_equal(stats(f->pool).computed, before + 1);
    return match;
}

static void test_hash_and_verify(void **state)
{
    struct fixture *f = *state;
    const char *stored = hash(f, "correct horse");
    assert_int_equal(strlen(stored), 60);
    assert_memory_equal(stored, "$2b$04$", 7);
    assert_true(matches(f, "correct horse", stored));
    assert_false(matches(f, "correct horsf", stored));
    assert_false(matches(f, "correct horse ", stored));
    assert_false(matches(f, "Correct horse", stored));
    assert_false(matches(f, "", stored));
    assert_string_not_equal(stored, hash(f, "correct horse")); /* salted */
}

/* Hashes that other bcrypts made (the test vectors that come with several of them). */
static void test_known_vectors(void **state)
{
    struct fixture *f = *state;
    assert_true(matches(f, "U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"));
    assert_true(
        matches(f, "U*U*U", "$2y$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"));
    assert_false(matches(f, "U*U", "$2y$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"));
}

static void test_utf8(void **state)
{
    struct fixture *f = *state;
    const char *stored = hash(f, "pässwörd 密码");
    assert_true(matches(f, "pässwörd 密码", stored));
    assert_false(matches(f, "passwörd 密码", stored));
}

/* Nobody has this account: the same work, and no. */
static void test_no_account(void **state)
{
    struct fixture *f = *state;
    assert_false(matches(f, "correct horse", NULL));
    assert_false(matches(f, "", NULL));
}

static void test_72_bytes(void **state)
{
    struct fixture *f = *state;
    char password[1001];
    memset(password, 'p', 1000);
    password[72] = '\0';
    const char *stored = hash(f, password);
    assert_true(matches(f, password, stored));
    password[71] = 'q';
    assert_false(matches(f, password, stored));
    password[71] = 'p';
    /* Longer ones are not cut to what would match, and cost the same. */
    password[72] = 'p';
    password[73] = '\0';
    assert_false(matches(f, password, stored));
    assert_false(matches(f, password, NULL));
    password[73] = 'p';
    password[1000] = '\0';
    assert_false(matches(f, password, stored)); /* libxcrypt refuses such at once */
    assert_false(matches(f, password, NULL));
    /* What stands in for them while hashing opens no account. */
    assert_false(matches(f, password, hash(f, "too long")));
}

static void test_too_long_to_set(void **state)
{
    struct fixture *f = *state;
    char password[74];
    memset(password, 'p', 73);
    password[73] = '\0';
    const char *result = "untouched";
    struct ink_status status = ink_password_hash(f->pool, &f->ctx, password, &result);
    assert_int_equal(status.code, INK_INVALID_ARGUMENT);
    assert_string_equal(status.violations->field, "password");
    assert_string_equal(result, "untouched");
    assert_int_equal(stats(f->pool).computed, 0);
}

static void test_broken_hash(void **state)
{
    struct fixture *f = *state;
    static const char *const broken[] = {
        "",
        "x",
        "$2b$04$",
        "$1$abcdefgh$abcdefghijklmnopqrstuv",
        "$2b$99$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2b$05$!CCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeWx",
        "$2z$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"};
    for (size_t i = 0; i < INK_COUNT(broken); i++) {
        bool match = false;
        struct ink_status status = ink_password_verify(f->pool, &f->ctx, "U*U", broken[i], &match);
        assert_int_equal(status.code, INK_INTERNAL);
        assert_null(strstr(status.message, "bcrypt"));
        assert_false(match);
    }
}

static void test_outdated(void **state)
{
    struct fixture *f = *state;
    assert_false(ink_password_outdated(f->pool, hash(f, "password")));
    struct ink_password_pool *other = make_pool(f, 5, 1, 1);
    assert_true(ink_password_outdated(other, hash(f, "password")));
    ink_password_pool_free(other);
}

static void test_options(void **state)
{
    struct fixture *f = *state;
    static const unsigned bad[] = {1, 3, 17, 31, 4294967295u};
    for (size_t i = 0; i < INK_COUNT(bad); i++) {
        struct ink_password_options options = {.cost = bad[i]};
        struct ink_password_pool *pool = NULL;
        struct ink_status status = ink_password_pool_new(&options, &f->arena, &pool);
        assert_int_equal(status.code, INK_INVALID_ARGUMENT);
        assert_non_null(strstr(status.message, "BCRYPT_COST"));
        assert_null(pool);
    }
    struct ink_password_pool *pool = make_pool(f, 0, 0, 0);
    struct fixture with_default = {.ctx = f->ctx, .pool = pool};
    assert_memory_equal(hash(&with_default, "password"), "$2b$10$", 7);
    assert_true(stats(pool).threads >= 1);
    ink_password_pool_free(pool);
    ink_password_pool_free(NULL);
}

/* A thread that calls the pool with a context of its own. */
struct caller {
    pthread_t thread;
    struct ink_password_pool *pool;
    int64_t deadline;
    atomic_bool cancelled;
    enum ink_code code;
};

static void *call(void *arg)
{
    struct caller *caller = arg;
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct ink_ctx ctx = ink_ctx_background(&arena);
    ctx.deadline = caller->deadline;
    ctx.cancelled = &caller->cancelled;
    const char *result;
    caller->code = ink_password_hash(caller->pool, &ctx, "password", &result).code;
    ink_arena_release(&arena);
    return NULL;
}

static void start(struct caller *caller, struct ink_password_pool *pool, int64_t deadline)
{
    *caller = (struct caller){.pool = pool, .deadline = deadline};
    assert_int_equal(pthread_create(&caller->thread, NULL, call, caller), 0);
}

static enum ink_code join(struct caller *caller)
{
    pthread_join(caller->thread, NULL);
    return caller->code;
}

static void await(struct ink_password_pool *pool, unsigned running, unsigned waiting)
{
    for (int i = 0; i < 10000; i++) {
        struct ink_password_stats now = stats(pool);
        if (now.running == running && now.waiting == waiting)
            return;
        usleep(500);
    }
    fail_msg("the pool never had %u running and %u waiting", running, waiting);
}

static void test_queue_is_bounded(void **state)
{
    struct fixture *f = *state;
    struct ink_password_pool *pool = make_pool(f, SLOW_COST, 1, 2);
    struct caller callers[3];
    start(&callers[0], pool, INK_NO_DEADLINE);
    await(pool, 1, 0);
    start(&callers[1], pool, INK_NO_DEADLINE);
    await(pool, 1, 1);
    assert_true(ink_is_ok(ink_password_admit(pool)));
    start(&callers[2], pool, INK_NO_DEADLINE);
    await(pool, 1, 2);

    assert_int_equal(ink_password_admit(pool).code, INK_RESOURCE_EXHAUSTED);
    assert_int_equal(stats(pool).refused, 1);
    const char *result = "untouched";
    struct ink_status status = ink_password_hash(pool, &f->ctx, "password", &result);
    assert_int_equal(status.code, INK_RESOURCE_EXHAUSTED);
    assert_string_equal(status.reason, INK_REASON_OVERLOADED);
    assert_in_range(status.retry_after_ms, 1000, 30000);
    assert_string_equal(result, "untouched");
    assert_int_equal(stats(pool).refused, 2);

    for (size_t i = 0; i < INK_COUNT(callers); i++)
        assert_int_equal(join(&callers[i]), INK_OK);
    assert_int_equal(stats(pool).computed, 3);
    assert_int_equal(stats(pool).waiting, 0);
    assert_true(ink_is_ok(ink_password_admit(pool)));
    ink_password_pool_free(pool);
}

/* Who would wait too long is told at once, however long the queue may be. */
static void test_queue_is_as_long_as_patience(void **state)
{
    struct fixture *f = *state;
    struct ink_password_options options = {
        .cost = SLOW_COST, .threads = 1, .queue = 100, .patience_ms = 1};
    struct ink_password_pool *pool = NULL;
    assert_true(ink_is_ok(ink_password_pool_new(&options, &f->arena, &pool)));
    struct caller callers[2];
    const char *hash;
    assert_true(ink_is_ok(ink_password_hash(pool, &f->ctx, "password", &hash)));
    start(&callers[0], pool, INK_NO_DEADLINE);
    await(pool, 1, 0);
    start(&callers[1], pool, INK_NO_DEADLINE); /* nobody is in front of it in the queue */
    await(pool, 1, 1);
    struct ink_status status = ink_password_hash(pool, &f->ctx, "password", &hash);
    assert_int_equal(status.code, INK_RESOURCE_EXHAUSTED);
    assert_string_equal(status.reason, INK_REASON_OVERLOADED);
    for (size_t i = 0; i < INK_COUNT(callers); i++)
        assert_int_equal(join(&callers[i]), INK_OK);
    assert_true(ink_is_ok(ink_password_hash(pool, &f->ctx, "password", &hash)));
    ink_password_pool_free(pool);
}

/* What nobody waits for any more is not started, and those behind it are. */
static void test_given_up_in_the_queue(void **state)
{
    struct fixture *f = *state;
    struct ink_password_pool *pool = make_pool(f, SLOW_COST, 1, 8);
    struct caller first, expired, cancelled, last;
    start(&first, pool, INK_NO_DEADLINE);
    await(pool, 1, 0);
    start(&expired, pool, ink_now() + 20 * INK_MILLISECOND);
    start(&cancelled, pool, INK_NO_DEADLINE);
    start(&last, pool, INK_NO_DEADLINE);
    atomic_store(&cancelled.cancelled, true);
    assert_int_equal(join(&expired), INK_DEADLINE_EXCEEDED);
    assert_int_equal(join(&cancelled), INK_CANCELLED);
    assert_int_equal(join(&first), INK_OK);
    assert_int_equal(join(&last), INK_OK);
    assert_int_equal(stats(pool).computed, 2);
    assert_int_equal(stats(pool).waiting, 0);
    ink_password_pool_free(pool);
}

/* The last of the queue gives up: what comes afterwards must still be found. */
static void test_queue_after_the_tail_left(void **state)
{
    struct fixture *f = *state;
    struct ink_password_pool *pool = make_pool(f, SLOW_COST, 1, 8);
    struct caller first, tail, last;
    start(&first, pool, INK_NO_DEADLINE);
    await(pool, 1, 0);
    start(&tail, pool, ink_now() + 10 * INK_MILLISECOND);
    assert_int_equal(join(&tail), INK_DEADLINE_EXCEEDED);
    start(&last, pool, INK_NO_DEADLINE);
    assert_int_equal(join(&last), INK_OK);
    assert_int_equal(join(&first), INK_OK);
    ink_password_pool_free(pool);
}

static void test_dead_context(void **state)
{
    struct fixture *f = *state;
    const char *result = "untouched";
    f->ctx.deadline = ink_now() - 1;
    assert_int_equal(ink_password_hash(f->pool, &f->ctx, "password", &result).code,
                     INK_DEADLINE_EXCEEDED);
    bool match = false;
    assert_int_equal(ink_password_verify(f->pool, &f->ctx, "password", NULL, &match).code,
                     INK_DEADLINE_EXCEEDED);
    assert_int_equal(stats(f->pool).computed, 0);
}

static void test_many_callers(void **state)
{
    struct fixture *f = *state;
    struct ink_password_pool *pool = make_pool(f, 4, 3, 100);
    struct caller callers[60];
    for (size_t i = 0; i < INK_COUNT(callers); i++)
        start(&callers[i], pool, INK_NO_DEADLINE);
    for (size_t i = 0; i < INK_COUNT(callers); i++)
        assert_int_equal(join(&callers[i]), INK_OK);
    assert_int_equal(stats(pool).computed, INK_COUNT(callers));
    ink_password_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_hash_and_verify, setup, teardown),
        cmocka_unit_test_setup_teardown(test_known_vectors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_utf8, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_account, setup, teardown),
        cmocka_unit_test_setup_teardown(test_72_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_long_to_set, setup, teardown),
        cmocka_unit_test_setup_teardown(test_broken_hash, setup, teardown),
        cmocka_unit_test_setup_teardown(test_outdated, setup, teardown),
        cmocka_unit_test_setup_teardown(test_options, setup, teardown),
        cmocka_unit_test_setup_teardown(test_queue_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_queue_is_as_long_as_patience, setup, teardown),
        cmocka_unit_test_setup_teardown(test_given_up_in_the_queue, setup, teardown),
        cmocka_unit_test_setup_teardown(test_queue_after_the_tail_left, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dead_context, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_callers, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
