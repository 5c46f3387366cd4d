/*
 * Rounds of the relay: read rows, send them, wait until Kafka has them, delete them. Of a pile, the
 * next rows are read and sent while the last ones wait to be confirmed.
 */
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/events/relay_internal.h"
#include "lib/events/row.h"

/* Kafka that takes longer than this to confirm is worth a word to the operator. */
#define PATIENCE (3 * INK_SECOND)

#define READ_COLUMNS "seq, id, aggregatetype, aggregateid, type, payload, headers, created_at"

static const struct ink_db_statement read_rows = {
    .name = "ink_relay_read",
    .sql = "SELECT " READ_COLUMNS " FROM outbox WHERE error IS NULL ORDER BY seq LIMIT $1"};

/* The rows behind those of the round before, $3, the last of which is $2. None when there is a row
 * among these that became visible since: a lower number may be committed later, and what comes
 * behind may be later news of the same aggregate. */
static const struct ink_db_statement read_on = {
    .name = "ink_relay_read_on",
    .sql = "SELECT " READ_COLUMNS " FROM outbox WHERE error IS NULL AND seq > $2 AND NOT EXISTS ("
           "  (SELECT seq FROM outbox WHERE error IS NULL AND seq <= $2 ORDER BY seq LIMIT $1 + 1)"
           "  EXCEPT SELECT unnest($3::bigint[])"
           ") ORDER BY seq LIMIT $1"};

/* That they wait is said for the index's sake: see outbox_waiting.sql. */
static const struct ink_db_statement delete_rows = {
    .name = "ink_relay_delete",
    .sql = "DELETE FROM outbox WHERE error IS NULL AND seq = ANY ($1::bigint[])"};

static const struct ink_db_statement refuse_row = {
    .name = "ink_relay_refuse",
    .sql = "UPDATE outbox SET error = $2 WHERE error IS NULL AND seq = $1"};

struct round {
    struct ink_relay *relay;
    struct ink_arena arena;
    struct ink_ctx ctx;
    struct ink_db_rows rows;
    struct ink_message *messages;
    size_t count;
    size_t settled; /* none of the messages before this one is pending */
};

static void init(struct round *round, struct ink_relay *relay)
{
    *round = (struct round){.relay = relay};
    ink_arena_init(&round->arena);
    round->ctx = ink_ctx_background(&round->arena);
}

/* It may be filled again. */
static void clear(struct round *round)
{
    round->count = round->settled = 0;
    ink_db_rows_release(&round->rows);
    ink_arena_release(&round->arena);
}

static int64_t seq_of(const struct round *round, size_t row)
{
    return ink_db_int64(&round->rows, row, 0);
}

static void add_seqs(struct ink_db_params *params, const int64_t *seqs, size_t count)
{
    const char **texts = ink_arena_calloc(params->arena, count, sizeof(*texts));
    for (size_t i = 0; i < count; i++)
        texts[i] = ink_arena_printf(params->arena, "%lld", (long long)seqs[i]);
    ink_db_add_text_array(params, texts, count);
}

/* What Kafka has is deleted before anything else is read: else it would be sent again. */
static struct ink_status delete_confirmed(struct ink_relay *relay, const struct ink_ctx *ctx)
{
    if (relay->confirmed_count == 0)
        return ink_ok();
    struct ink_db_params params = ink_db_params(ctx->arena);
    add_seqs(&params, relay->confirmed, relay->confirmed_count);
    struct ink_status status = ink_db_query(relay->db, ctx, &delete_rows, &params, NULL);
    if (ink_is_ok(status))
        relay->confirmed_count = 0;
    return status;
}

static void make_messages(struct round *round)
{
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
}

