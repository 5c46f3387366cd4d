#include "lib/rpc/client_breaker.h"

#include "lib/base/clock.h"
#include "lib/base/random.h"

/* Calls in a row that open it. */
#define FAILURES 5
/* Questions for its health. With replicas, one of them may be frozen: the next question is for
 * another one. */
#define SILENT_PROBES 2
#define PAUSE (500 * INK_MILLISECOND)
#define RETRY_AFTER_MS 1000
/* Who asked for its health, and has not for so long, asks no more: a program that is about to stop.
 */
#define PROBES_END (10 * INK_SECOND)

void client_breaker_init(struct client_breaker *breaker)
{
    *breaker = (struct client_breaker){.probed = 0};
    pthread_mutex_init(&breaker->lock, NULL);
    ink_breaker_init(&breaker->machine, FAILURES, PAUSE);
}

void client_breaker_release(struct client_breaker *breaker)
{
    pthread_mutex_destroy(&breaker->lock);
}

/* With the lock held, after anything that may have changed it. */
static void publish(struct client_breaker *breaker)
{
    enum ink_breaker_state state = breaker->machine.state;
    bool troubled =
        state != INK_BREAKER_CLOSED || breaker->machine.failures > 0 || breaker->silent > 0;
    if ((int)state != atomic_load_explicit(&breaker->state, memory_order_relaxed))
        breaker->entered[state]++;
    atomic_store_explicit(&breaker->state, (int)state, memory_order_relaxed);
    atomic_store_explicit(&breaker->troubled, troubled, memory_order_relaxed);
}

static bool is_probed(const struct client_breaker *breaker)
{
    return breaker->probed != 0 && ink_now() - breaker->probed < PROBES_END;
}

bool client_breaker_admits(struct client_breaker *breaker)
{
    if (client_breaker_is_closed(breaker))
        return true;
    pthread_mutex_lock(&breaker->lock);
    bool admitted = is_probed(breaker) ? breaker->machine.state == INK_BREAKER_CLOSED
                                       : ink_breaker_allow(&breaker->machine, ink_now());
    publish(breaker);
    pthread_mutex_unlock(&breaker->lock);
    return admitted;
}

static void answered(struct client_breaker *breaker)
{
    atomic_store_explicit(&breaker->answered, ink_now(), memory_order_relaxed);
    if (!atomic_load_explicit(&breaker->troubled, memory_order_relaxed))
        return;
    pthread_mutex_lock(&breaker->lock);
    breaker->silent = 0;
    ink_breaker_success(&breaker->machine);
    publish(breaker);
    pthread_mutex_unlock(&breaker->lock);
}

/* Whether the backend answered somebody after that: what was lost before tells nothing about now.
 * When a replica dies, all its calls are lost at once, and the others go on. */
static bool is_over(const struct client_breaker *breaker, int64_t begun)
{
    return atomic_load_explicit(&breaker->answered, memory_order_relaxed) > begun;
}

void client_breaker_tell(struct client_breaker *breaker, int64_t begun, enum client_verdict verdict)
{
    if (verdict == CLIENT_ANSWERED) {
        answered(breaker);
        return;
    }
    pthread_mutex_lock(&breaker->lock);
    /* While it is not closed, the question that is under way decides, not calls of before. */
    bool counts = !is_probed(breaker) || breaker->machine.state == INK_BREAKER_CLOSED;
    if (counts && (verdict == CLIENT_UNDECIDED || is_over(breaker, begun)))
        ink_breaker_undecided(&breaker->machine, ink_now());
    else if (counts)
        ink_breaker_failure(&breaker->machine, ink_now(), ink_random_jitter());
    publish(breaker);
    pthread_mutex_unlock(&breaker->lock);
}

void client_breaker_probe(struct client_breaker *breaker)
{
    pthread_mutex_lock(&breaker->lock);
    breaker->probed = ink_now();
    (void)ink_breaker_allow(&breaker->machine, ink_now());
    publish(breaker);
    pthread_mutex_unlock(&breaker->lock);
}

void client_breaker_probed(struct client_breaker *breaker, int64_t begun,
                           enum client_verdict verdict)
{
    if (verdict == CLIENT_ANSWERED) {
        answered(breaker);
        return;
    }
    pthread_mutex_lock(&breaker->lock);
    if (!is_over(breaker, begun))
        breaker->silent++;
    if (breaker->machine.state == INK_BREAKER_HALF_OPEN ||
        (breaker->machine.state == INK_BREAKER_CLOSED && breaker->silent >= SILENT_PROBES))
        ink_breaker_trip(&breaker->machine, ink_now(), ink_random_jitter());
    publish(breaker);
    pthread_mutex_unlock(&breaker->lock);
}

struct ink_status client_breaker_refusal(struct client_breaker *breaker)
{
    struct ink_status status = ink_error(INK_UNAVAILABLE, "the service is not available");
    atomic_fetch_add_explicit(&breaker->refused, 1, memory_order_relaxed);
    status.cause = "the circuit breaker is open";
    status.retry_after_ms = RETRY_AFTER_MS;
    return status;
}
