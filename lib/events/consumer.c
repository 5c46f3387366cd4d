#include "lib/events/consumer.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/alloc.h"
#include "lib/base/random.h"
#include "lib/db/prune.h"
#include "lib/events/consumer_internal.h"

#define IDLE_POLL_MS 200
#define FIRST_PAUSE_MS INT64_C(100)
#define LONGEST_PAUSE_MS 5000
#define RETENTION_S (INT64_C(30) * 24 * 3600)

static const struct ink_db_statement prune_inbox = {
    .name = "ink_inbox_prune",
    .sql = "DELETE FROM inbox WHERE ctid = ANY (ARRAY(SELECT ctid FROM inbox"
           " WHERE received_at < now() - make_interval(secs => $1)"
           " ORDER BY received_at LIMIT $2))"};

/* A killed consumer's partitions are free after 6 s; a batch may take minutes. A fetch that has
 * nothing to bring ends soon: it does not ask for partitions that were assigned after it left. When
 * its queue is full, librdkafka looks again only up to a second later, so what is in it has to last
 * for longer than that: its size limits it, not the number of messages. */
static const struct ink_kafka_property properties[] = {
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "earliest"},
    {"session.timeout.ms", "6000"},
    {"heartbeat.interval.ms", "1500"},
    {"max.poll.interval.ms", "600000"},
    {"queued.min.messages", "100000"},
    {"queued.max.messages.kbytes", "8192"},
    {"fetch.error.backoff.ms", "100"},
    {"fetch.wait.max.ms", "100"},
    {"topic.metadata.refresh.interval.ms", "5000"},
    {"allow.auto.create.topics", "false"},
    {NULL, NULL}};

void ink_consumer_count(struct ink_consumer *consumer, uint64_t *counter, uint64_t more)
{
    pthread_mutex_lock(&consumer->lock);
    *counter += more;
    pthread_mutex_unlock(&consumer->lock);
}

void ink_consumer_drop_batch(struct ink_consumer *consumer)
{
    ink_consumer_forget_letters(consumer);
    consumer->item_count = 0;
    consumer->suspicious = false;
    ink_arena_release(&consumer->arena);
}

void ink_consumer_abandon(struct ink_consumer *consumer)
{
    if (consumer->undecided && consumer->settings.abandon != NULL)
        consumer->settings.abandon(consumer->settings.self);
    consumer->undecided = false;
}

static bool is_known(const struct ink_consumer *consumer, const char *type)
{
    if (consumer->types == NULL)
        return true;
    for (char **known = consumer->types; *known != NULL; known++) {
        if (strcmp(*known, type) == 0)
            return true;
    }
    return false;
}

static void add_item(struct ink_consumer *consumer, const rd_kafka_message_t *message)
{
    if (consumer->item_count == consumer->item_cap) {
        consumer->item_cap = consumer->item_cap == 0 ? 256 : 2 * consumer->item_cap;
        consumer->items =
            ink_realloc(consumer->items, consumer->item_cap * sizeof(*consumer->items));
    }
    struct ink_item *item = &consumer->items[consumer->item_count++];
    *item = (struct ink_item){.state = INK_ITEM_FRESH};
    ink_message_copy(&consumer->arena, message, &item->raw);
    ink_event_read(&consumer->arena, &item->raw, &item->event);
    if (item->event.rejected == NULL && !is_known(consumer, item->event.type)) {
        item->state = INK_ITEM_SETTLED;
        ink_consumer_count(consumer, &consumer->stats.unknown, 1);
        return;
    }
    if (item->event.rejected == NULL && consumer->settings.read != NULL)
        consumer->settings.read(consumer->settings.self, &consumer->arena, &item->event);
    if (item->event.rejected != NULL)
        item->state = INK_ITEM_DEAD;
}

/* Takes one message, or whatever else the group has for us. False when there was nothing. */
static bool poll_once(struct ink_consumer *consumer, int64_t wait_ms)
{
    rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer->rk, (int)wait_ms);
    if (message == NULL)
        return false;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        add_item(consumer, message);
    rd_kafka_message_destroy(message);
    return true;
}