/* The first rows, or those behind the ones that are on their way. */
static struct ink_status read_outbox(struct round *round, const struct round *before)
{
    struct ink_relay *relay = round->relay;
    struct ink_db_params params = ink_db_params(round->ctx.arena);
    ink_db_add_int64(&params, relay->settings.batch);
    if (before != NULL) {
        int64_t *seqs = ink_arena_calloc(round->ctx.arena, before->count, sizeof(*seqs));
        for (size_t i = 0; i < before->count; i++)
            seqs[i] = seq_of(before, i);
        ink_db_add_int64(&params, seqs[before->count - 1]);
        add_seqs(&params, seqs, before->count);
    }
    struct ink_status status = ink_db_query(
        relay->db, &round->ctx, before != NULL ? &read_on : &read_rows, &params, &round->rows);
    if (ink_is_ok(status))
        make_messages(round);
    return status;
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

static bool is_settled(struct round *round)
{
    while (round->settled < round->count &&
           round->messages[round->settled].state != INK_MESSAGE_PENDING)
        round->settled++;
    return round->settled == round->count;
}

/* While Kafka is away this is where the relay waits, for as long as it takes. */
static struct ink_status await_reports(struct round *round)
{
    struct ink_relay *relay = round->relay;
    int64_t start = ink_now();
    bool told = false;
    for (;;) {
        (void)ink_producer_wait(relay->producer, is_settled(round) ? 0 : 100);
        struct ink_status status = ink_producer_check(relay->producer, round->ctx.arena);
        if (!ink_is_ok(status) || is_settled(round))
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
}

static struct ink_status note_refusal(struct round *round, size_t row)
{
    struct ink_db_params params = ink_db_params(round->ctx.arena);
    const char *reason = rd_kafka_err2str(round->messages[row].error);
    ink_db_add_int64(&params, seq_of(round, row));
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
    size_t before = relay->confirmed_count;
    for (size_t i = 0; i < round->count; i++) {
        if (round->messages[i].state == INK_MESSAGE_CONFIRMED)
            relay->confirmed[relay->confirmed_count++] = seq_of(round, i);
        else if (round->messages[i].state == INK_MESSAGE_REFUSED && ink_is_ok(status))
            status = note_refusal(round, i);
        else if (round->messages[i].state == INK_MESSAGE_FAILED && ink_is_ok(status))
            status = ink_kafka_error(round->ctx.arena, round->messages[i].error, "publish");
    }
    pthread_mutex_lock(&relay->lock);
    relay->stats.published += relay->confirmed_count - before;
    pthread_mutex_unlock(&relay->lock);
    return status;
}

static struct ink_status send_rows(struct round *round)
{
    if (round->count == 0)
        return ink_ok();
    struct ink_status status = need_producer(round);
    if (ink_is_ok(status))
        status = need_topics(round);
    for (size_t i = 0; i < round->count && ink_is_ok(status); i++)
        ink_producer_send(round->relay->producer, &round->messages[i]);
    return status;
}

/* A full round may have left more behind. What fails here is met again by the next first round. */
static void send_next(struct round *round, const struct round *before)
{
    struct ink_relay *relay = round->relay;
    if (before->count < (size_t)relay->settings.batch || ink_relay_over(relay))
        return;
    ink_relay_measure(relay);
    if (!ink_relay_lead(relay) || !ink_is_ok(read_outbox(round, before)) ||
        !ink_is_ok(send_rows(round)))
        clear(round);
}

static struct ink_status settle(struct round *round)
{
    struct ink_status status = await_reports(round);
    struct ink_status stock = take_stock(round);
    return ink_is_ok(status) ? stock : status;
}

/* A failure leaves messages on their way: they go with their producer. */
static void give_up(struct round *round, struct round *next)
{
    struct ink_relay *relay = round->relay;
    ink_producer_free(relay->producer);
    relay->producer = NULL;
    (void)take_stock(next);
    (void)delete_confirmed(relay, &round->ctx);
}

/* Each round is settled when the next one is on its way. When rows cannot be deleted, the round
 * that is on its way is still waited for, and both are deleted later. A failure's texts live in one
 * of the rounds. */
static struct ink_status run_rounds(struct round *round, struct round *next)
{
    struct ink_status status = send_rows(round), deleted = ink_ok();
    while (ink_is_ok(status) && round->count > 0) {
        if (ink_is_ok(deleted))
            send_next(next, round);
        status = settle(round);
        if (!ink_is_ok(status))
            break;
        deleted = delete_confirmed(round->relay, &round->ctx);
        if (ink_is_ok(deleted))
            clear(round);
        round->count = 0;
        struct round *done = round;
        round = next;
        next = done;
    }
    if (!ink_is_ok(status))
        give_up(round, next);
    return ink_is_ok(status) ? deleted : status;
}

enum ink_relay_round ink_relay_publish(struct ink_relay *relay)
{
    struct round first, second;
    enum ink_relay_round result = INK_ROUND_EMPTY;
    init(&first, relay);
    init(&second, relay);
    struct ink_status status = delete_confirmed(relay, &first.ctx);
    if (ink_is_ok(status))
        status = read_outbox(&first, NULL);
    if (ink_is_ok(status) && first.count > 0) {
        result = INK_ROUND_DONE;
        status = run_rounds(&first, &second);
    }
    if (!ink_is_ok(status)) {
        result = INK_ROUND_FAILED;
        if (status.code != INK_CANCELLED)
            ink_relay_trouble(relay, status);
    } else {
        ink_relay_recovered(relay);
    }
    clear(&first);
    clear(&second);
    return result;
}
