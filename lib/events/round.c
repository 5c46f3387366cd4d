/*
 * Rounds of the relay: read rows, send them, wait until Kafka has them, delete them. Of a pile,
 * three rounds are under way: the next one is read while one is sent and the one before waits to be
 * confirmed; and those before that are deleted (delete.c).
 */
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/events/relay_internal.h"
#include "lib/events/row.h"

/* Kafka that takes longer than this to confirm is worth a word to the operator. */
#define PATIENCE (3 * INK_SECOND)

/* With more gaps among what was read than this, a round begins anew. */
#define MOST_RUNS 500

#define READ_COLUMNS "seq, id, aggregatetype, aggregateid, type, payload, headers, created_at"

static const struct ink_db_statement read_rows = {
    .name = "ink_relay_read",
    .sql = "SELECT " READ_COLUMNS " FROM outbox WHERE error IS NULL ORDER BY seq LIMIT $1"};

/* Reading on behind the rows of $2. None when one became visible that is not among these, but
 * before the last: a lower number may be committed later, and what comes behind may be later news
 * of the same aggregate. It is looked for where there was nothing, before the first and between
 * them: what was published there, and is deleted, is passed over by no index scan in time. */
static const struct ink_db_statement read_on = {
    .name = "ink_relay_read_on",
    .sql = "SELECT " READ_COLUMNS " FROM outbox"
           " WHERE error IS NULL AND seq >= upper($2::int8multirange) AND NOT EXISTS ("
           "  SELECT FROM unnest(int8multirange(int8range(0, upper($2))) - $2) AS hole,"
           "   LATERAL (SELECT FROM outbox WHERE error IS NULL"
           "            AND seq >= lower(hole) AND seq < upper(hole) LIMIT 1) AS late"
           ") ORDER BY seq LIMIT $1"};

static const struct ink_db_statement refuse_row = {
    .name = "ink_relay_refuse",
    .sql = "UPDATE outbox SET error = $2 WHERE error IS NULL AND seq = $1"};

/* What PostgreSQL answers is taken before anything waits for Kafka, so that no statement stays
 * open. */
struct round {
    struct ink_relay *relay;
    struct ink_arena arena;
    struct ink_ctx ctx;
    struct ink_db_call reading; /* on its way */
    struct ink_db_rows rows;
    struct ink_message *messages;
    size_t count;
    size_t settled; /* none of the messages before this one is pending */
};

/* Tells of a failure. That the relay ends is none. */
static bool passed(struct ink_relay *relay, struct ink_status status)
{
    if (!ink_is_ok(status) && status.code != INK_CANCELLED)
        ink_relay_trouble(relay, status);
    return ink_is_ok(status);
}

static void init(struct round *round, struct ink_relay *relay)
{
    *round = (struct round){.relay = relay};
    ink_arena_init(&round->arena);
    round->ctx = ink_ctx_background(&round->arena);
}

/* It may be filled again. */
static void clear(struct round *round)
{
    round->messages = NULL;
    round->count = round->settled = 0;
    ink_db_rows_release(&round->rows);
    ink_arena_release(&round->arena);
}

static int64_t seq_of(const struct round *round, size_t row)
{
    return ink_db_int64(&round->rows, row, 0);
}

/* The first rows, or those behind all that are known. */
static struct ink_status ask_for_rows(struct round *round, bool first)
{
    struct ink_relay *relay = round->relay;
    struct ink_db_params params = ink_db_params(round->ctx.arena);
    ink_db_add_int64(&params, relay->settings.batch);
    if (first)
        ink_seqs_clear(&relay->known);
    else
        ink_db_add_text(&params, ink_seqs_text(&relay->known, round->ctx.arena));
    return ink_db_send(relay->db, &round->ctx, first ? &read_rows : &read_on, &params,
                       &round->reading);
}

static struct ink_status take_rows(struct round *round)
{
    if (round->reading.db == NULL)
        return ink_ok();
    struct ink_status status = ink_db_receive(&round->reading, &round->rows);
    if (!ink_is_ok(status))
        return status;
    round->count = ink_db_row_count(&round->rows);
    for (size_t i = 0; i < round->count; i++)
        ink_seqs_add(&round->relay->known, seq_of(round, i));
    return ink_ok();
}

