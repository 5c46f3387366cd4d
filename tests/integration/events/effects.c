/* A consumer whose effects can be counted. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/integration/events/fixture.h"

static const struct ink_db_statement insert_effect = {
    .name = "insert_effect",
    .sql = "INSERT INTO effects (topic, key, n, event_id) VALUES ($1, $2, $3, $4)"};

static struct ink_status note_effect(const struct ink_ctx *ctx, struct ink_db_tx *tx,
                                     const struct ink_event *event)
{
    const char *n = strstr(event->payload, "\"n\":");
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_text(&params, event->topic);
    ink_db_add_string(&params, event->key, event->key_size);
    ink_db_add_int64(&params, n != NULL ? atoi(n + 4) : 0);
    ink_db_add_text(&params, event->id);
    return ink_db_tx_query(tx, &insert_effect, &params, NULL);
}

/* Not for ever: a test that waits in vain is to fail. */
static void meet(struct fixture_handler *handler)
{
    handler->inside++;
    for (int i = 0; i < 1000 && !handler->met; i++) {
        handler->met = handler->inside >= 2;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    handler->inside--;
}

static struct ink_status handle(void *self, const struct ink_ctx *ctx, struct ink_db_tx *tx,
                                struct ink_event *events, size_t count)
{
    struct fixture_handler *handler = self;
    bool rejected = false;
    handler->calls++;
    if (handler->meet)
        meet(handler);
    for (size_t i = 0; i < count; i++) {
        if (handler->reject == NULL || strstr(events[i].payload, handler->reject) == NULL)
            continue;
        events[i].rejected = ink_arena_printf(ctx->arena, "it is %s", handler->reject);
        rejected = true;
    }
    if (rejected)
        return ink_error(INK_INVALID_ARGUMENT, "rejected");
    struct ink_status status = ink_ok();
    for (size_t i = 0; i < count && ink_is_ok(status); i++)
        status = note_effect(ctx, tx, &events[i]);
    if (ink_is_ok(status) && handler->fail > 0) { /* with effects that must be undone */
        handler->fail--;
        return ink_error(handler->code, "the test wants it so");
    }
    return status;
}

static void count_done(void *self, const struct ink_ctx *ctx, const struct ink_event *events,
                       size_t count, bool settled)
{
    (void)ctx;
    (void)events;
    (void)settled;
    struct fixture_handler *handler = self;
    handler->done += (int)count;
    handler->reports++;
}

static void count_abandoned(void *self)
{
    struct fixture_handler *handler = self;
    handler->abandoned++;
}

struct ink_consumer *fixture_consumer(const char *type, struct fixture_handler *handler,
                                      struct ink_consumer_settings settings)
{
    struct ink_ctx *ctx = fixture_ctx(1000);
    struct ink_consumer *consumer = NULL;
    const char *const topics[] = {ink_arena_printf(ctx->arena, "%s-events", type), NULL};
    static const char *const types[] = {"thing-changed", NULL};
    settings.kafka = fixture_kafka();
    settings.group = type;
    settings.topics = topics;
    settings.types = types;
    settings.db = fixture_db();
    settings.handle = handle;
    settings.done = count_done;
    settings.abandon = count_abandoned;
    settings.self = handler;
    fixture_expect(ink_consumer_new(ctx->arena, &settings, &consumer), INK_OK);
    return consumer;
}

static int64_t ask(const struct ink_db_statement *statement, const char *type)
{
    struct ink_ctx *ctx = fixture_ctx(10000);
    INK_DB_ROWS struct ink_db_rows rows = {0};
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_text(&params, type);
    fixture_expect(ink_db_query(fixture_db(), ctx, statement, &params, &rows), INK_OK);
    return ink_db_int64(&rows, 0, 0);
}

int64_t fixture_effects(const char *type)
{
    static const struct ink_db_statement count = {
        .name = "count_effects",
        .sql = "SELECT count(*) FROM effects WHERE topic = $1 || '-events'"};
    return ask(&count, type);
}

struct expectation {
    const char *type;
    int64_t count;
};

static bool has_effects(void *arg)
{
    const struct expectation *expectation = arg;
    return fixture_effects(expectation->type) >= expectation->count;
}

void fixture_await_effects(const char *type, int64_t count, int64_t ms)
{
    struct expectation expectation = {type, count};
    fixture_await("the effects", has_effects, &expectation, ms);
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    assert_int_equal(fixture_effects(type), count);
}

void fixture_expect_order(const char *type)
{
    static const struct ink_db_statement disorder = {
        .name = "disorder",
        .sql =
            "SELECT count(*) FROM (SELECT n, row_number() OVER (PARTITION BY key ORDER BY seq) AS"
            " place FROM effects WHERE topic = $1 || '-events') AS e WHERE n <> place"};
    assert_int_equal(ask(&disorder, type), 0);
}

struct dead {
    struct ink_consumer *consumer;
    uint64_t count;
};

static bool has_dead(void *arg)
{
    const struct dead *dead = arg;
    return ink_consumer_stats(dead->consumer).dead >= dead->count;
}

void fixture_await_dead(struct ink_consumer *consumer, uint64_t count)
{
    struct dead dead = {consumer, count};
    fixture_await("the dead letters", has_dead, &dead, 10000);
    assert_int_equal(ink_consumer_stats(consumer).dead, count);
}
