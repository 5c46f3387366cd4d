/*
 * What one client address may have of what all of them share: connections, and memory for request
 * bodies and for answers. Thread-safe; inside lib/http only.
 *
 * An address is an IPv4 address or the /64 of an IPv6 address. The table holds the addresses that
 * have connections now, so the connections bound it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/ip/ip.h"

struct ink_http_shares;

/* What memory is for. */
enum ink_http_memory {
    INK_HTTP_BODIES,  /* of requests */
    INK_HTTP_ANSWERS, /* that wait to be sent */
    INK_HTTP_MEMORIES,
};

struct ink_http_memory_limits {
    size_t all;
    size_t each; /* of `all`, for one address */
};

/* `connections`: of one address, 0 for no limit. `limits`: by ink_http_memory. */
struct ink_http_shares *
ink_http_shares_new(unsigned connections,
                    const struct ink_http_memory_limits limits[INK_HTTP_MEMORIES]) INK_MUST_CHECK;
/* No address may have anything any more. Accepts NULL. */
void ink_http_shares_free(struct ink_http_shares *shares);

/* A connection begins; false when the address has its share. `spared` addresses have no limits of
 * their own. Ends by leave(), if it was true. */
bool ink_http_shares_enter(struct ink_http_shares *shares, const struct ink_ip *ip,
                           bool spared) INK_MUST_CHECK;
void ink_http_shares_leave(struct ink_http_shares *shares, const struct ink_ip *ip);

/* Between enter() and leave(); false when all of it, or the address's share, is in use. Who has
 * nothing yet gets whatever it wants when nobody else has anything. */
bool ink_http_shares_take(struct ink_http_shares *shares, enum ink_http_memory memory,
                          const struct ink_ip *ip, size_t bytes) INK_MUST_CHECK;
void ink_http_shares_give_back(struct ink_http_shares *shares, enum ink_http_memory memory,
                               const struct ink_ip *ip, size_t bytes);

/* An address does not get something, named by a text, again before `until` (on ink_now()'s scale).
 * Then one may try, and the next not before `again`; until unbar() ends it. The table of these is
 * small and forgets. */
void ink_http_shares_bar(struct ink_http_shares *shares, const struct ink_ip *ip, const char *what,
                         int64_t until);
bool ink_http_shares_barred(struct ink_http_shares *shares, const struct ink_ip *ip,
                            const char *what, int64_t now, int64_t again) INK_MUST_CHECK;
void ink_http_shares_unbar(struct ink_http_shares *shares, const struct ink_ip *ip,
                           const char *what, int64_t now);

/* For metrics: how much is in use, and how many connections were refused so far. */
size_t ink_http_shares_bytes(struct ink_http_shares *shares, enum ink_http_memory memory);
unsigned long ink_http_shares_refused(struct ink_http_shares *shares);