static void make_messages(struct round *round)
{
    struct ink_arena *arena = round->ctx.arena;
    const char *type = NULL, *topic = NULL;
    round->messages = ink_arena_calloc(arena, round->count + 1, sizeof(*round->messages));
    for (size_t i = 0; i < round->count; i++) {
        const struct ink_outbox_row row = {.id = ink_db_text(&round->rows, i, 1),
                                           .aggregate_type = ink_db_text(&round->rows, i, 2),
                                           .aggregate_id = ink_db_text(&round->rows, i, 3),
                                           .type = ink_db_text(&round->rows, i, 4),
                                           .payload = ink_db_text(&round->rows, i, 5),
                                           .headers = ink_db_text(&round->rows, i, 6),
                                           .created_at = ink_db_text(&round->rows, i, 7)};
        if (type == NULL || strcmp(row.aggregate_type, type) != 0) {
            type = row.aggregate_type;
            topic = ink_outbox_topic(arena, type);
        }
        ink_outbox_message(arena, &row, topic, round->relay->settings.source, &round->messages[i]);
    }
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

/* Topics that are not known to be there are made. */
static struct ink_status need_topics(struct round *round)
{
    struct ink_relay *relay = round->relay;
    int partitions = ink_kafka_partitions(&relay->settings.kafka);
    struct ink_status status = ink_ok();
    for (size_t i = 0; i < round->count && ink_is_ok(status); i++) {
        if (i > 0 && round->messages[i].topic == round->messages[i - 1].topic)
            continue;
        status = ink_producer_ensure_topic(relay->producer, &round->ctx, round->messages[i].topic,
                                           partitions);
    }
    return status;
}

static struct ink_status prepare(struct round *round)
{
    if (round->count == 0)
        return ink_ok();
    make_messages(round);
    struct ink_status status = need_producer(round);
    return ink_is_ok(status) ? need_topics(round) : status;
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
    size_t confirmed = 0;
    for (size_t i = 0; round->messages != NULL && i < round->count; i++) {
        if (round->messages[i].state == INK_MESSAGE_CONFIRMED) {
            ink_seqs_add(&relay->confirmed, seq_of(round, i));
            confirmed++;
        } else if (round->messages[i].state == INK_MESSAGE_REFUSED && ink_is_ok(status)) {
            status = note_refusal(round, i);
        } else if (round->messages[i].state == INK_MESSAGE_FAILED && ink_is_ok(status)) {
            status = ink_kafka_error(round->ctx.arena, round->messages[i].error, "publish");
        }
    }
    pthread_mutex_lock(&relay->lock);
    relay->stats.published += confirmed;
    pthread_mutex_unlock(&relay->lock);
    return status;
}

static void send_rows(struct round *round)
{
    for (size_t i = 0; i < round->count; i++)
        ink_producer_send(round->relay->producer, &round->messages[i]);
}

/* A full round may have left more behind. What fails here is met again by the next first round. */
static void ask_for_more(struct round *next, const struct round *before)
{
    struct ink_relay *relay = next->relay;
    if (before->count < (size_t)relay->settings.batch || relay->known.count > MOST_RUNS)
        return;
    if (!ink_is_ok(ask_for_rows(next, false)))
        clear(next);
}

static void take_more(struct round *next)
{
    if (!ink_is_ok(take_rows(next)))
        clear(next);
}

static struct ink_status settle(struct round *round)
{
    if (round->count == 0)
        return ink_ok();
    struct ink_status status = await_reports(round);
    struct ink_status stock = take_stock(round);
    return ink_is_ok(status) ? stock : status;
}

struct rounds {
    struct round *sent;  /* waits to be confirmed */
    struct round *ready; /* was read */
    struct round *next;
    bool fine; /* nothing has failed: otherwise only what was sent is waited for */
};

/* One step of each. False when the producer is of no more use. */
static bool step(struct rounds *rounds)
{
    struct ink_relay *relay = rounds->ready->relay;
    ink_relay_measure(relay);
    if (!rounds->fine || ink_relay_over(relay) || !ink_relay_lead(relay))
        clear(rounds->ready);
    rounds->fine = rounds->fine && passed(relay, prepare(rounds->ready));
    if (rounds->fine)
        ask_for_more(rounds->next, rounds->ready);
    else
        clear(rounds->ready);
    send_rows(rounds->ready);
    take_more(rounds->next);
    return passed(relay, settle(rounds->sent));
}

/* A failure leaves messages on their way: they go with their producer. */
static void give_up(struct rounds *rounds)
{
    struct ink_relay *relay = rounds->ready->relay;
    rounds->fine = false;
    ink_producer_free(relay->producer);
    relay->producer = NULL;
    (void)take_stock(rounds->ready);
}

static void run_rounds(struct rounds *rounds)
{
    struct ink_relay *relay = rounds->ready->relay;
    while (rounds->sent->count + rounds->ready->count > 0) {
        if (!step(rounds)) {
            give_up(rounds);
            break;
        }
        rounds->fine = rounds->fine && passed(relay, ink_relay_delete(relay));
        clear(rounds->sent);
        struct round *done = rounds->sent;
        rounds->sent = rounds->ready;
        rounds->ready = rounds->next;
        rounds->next = done;
    }
    rounds->fine = passed(relay, ink_relay_delete_all(relay)) && rounds->fine;
}

static struct ink_status read_first(struct round *round)
{
    struct ink_status status = ask_for_rows(round, true);
    return ink_is_ok(status) ? take_rows(round) : status;
}

enum ink_relay_round ink_relay_publish(struct ink_relay *relay)
{
    struct round first, second, third;
    init(&first, relay);
    init(&second, relay);
    init(&third, relay);
    struct rounds rounds = {.sent = &third, .ready = &first, .next = &second};
    enum ink_relay_round result = INK_ROUND_EMPTY;
    /* What Kafka has is deleted before anything else is read: else it would be sent again. */
    rounds.fine = passed(relay, ink_relay_delete_all(relay)) && passed(relay, read_first(&first));
    if (rounds.fine && first.count > 0) {
        result = INK_ROUND_DONE;
        run_rounds(&rounds);
    }
    if (rounds.fine)
        ink_relay_recovered(relay);
    clear(&first);
    clear(&second);
    clear(&third);
    return rounds.fine ? result : INK_ROUND_FAILED;
}
