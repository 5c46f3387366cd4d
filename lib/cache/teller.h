/*
 * Tells Redis what it has missed: a thread with a connection of its own sends each mark of the
 * backlog at once, whether Redis answers or not, and again on a new connection until it has
 * answered. So a Redis that was frozen finds them before what is asked when it is back, also if
 * this process has died by then, and one that was cut off hears of them within a fraction of a
 * second. Inside lib/cache only.
 */
#pragma once

struct ink_cache;
struct ink_teller;

/* Starts the thread. */
struct ink_teller *ink_teller_new(struct ink_cache *cache);
/* Ends it: what Redis was not told is lost. Accepts NULL. */
void ink_teller_free(struct ink_teller *teller);
/* There is something new in the backlog. */
void ink_teller_wake(struct ink_teller *teller);
