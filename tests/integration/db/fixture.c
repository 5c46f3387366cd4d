#include "tests/integration/db/fixture.h"

#include <pthread.h>
#include <time.h>

struct ink_ctx *fixture_ctx(int64_t ms)
{
    static _Thread_local struct ink_arena arena;
    static _Thread_local struct ink_ctx ctx;
    ink_arena_release(&arena);
    ink_arena_init(&arena);
    ctx = ink_ctx_background(&arena);
    ctx.deadline = ink_now() + ms * INK_MILLISECOND;
    return &ctx;
}

struct ink_db *fixture_pool(struct ink_db_settings settings)
{
    struct ink_db *db = NULL;
    settings.conninfo = test_postgres_url();
    fixture_expect(ink_db_new(fixture_ctx(1000)->arena, &settings, &db), INK_OK);
    return db;
}

void fixture_run(struct ink_db *db, const struct ink_db_statement *statement)
{
    fixture_expect(ink_db_query(db, fixture_ctx(5000), statement, NULL, NULL), INK_OK);
}

void fixture_expect(struct ink_status status, enum ink_code code)
{
    if (status.code != code)
        fail_msg("%s instead of %s: %s (%s)", ink_code_name(status.code), ink_code_name(code),
                 status.message != NULL ? status.message : "",
                 status.cause != NULL ? status.cause : "");
}

int64_t fixture_elapsed_ms(int64_t start)
{
    return (ink_now() - start) / INK_MILLISECOND;
}

void fixture_await(struct ink_db *db, int64_t ms)
{
    int64_t start = ink_now();
    struct ink_status status;
    do {
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        status = ink_db_ping(db, fixture_ctx(1000));
    } while (!ink_is_ok(status) && fixture_elapsed_ms(start) < ms);
    fixture_expect(status, INK_OK);
}

void fixture_threads(int count, void *(*body)(void *), void *arg)
{
    pthread_t threads[64];
    assert_in_range(count, 1, 64);
    for (int i = 0; i < count; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, body, arg), 0);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}
