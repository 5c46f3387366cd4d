#include "lib/events/question.h"

#include "lib/base/clock.h"

/* How often a wait looks whether its context was cancelled. */
#define CANCEL_CHECK_MS 100

struct ink_question ink_question_begin(rd_kafka_t *rk, const struct ink_ctx *ctx,
                                       rd_kafka_admin_op_t op, int longest_ms)
{
    int wait_ms = (int)ink_deadline_left_ms(ctx->deadline, longest_ms);
    struct ink_question question = {.options = rd_kafka_AdminOptions_new(rk, op),
                                    .queue = rd_kafka_queue_new(rk),
                                    .wait_ms = wait_ms > 0 ? wait_ms : 1};
    rd_kafka_AdminOptions_set_request_timeout(question.options, question.wait_ms, NULL, 0);
    return question;
}

/* librdkafka's own timeout is what ends this, if nobody cancels. */
static rd_kafka_event_t *await_event(const struct ink_question *question, const struct ink_ctx *ctx)
{
    int64_t end = ink_now() + (question->wait_ms + 500) * INK_MILLISECOND;
    rd_kafka_event_t *event = NULL;
    int left_ms;
    while (event == NULL && !ink_ctx_cancelled(ctx) &&
           (left_ms = (int)ink_deadline_left_ms(end, CANCEL_CHECK_MS)) > 0)
        event = rd_kafka_queue_poll(question->queue, left_ms);
    return event;
}

rd_kafka_resp_err_t ink_question_end(struct ink_question *question, const struct ink_ctx *ctx,
                                     rd_kafka_event_t **ret_event)
{
    INK_ANSWER *event = await_event(question, ctx);
    rd_kafka_AdminOptions_destroy(question->options);
    rd_kafka_queue_destroy(question->queue);
    if (event == NULL)
        return RD_KAFKA_RESP_ERR__TIMED_OUT;
    rd_kafka_resp_err_t error = rd_kafka_event_error(event);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
        *ret_event = event;
        event = NULL;
    }
    return error;
}

void ink_question_free(rd_kafka_event_t **event)
{
    if (*event != NULL)
        rd_kafka_event_destroy(*event);
}
