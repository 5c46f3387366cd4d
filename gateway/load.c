#include "gateway/load.h"

#include "lib/base/clock.h"

/* What is slow: answers that take so long, or none for so long. */
#define SLOW INK_SECOND
#define SILENT (INK_SECOND / 2)
/* The part that one call has in the average. */
#define WEIGHT 8

static bool is_slow(struct gateway_load *load, int64_t now)
{
    return atomic_load_explicit(&load->took, memory_order_relaxed) > SLOW ||
           now - atomic_load_explicit(&load->answered, memory_order_relaxed) > SILENT;
}

bool gateway_load_begin(struct gateway_load *load, unsigned share, int64_t now)
{
    unsigned others = atomic_fetch_add_explicit(&load->calls, 1, memory_order_relaxed);
    if (others == 0)
        atomic_store_explicit(&load->answered, now, memory_order_relaxed);
    if (others < share || !is_slow(load, now))
        return true;
    atomic_fetch_sub_explicit(&load->calls, 1, memory_order_relaxed);
    return false;
}

/* Of two calls that end at once one may be left out of the average, which does no harm. */
void gateway_load_end(struct gateway_load *load, int64_t begun, int64_t now)
{
    int64_t took = atomic_load_explicit(&load->took, memory_order_relaxed);
    took += (now - begun - took) / WEIGHT;
    atomic_store_explicit(&load->took, took, memory_order_relaxed);
    atomic_store_explicit(&load->answered, now, memory_order_relaxed);
    atomic_fetch_sub_explicit(&load->calls, 1, memory_order_relaxed);
}
