#include "tests/integration/db/fixture.h"

#include <pthread.h>
#include <time.h>

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