/* What there is, up to a batch; waits for the first. */
static void collect(struct ink_consumer *consumer)
{
    int64_t wait_ms = IDLE_POLL_MS;
    if (consumer->paused)
        wait_ms = ink_deadline_left_ms(consumer->retry_at, IDLE_POLL_MS);
    else if (consumer->item_count > 0)
        wait_ms = 0;
    while (!atomic_load(&consumer->stopping) &&
           consumer->item_count < (size_t)consumer->settings.batch && poll_once(consumer, wait_ms))
        wait_ms = 0;
    /* A full batch that waits for its next attempt still has to serve the group. */
    if (consumer->item_count >= (size_t)consumer->settings.batch && consumer->paused)
        (void)poll_once(consumer, wait_ms);
}

static void set_troubled(struct ink_consumer *consumer, bool troubled, const char *why)
{
    pthread_mutex_lock(&consumer->lock);
    bool changed = consumer->stats.troubled != troubled;
    consumer->stats.troubled = troubled;
    pthread_mutex_unlock(&consumer->lock);
    if (changed)
        ink_events_report(&consumer->settings.kafka, troubled,
                          troubled ? "events wait to be handled: %s" : "events are handled again%s",
                          why);
}

static void retry_later(struct ink_consumer *consumer, struct ink_status status)
{
    unsigned shift = consumer->failures < 6 ? consumer->failures : 6;
    int64_t ms = FIRST_PAUSE_MS << shift;
    ms = ms > LONGEST_PAUSE_MS ? LONGEST_PAUSE_MS : ms;
    ms -= ink_random_jitter() % (ms / 4 + 1);
    consumer->failures++;
    consumer->retry_at = ink_now() + ms * INK_MILLISECOND;
    ink_consumer_pause(consumer, true);
    ink_consumer_count(consumer, &consumer->stats.retries, 1);
    set_troubled(consumer, true, status.cause != NULL ? status.cause : status.message);
}

static void resume(struct ink_consumer *consumer)
{
    consumer->failures = 0;
    ink_consumer_pause(consumer, false);
    set_troubled(consumer, false, "");
}

static void process(struct ink_consumer *consumer)
{
    struct ink_status status = ink_consumer_apply(consumer);
    if (ink_is_ok(status))
        status = ink_consumer_bury(consumer);
    if (!ink_is_ok(status)) {
        retry_later(consumer, status);
        return;
    }
    ink_consumer_commit(consumer);
    ink_consumer_drop_batch(consumer);
    resume(consumer);
}

static void sleep_ms(int64_t ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * INK_MILLISECOND},
              NULL);
}

static struct ink_status ensure_topics(struct ink_consumer *consumer)
{
    struct ink_ctx ctx = ink_ctx_background(&consumer->arena);
    struct ink_status status = ink_ok();
    ctx.cancelled = &consumer->stopping;
    for (char **topic = consumer->topics; *topic != NULL && ink_is_ok(status); topic++)
        status = ink_kafka_ensure_topic(consumer->rk, &ctx, &consumer->settings.kafka, *topic,
                                        ink_kafka_partitions(&consumer->settings.kafka));
    return status;
}

/* Topics must be there before they are subscribed to; Kafka itself need not be. */
static void subscribe(struct ink_consumer *consumer)
{
    while (!atomic_load(&consumer->stopping)) {
        struct ink_status status = ensure_topics(consumer);
        if (ink_is_ok(status))
            break;
        set_troubled(consumer, true, status.cause != NULL ? status.cause : status.message);
        ink_arena_release(&consumer->arena);
        sleep_ms(200);
    }
    set_troubled(consumer, false, "");
    INK_KAFKA_LIST *list = rd_kafka_topic_partition_list_new(4);
    for (char **topic = consumer->topics; *topic != NULL; topic++)
        rd_kafka_topic_partition_list_add(list, *topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_subscribe(consumer->rk, list);
}

static void *consumer_main(void *arg)
{
    struct ink_consumer *consumer = arg;
    subscribe(consumer);
    while (!atomic_load(&consumer->stopping)) {
        collect(consumer);
        if (consumer->item_count > 0 && (!consumer->paused || ink_now() >= consumer->retry_at))
            process(consumer);
        else if (consumer->item_count == 0 && consumer->paused)
            resume(consumer); /* a rebalance took the batch away */
        ink_consumer_commit_again(consumer);
        ink_consumer_measure(consumer);
    }
    return NULL;
}

/* Gives up the partitions, with a last commit, and leaves the group. */
static void *leave_group(void *arg)
{
    struct ink_consumer *consumer = arg;
    rd_kafka_consumer_close(consumer->rk);
    return NULL;
}

static char **copy_list(const char *const *list)
{
    size_t count = 0;
    while (list[count] != NULL)
        count++;
    char **result = ink_calloc(count + 1, sizeof(*result));
    for (size_t i = 0; i < count; i++)
        result[i] = ink_strdup(list[i]);
    return result;
}

static void free_list(char **list)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        free(list[i]);
    free(list);
}

