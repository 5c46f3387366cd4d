/* One round of the relay: read rows, send them, wait until Kafka has them, delete them. */
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/events/relay_internal.h"
#include "lib/events/row.h"

/* Kafka that takes longer than this to confirm is worth a word to the operator. */
#define PATIENCE (3 * INK_SECOND)

static const struct ink_db_statement read_rows = {
    .name = "ink_relay_read",
    .sql = "SELECT seq, id, aggregatetype, aggregateid, type, payload, headers, created_at"
           " FROM outbox WHERE error IS NULL ORDER BY seq LIMIT $1"};

static const struct ink_db_statement delete_rows = {
    .name = "ink_relay_delete", .sql = "DELETE FROM outbox WHERE seq = ANY ($1::bigint[])"};

static const struct ink_db_statement refuse_row = {
    .name = "ink_relay_refuse", .sql = "UPDATE outbox SET error = $2 WHERE seq = $1"};

struct round {
    struct ink_relay *relay;
    struct ink_ctx ctx;
    struct ink_db_rows rows;
    struct ink_message *messages;
    size_t count;
};

/* What Kafka has is deleted before anything else is read: else it would be sent again. */
static struct ink_status delete_confirmed(struct ink_relay *relay, const struct ink_ctx *ctx)
{
    if (relay->confirmed_count == 0)
        return ink_ok();
    const char **seqs = ink_arena_calloc(ctx->arena, relay->confirmed_count, sizeof(*seqs));
    for (size_t i = 0; i < relay->confirmed_count; i++)
        seqs[i] = ink_arena_printf(ctx->arena, "%lld", (long long)relay->confirmed[i]);
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_text_array(&params, seqs, relay->confirmed_count);
    struct ink_status status = ink_db_query(relay->db, ctx, &delete_rows, &params, NULL);
    if (ink_is_ok(status))
        relay->confirmed_count = 0;
    return status;
}

static struct ink_status read_outbox(struct round *round)
{
    struct ink_db_params params = ink_db_params(round->ctx.arena);
    ink_db_add_int64(&params, round->relay->settings.batch);
    struct ink_status status =
        ink_db_query(round->relay->db, &round->ctx, &read_rows, &params, &round->rows);
    if (!ink_is_ok(status))
        return status;
    round->count = ink_db_row_count(&round->rows);
    round->messages =
        ink_arena_calloc(round->ctx.arena, round->count + 1, sizeof(*round->messages));
    for (size_t i = 0; i < round->count; i++) {
        const struct ink_outbox_row row = {.id = ink_db_text(&round->rows, i, 1),
                                           .aggregate_type = ink_db_text(&round->rows, i, 2),
                                           .aggregate_id = ink_db_text(&round->rows, i, 3),
                                           .type = ink_db_text(&round->rows, i, 4),
                                           .payload = ink_db_text(&round->rows, i, 5),
                                           .headers = ink_db_text(&round->rows, i, 6),
                                           .created_at = ink_db_time(&round->rows, i, 7)};
        ink_outbox_message(round->ctx.arena, &row, round->relay->settings.source,
                           &round->messages[i]);
    }
    return status;
}

static void discard_producer(struct ink_relay *relay)
{
    ink_producer_free(relay->producer);
    relay->producer = NULL;
}

static struct ink_status need_producer(struct round *round)
{
    struct ink_relay *relay = round->relay;
    if (relay->producer != NULL)
        return ink_ok();
    struct ink_status status =
        ink_producer_new(round->ctx.arena, &relay->settings.kafka, &relay->producer);
    if (ink_is_ok(status)) {
        pthread_mutex_lock(&relay->lock);
        relay->stats.producers++;
        pthread_mutex_unlock(&relay->lock);
    }
    return status;
}

static struct ink_status need_topics(struct round *round)
{
    int partitions = ink_kafka_partitions(&round->relay->settings.kafka);
    struct ink_status status = ink_ok();
    for (size_t i = 0; i < round->count && ink_is_ok(status); i++) {
        if (i > 0 && strcmp(round->messages[i].topic, round->messages[i - 1].topic) == 0)
            continue;
        status = ink_producer_ensure_topic(round->relay->producer, &round->ctx,
                                           round->messages[i].topic, partitions);
    }
    return status;
}

