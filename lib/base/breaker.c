#include "lib/base/breaker.h"

void ink_breaker_init(struct ink_breaker *breaker, unsigned limit, int64_t pause)
{
    *breaker = (struct ink_breaker){.limit = limit, .pause = pause};
}

bool ink_breaker_allow(struct ink_breaker *breaker, int64_t now)
{
    if (breaker->state == INK_BREAKER_OPEN && now >= breaker->open_until) {
        breaker->state = INK_BREAKER_HALF_OPEN;
        return true;
    }
    return breaker->state == INK_BREAKER_CLOSED;
}

/* One that comes late, from a call made before it opened, proves nothing about now. */
void ink_breaker_success(struct ink_breaker *breaker)
{
    if (breaker->state == INK_BREAKER_OPEN)
        return;
    breaker->state = INK_BREAKER_CLOSED;
    breaker->failures = 0;
}

void ink_breaker_failure(struct ink_breaker *breaker, int64_t now, uint32_t random)
{
    if (breaker->state == INK_BREAKER_OPEN)
        return;
    breaker->failures++;
    if (breaker->state == INK_BREAKER_HALF_OPEN || breaker->failures >= breaker->limit)
        ink_breaker_trip(breaker, now, random);
}

void ink_breaker_trip(struct ink_breaker *breaker, int64_t now, uint32_t random)
{
    breaker->state = INK_BREAKER_OPEN;
    breaker->open_until = now + breaker->pause + breaker->pause / 4 * (random % 1024) / 1024;
}

void ink_breaker_undecided(struct ink_breaker *breaker, int64_t now)
{
    if (breaker->state != INK_BREAKER_HALF_OPEN)
        return;
    breaker->state = INK_BREAKER_OPEN;
    breaker->open_until = now;
}
