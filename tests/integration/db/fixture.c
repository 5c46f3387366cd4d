#include "tests/integration/db/fixture.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "lib/base/alloc.h"

struct scratch {
    struct ink_arena arena;
    struct ink_ctx ctx;
};

static pthread_key_t scratch_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void free_scratch(void *arg)
{
    struct scratch *scratch = arg;
    ink_arena_release(&scratch->arena);
    free(scratch);
}

static void make_key(void)
{
    pthread_key_create(&scratch_key, free_scratch);
}

struct ink_ctx *fixture_ctx(int64_t ms)
{
    pthread_once(&once, make_key);
    struct scratch *scratch = pthread_getspecific(scratch_key);
    if (scratch == NULL) {
        scratch = ink_calloc(1, sizeof(*scratch));
        pthread_setspecific(scratch_key, scratch);
    }
    ink_arena_release(&scratch->arena);
    ink_arena_init(&scratch->arena);
    scratch->ctx = ink_ctx_background(&scratch->arena);
    scratch->ctx.deadline = ink_now() + ms * INK_MILLISECOND;
    return &scratch->ctx;
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