/* While Kafka is away this is where the relay waits, for as long as it takes. */
static struct ink_status await_reports(struct round *round)
{
    struct ink_relay *relay = round->relay;
    int64_t start = ink_now();
    bool told = false;
    size_t pending;
    while ((pending = ink_producer_wait(relay->producer, 100)) > 0) {
        struct ink_status status = ink_producer_check(relay->producer, round->ctx.arena);
        if (!ink_is_ok(status))
            return status;
        if (ink_relay_over(relay))
            return ink_error(INK_CANCELLED, "the relay ends");
        ink_relay_measure(relay);
        if (!ink_relay_lead(relay))
            return ink_error(INK_ABORTED, "another relay may publish now");
        if (!told && ink_now() - start > PATIENCE) {
            told = true;
            ink_relay_trouble(relay, ink_error(INK_UNAVAILABLE, "Kafka confirms nothing"));
        }
    }
    return ink_producer_check(relay->producer, round->ctx.arena);
}

static struct ink_status note_refusal(struct round *round, size_t row)
{
    struct ink_db_params params = ink_db_params(round->ctx.arena);
    const char *reason = rd_kafka_err2str(round->messages[row].error);
    ink_db_add_int64(&params, ink_db_int64(&round->rows, row, 0));
    ink_db_add_text(&params, reason);
    ink_events_report(&round->relay->settings.kafka, true, "Kafka refuses event %s for good: %s",
                      ink_db_text(&round->rows, row, 1), reason);
    return ink_db_query(round->relay->db, &round->ctx, &refuse_row, &params, NULL);
}

/* What is to become of each row, whether all went well or not. */
static struct ink_status take_stock(struct round *round)
{
    struct ink_relay *relay = round->relay;
    struct ink_status status = ink_ok();
    for (size_t i = 0; i < round->count; i++) {
        if (round->messages[i].state == INK_MESSAGE_CONFIRMED)
            relay->confirmed[relay->confirmed_count++] = ink_db_int64(&round->rows, i, 0);
        else if (round->messages[i].state == INK_MESSAGE_REFUSED && ink_is_ok(status))
            status = note_refusal(round, i);
        else if (round->messages[i].state == INK_MESSAGE_FAILED && ink_is_ok(status))
            status = ink_kafka_error(round->ctx.arena, round->messages[i].error, "publish");
    }
    pthread_mutex_lock(&relay->lock);
    relay->stats.published += relay->confirmed_count;
    pthread_mutex_unlock(&relay->lock);
    return status;
}

static struct ink_status send_rows(struct round *round)
{
    struct ink_status status = need_producer(round);
    if (ink_is_ok(status))
        status = need_topics(round);
    if (!ink_is_ok(status))
        return status;
    for (size_t i = 0; i < round->count; i++)
        ink_producer_send(round->relay->producer, &round->messages[i]);
    status = await_reports(round);
    struct ink_status stock = take_stock(round);
    return ink_is_ok(status) ? stock : status;
}

static struct ink_status run_round(struct round *round)
{
    struct ink_relay *relay = round->relay;
    struct ink_status status = delete_confirmed(relay, &round->ctx);
    if (ink_is_ok(status))
        status = read_outbox(round);
    if (!ink_is_ok(status) || round->count == 0)
        return status;
    status = send_rows(round);
    /* A failure leaves messages on their way: they go with their producer. */
    if (!ink_is_ok(status))
        discard_producer(relay);
    struct ink_status deleted = delete_confirmed(relay, &round->ctx);
    return ink_is_ok(status) ? deleted : status;
}

enum ink_relay_round ink_relay_publish(struct ink_relay *relay)
{
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct round round = {.relay = relay, .ctx = ink_ctx_background(&arena)};
    struct ink_status status = run_round(&round);
    enum ink_relay_round result = round.count > 0 ? INK_ROUND_DONE : INK_ROUND_EMPTY;
    if (!ink_is_ok(status)) {
        result = INK_ROUND_FAILED;
        if (status.code != INK_CANCELLED)
            ink_relay_trouble(relay, status);
    } else {
        ink_relay_recovered(relay);
    }
    ink_db_rows_release(&round.rows);
    ink_arena_release(&arena);
    return result;
}
