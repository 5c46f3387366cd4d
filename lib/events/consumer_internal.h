/*
 * The consumer's own parts. Inside lib/events only. Everything but the first block belongs to the
 * consumer's thread.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "lib/events/consumer.h"
#include "lib/events/message.h"
#include "lib/events/producer.h"

/* How far one partition is: those assigned to this consumer. */
struct ink_position {
    char *topic;
    int32_t partition;
    int64_t next; /* the offset after what was dealt with; -1 while nothing was committed ever */
    int64_t end;  /* the next message's offset, as asked for while the flow is paused */
};

enum ink_item_state {
    INK_ITEM_FRESH,
    INK_ITEM_DEAD,   /* to go to the dead-letter topic; event.rejected says why */
    INK_ITEM_BURIED, /* it is there, which is to be noted in the inbox */
    INK_ITEM_SETTLED /* nothing more to do but to commit its offset */
};

/* A message of the batch at hand. */
struct ink_item {
    struct ink_raw_message raw;
    struct ink_event event;
    enum ink_item_state state;
    int attempts;               /* alone */
    struct ink_message *letter; /* on its way to the dead-letter topic, or NULL */
};

struct ink_consumer {
    pthread_mutex_t lock; /* guards this block */
    struct ink_consumer_stats stats;
    struct ink_position *positions;
    size_t position_count;
    atomic_bool stopping;

    struct ink_consumer_settings settings;
    char **topics; /* the settings' lists, NULL-terminated */
    char **types;
    rd_kafka_t *rk;
    pthread_t thread;
    struct ink_db_pruner *pruner; /* of the inbox */

    struct ink_arena arena; /* of the batch at hand */
    struct ink_item *items;
    size_t item_count;
    size_t item_cap;
    bool suspicious; /* one of the batch fails: take them one by one */
    bool undecided;  /* a commit had no outcome, and not all of its batch is settled since */

    bool paused;
    unsigned failures; /* in a row */
    int64_t retry_at;
    bool commit_failed; /* to be tried again */
    int64_t next_commit;
    int64_t next_measure;
    struct ink_producer *producer; /* of dead letters; NULL until there is one */
};

/* group.c: membership, partitions, offsets. */

void ink_consumer_configure(rd_kafka_conf_t *conf, void *consumer);
/* Marks the batch's messages as dealt with, in Kafka and for the lag. */
void ink_consumer_commit(struct ink_consumer *consumer);
/* Commits again what could not be committed. */
void ink_consumer_commit_again(struct ink_consumer *consumer);
/* Stops or restarts the flow of messages, while the consumer stays in its group. */
void ink_consumer_pause(struct ink_consumer *consumer, bool pause);
/* While the flow is paused, only this tells how the lag grows. */
void ink_consumer_measure(struct ink_consumer *consumer);
/* With the lock held. */
int64_t ink_consumer_lag(struct ink_consumer *consumer);
void ink_consumer_clear_positions(struct ink_consumer *consumer);

/* apply.c: effects. */

/* Deals with all items of the batch that are fresh: they are then settled or dead. A failure is
 * worth another attempt. */
struct ink_status ink_consumer_apply(struct ink_consumer *consumer) INK_MUST_CHECK;

/* bury.c */

/* Puts the dead items of the batch into their dead-letter topics; they are then settled. */
struct ink_status ink_consumer_bury(struct ink_consumer *consumer) INK_MUST_CHECK;
/* Gives up on letters that Kafka has not confirmed: the batch goes away. */
void ink_consumer_forget_letters(struct ink_consumer *consumer);

/* consumer.c */
void ink_consumer_drop_batch(struct ink_consumer *consumer);
/* Tells that the batch is given up, if nobody here will know what became of it. */
void ink_consumer_abandon(struct ink_consumer *consumer);
void ink_consumer_count(struct ink_consumer *consumer, uint64_t *counter, uint64_t more);
