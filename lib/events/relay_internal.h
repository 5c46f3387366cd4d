/*
 * The relay's own parts. Inside lib/events only. Everything but the first block belongs to the
 * relay's thread.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "lib/db/db.h"
#include "lib/events/producer.h"
#include "lib/events/relay.h"
#include "lib/events/seqs.h"

struct ink_relay {
    pthread_mutex_t lock; /* guards this block but the atomics */
    pthread_cond_t wake;
    bool woken;
    struct ink_relay_stats stats;
    int64_t stop_at; /* publish until then, then end; INK_NO_DEADLINE while it is to run */
    atomic_bool wake_pending;

    struct ink_relay_settings settings;
    struct ink_db *db;
    pthread_t thread;

    /* Leadership: lease.c */
    struct ink_arena lease_arena;
    struct ink_ctx lease_ctx;
    struct ink_db_tx *lease; /* the transaction that holds the advisory lock, or NULL */
    int64_t lease_checked;   /* when the lock was last known to be ours */

    /* Publishing: round.c */
    struct ink_producer *producer;
    struct ink_seqs known; /* read since the first row was last read */
    int64_t next_measure;  /* of depth and age */
    unsigned failures;     /* in a row */

    /* Rows that Kafka has and the outbox still has, too: delete.c */
    struct ink_seqs confirmed;
    struct ink_seqs deleting;    /* those that somebody asked to delete */
    struct ink_db_call deletion; /* on its way */
    struct ink_arena delete_arena;
};

/* Whether the lock is ours: takes it if it is free, and looks every second that it has not been
 * lost. */
bool ink_relay_lead(struct ink_relay *relay);
void ink_relay_resign(struct ink_relay *relay);

enum ink_relay_round {
    INK_ROUND_EMPTY, /* nothing to publish */
    INK_ROUND_DONE,  /* something was published */
    INK_ROUND_FAILED,
};

/* Publishes what is there, batch by batch, and deletes it. Returns early when the lock is lost or
 * the relay is to end. */
enum ink_relay_round ink_relay_publish(struct ink_relay *relay);

/* Asks to delete what is confirmed, and returns meanwhile; waits for what was asked for before.
 * When that failed, it is to be asked for again. */
struct ink_status ink_relay_delete(struct ink_relay *relay) INK_MUST_CHECK;
/* The same for everything, and waits. */
struct ink_status ink_relay_delete_all(struct ink_relay *relay) INK_MUST_CHECK;

/* Measures depth and age if it is time to. */
void ink_relay_measure(struct ink_relay *relay);

/* Whether the relay is to end now. */
bool ink_relay_over(struct ink_relay *relay);

/* Notes a failure or the end of failures, and tells the program at changes. */
void ink_relay_trouble(struct ink_relay *relay, struct ink_status status);
void ink_relay_recovered(struct ink_relay *relay);
