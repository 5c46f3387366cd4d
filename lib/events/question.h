/*
 * One question to the brokers, by librdkafka's admin functions: who asks sends it with `options`
 * and `queue`, and takes the answer. Inside lib/events only.
 */
#pragma once

#include "lib/events/client.h"

struct ink_question {
    rd_kafka_AdminOptions_t *options;
    rd_kafka_queue_t *queue;
    int wait_ms;
};

/* To be answered within `longest_ms`, or what the context has left. */
struct ink_question ink_question_begin(rd_kafka_t *rk, const struct ink_ctx *ctx,
                                       rd_kafka_admin_op_t op, int longest_ms);
/* Ends the question: the answer, or NULL and why there is none. A context that is cancelled ends
 * the wait (TIMED_OUT). */
rd_kafka_resp_err_t ink_question_end(struct ink_question *question, const struct ink_ctx *ctx,
                                     rd_kafka_event_t **ret_event);

/* For INK_CLEANUP; NULL is fine. */
void ink_question_free(rd_kafka_event_t **event);
#define INK_ANSWER INK_CLEANUP(ink_question_free) rd_kafka_event_t