static void copy_settings(struct ink_consumer *consumer,
                          const struct ink_consumer_settings *settings)
{
    consumer->settings = *settings;
    consumer->settings.kafka = ink_kafka_settings_copy(&settings->kafka);
    consumer->settings.group = ink_strdup(settings->group);
    consumer->topics = copy_list(settings->topics);
    consumer->types = settings->types != NULL ? copy_list(settings->types) : NULL;
    if (settings->batch <= 0)
        consumer->settings.batch = 1000;
    if (settings->timeout_ms <= 0)
        consumer->settings.timeout_ms = 10000;
    if (settings->retention_s <= 0)
        consumer->settings.retention_s = RETENTION_S;
}

static void release(struct ink_consumer *consumer)
{
    ink_db_pruner_free(consumer->pruner);
    ink_kafka_close(&consumer->rk);
    ink_producer_free(consumer->producer); /* before its messages */
    ink_consumer_clear_positions(consumer);
    ink_arena_release(&consumer->arena);
    free(consumer->items);
    free_list(consumer->topics);
    free_list(consumer->types);
    free((char *)consumer->settings.group);
    ink_kafka_settings_release(&consumer->settings.kafka);
    pthread_mutex_destroy(&consumer->lock);
    free(consumer);
}

static struct ink_status open_consumer(struct ink_arena *arena, struct ink_consumer *consumer)
{
    struct ink_kafka_property all[INK_COUNT(properties) + 1] = {
        {"group.id", consumer->settings.group}};
    memcpy(all + 1, properties, sizeof(properties));
    const struct ink_kafka_client client = {.type = RD_KAFKA_CONSUMER,
                                            .properties = all,
                                            .configure = ink_consumer_configure,
                                            .opaque = consumer};
    struct ink_status status =
        ink_kafka_open(arena, &consumer->settings.kafka, &client, &consumer->rk);
    if (ink_is_ok(status))
        rd_kafka_poll_set_consumer(consumer->rk);
    return status;
}

/* The program's signals are for its own threads. */
static void start_thread(struct ink_consumer *consumer)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&consumer->thread, NULL, consumer_main, consumer) != 0)
        abort();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct ink_status ink_consumer_new(struct ink_arena *arena,
                                   const struct ink_consumer_settings *settings,
                                   struct ink_consumer **ret_consumer)
{
    struct ink_consumer *consumer = ink_calloc(1, sizeof(*consumer));
    pthread_mutex_init(&consumer->lock, NULL);
    ink_arena_init(&consumer->arena);
    copy_settings(consumer, settings);
    struct ink_status status = open_consumer(arena, consumer);
    if (!ink_is_ok(status)) {
        release(consumer);
        return status;
    }
    consumer->pruner =
        ink_db_pruner_new(&(struct ink_db_prune_settings){.db = consumer->settings.db,
                                                          .statement = &prune_inbox,
                                                          .age_s = consumer->settings.retention_s,
                                                          .at_once = 10000});
    start_thread(consumer);
    *ret_consumer = consumer;
    return ink_ok();
}

void ink_consumer_free(struct ink_consumer *consumer)
{
    if (consumer == NULL)
        return;
    atomic_store(&consumer->stopping, true);
    pthread_join(consumer->thread, NULL);
    ink_consumer_abandon(consumer); /* now: the group may be left after we returned */
    /* A Kafka that is frozen is waited for for a minute. Who waits still has the consumer then. */
    if (ink_kafka_end(leave_group, consumer))
        release(consumer);
    else
        ink_db_pruner_free(consumer->pruner);
}

struct ink_consumer_stats ink_consumer_stats(struct ink_consumer *consumer)
{
    pthread_mutex_lock(&consumer->lock);
    struct ink_consumer_stats stats = consumer->stats;
    stats.lag = ink_consumer_lag(consumer);
    pthread_mutex_unlock(&consumer->lock);
    return stats;
}
