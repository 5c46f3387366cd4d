#include "tests/integration/events/fixture.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/db/migrate.h"
#include "lib/events/reader.h"
#include "tests/integration/events/thing_migrations.h"

static struct ink_db *db;

int fixture_start(void **state)
{
    (void)state;
    struct ink_ctx *ctx = fixture_ctx(10000);
    struct ink_db_settings settings = {.conninfo = test_postgres_url(), .size = 8};
    fixture_expect(ink_db_new(ctx->arena, &settings, &db), INK_OK);
    fixture_expect(ink_db_migrate(db, ctx, &thing_migrations, NULL), INK_OK);
    return 0;
}

int fixture_end(void **state)
{
    (void)state;
    ink_db_free(db);
    return 0;
}

struct ink_db *fixture_db(void)
{
    return db;
}

void fixture_await(const char *what, bool (*condition)(void *arg), void *arg, int64_t ms)
{
    int64_t end = ink_now() + ms * INK_MILLISECOND;
    while (!condition(arg)) {
        if (ink_now() > end)
            fail_msg("still not after %lld ms: %s", (long long)ms, what);
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
}

void fixture_sleep_ms(int64_t ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static void print_report(void *self, bool problem, const char *text)
{
    (void)self;
    print_message("%s%s\n", problem ? "problem: " : "", text);
}

struct ink_kafka_settings fixture_kafka(void)
{
    return (struct ink_kafka_settings){
        .brokers = test_kafka_brokers(), .partitions = 3, .report = print_report};
}

struct ink_relay *fixture_relay(struct ink_relay_settings settings)
{
    struct ink_relay *relay = NULL;
    settings.kafka = fixture_kafka();
    settings.conninfo = test_postgres_url();
    settings.source = "/test/things";
    fixture_expect(ink_relay_new(fixture_ctx(1000)->arena, &settings, &relay), INK_OK);
    return relay;
}

static const struct ink_db_statement write_thing = {
    .name = "write_thing",
    .sql = "WITH thing AS (INSERT INTO things VALUES ($1, $2)"
           "               ON CONFLICT (id) DO UPDATE SET n = $2 RETURNING id, n),"
           " event AS (" INK_OUTBOX_INSERT "  SELECT $3::uuid, $4::json, $5, id, 'thing-changed',"
           "         (SELECT row_to_json(e) FROM (SELECT 'thing-changed' AS type, id AS key, n) e)"
           "  FROM thing)"
           "SELECT n FROM thing"};

void fixture_write(struct ink_db_tx *tx, const char *type, const char *key, int n)
{
    struct ink_ctx *ctx = fixture_ctx(10000);
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_text(&params, key);
    ink_db_add_int64(&params, n);
    ink_outbox_add(&params, ctx);
    ink_db_add_text(&params, type);
    struct ink_status status = tx != NULL ? ink_db_tx_query(tx, &write_thing, &params, NULL)
                                          : ink_db_query(db, ctx, &write_thing, &params, NULL);
    fixture_expect(status, INK_OK);
}

int64_t fixture_outbox_depth(void)
{
    static const struct ink_db_statement count = {
        .name = "count_outbox", .sql = "SELECT count(*) FROM outbox WHERE error IS NULL"};
    INK_DB_ROWS struct ink_db_rows rows = {0};
    fixture_expect(ink_db_query(db, fixture_ctx(10000), &count, NULL, &rows), INK_OK);
    return ink_db_int64(&rows, 0, 0);
}

static bool has_depth(void *depth)
{
    return fixture_outbox_depth() == *(int64_t *)depth;
}

void fixture_await_outbox(int64_t depth, int64_t ms)
{
    fixture_await("the outbox to have the depth", has_depth, &depth, ms);
}

/* A Kafka that was frozen makes no topics before its controller has heard of its broker again. */
static void ensure_topic(struct ink_producer *producer, const struct ink_ctx *ctx,
                         const char *topic)
{
    struct ink_status status = ink_producer_ensure_topic(producer, ctx, topic, 3);
    while (!ink_is_ok(status) && ink_is_ok(ink_ctx_check(ctx))) {
        fixture_sleep_ms(100);
        status = ink_producer_ensure_topic(producer, ctx, topic, 3);
    }
    fixture_expect(status, INK_OK);
}

void fixture_produce(const char *type, const char *key, const char *id, const char *payload)
{
    struct ink_ctx *ctx = fixture_ctx(20000);
    struct ink_kafka_settings settings = fixture_kafka();
    struct ink_producer *producer = NULL;
    const struct ink_header header = {"ce_id", id, id != NULL ? strlen(id) : 0};
    struct ink_message message = {.topic = ink_arena_printf(ctx->arena, "%s-events", type),
                                  .key = key,
                                  .key_size = key != NULL ? strlen(key) : 0,
                                  .payload = payload,
                                  .payload_size = strlen(payload),
                                  .headers = &header,
                                  .header_count = id != NULL};
    fixture_expect(ink_producer_new(ctx->arena, &settings, &producer), INK_OK);
    ensure_topic(producer, ctx, message.topic);
    fixture_expect(ink_producer_send_all(producer, ctx, &message, 1), INK_OK);
    ink_producer_free(producer);
}

struct collection {
    struct ink_raw_message *messages;
    size_t count;
};

static bool collect(void *self, const struct ink_raw_message *message)
{
    struct collection *collection = self;
    collection->messages[collection->count++] = *message;
    return true;
}

struct ink_raw_message *fixture_messages(const struct ink_ctx *ctx, const char *topic,
                                         size_t *ret_count)
{
    struct ink_kafka_settings settings = fixture_kafka();
    INK_KAFKA *rk = NULL;
    INK_KAFKA_LIST *list = NULL;
    struct collection collection = {
        .messages = ink_arena_calloc(ctx->arena, 20000, sizeof(struct ink_raw_message))};
    fixture_expect(ink_reader_open(ctx, &settings, "peek", &rk), INK_OK);
    fixture_expect(ink_reader_partitions(rk, ctx, topic, &list), INK_OK);
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = 0;
    fixture_expect(ink_reader_read(rk, ctx, list, ctx->arena, collect, &collection), INK_OK);
    *ret_count = collection.count;
    return collection.messages;
}
