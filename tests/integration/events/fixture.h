/*
 * What the tests of lib/events share: a database with outbox, inbox and a business table, rows that
 * come with events, a relay and a consumer that notes what it saw.
 *
 * Each test uses an aggregate type of its own, and so a topic of its own: TYPE-events.
 */
#pragma once

#include <stdatomic.h>

#include "lib/db/db.h"
#include "lib/events/consumer.h"
#include "lib/events/dead_letters.h"
#include "lib/events/message.h"
#include "lib/events/outbox.h"
#include "lib/events/producer.h"
#include "lib/events/relay.h"
#include "tests/support/fixture.h"

/* A cmocka group setup: the pool and its tables, once a program. */
int fixture_start(void **state);
int fixture_end(void **state);
struct ink_db *fixture_db(void);

/* Polls until `condition(arg)`; fails the test, naming `what`, after `ms`. */
void fixture_await(const char *what, bool (*condition)(void *arg), void *arg, int64_t ms);

void fixture_sleep_ms(int64_t ms);

struct ink_kafka_settings fixture_kafka(void);
/* A relay on the test's servers; zero settings are the defaults. */
struct ink_relay *fixture_relay(struct ink_relay_settings settings);

/* Writes the thing `key` with the number `n` and its event, in one statement. A transaction, when
 * given, is to be committed by the caller. The event's type is "thing-changed". */
void fixture_write(struct ink_db_tx *tx, const char *type, const char *key, int n);
/* Events still in the outbox. */
int64_t fixture_outbox_depth(void);
void fixture_await_outbox(int64_t depth, int64_t ms);

/* effects.c: the consumer's side. */

/* How a consumer behaves: `reject` is a text in payloads that it takes for poison, or NULL. */
struct fixture_handler {
    const char *reject;
    atomic_int calls;
    atomic_int fail; /* so many calls fail with `code` first */
    enum ink_code code;
    atomic_int done;      /* events that were reported as done */
    atomic_int reports;   /* how often something was, or that all were known */
    atomic_int abandoned; /* batches of which an attempt has no outcome */
    bool meet;            /* a call waits for another one at the same time, until two have met */
    atomic_int inside;
    atomic_bool met;
};
/* A consumer of TYPE-events in the group TYPE that notes its events as effects. */
struct ink_consumer *fixture_consumer(const char *type, struct fixture_handler *handler,
                                      struct ink_consumer_settings settings);
/* How many effects events of TYPE-events had. */
int64_t fixture_effects(const char *type);
/* Waits for this many and fails if there are more a moment later. */
void fixture_await_effects(const char *type, int64_t count, int64_t ms);
/* Fails unless the numbers of each key went up by one from 1. */
void fixture_expect_order(const char *type);

/* Waits until this consumer has put so many messages aside; their batches' effects are there
 * before. */
void fixture_await_dead(struct ink_consumer *consumer, uint64_t count);

/* Puts a message into TYPE-events, without any header unless `id` is given. */
void fixture_produce(const char *type, const char *key, const char *id, const char *payload);
/* All messages of a topic, in the context's arena. */
struct ink_raw_message *fixture_messages(const struct ink_ctx *ctx, const char *topic,
                                         size_t *ret_count);
