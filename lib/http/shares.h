/*
 * What one client address may have of what all of them share: connections (a thread each) and
 * memory for request bodies. Thread-safe; inside lib/http only.
 *
 * An address is an IPv4 address or the /64 of an IPv6 address. The table holds the addresses that
 * have connections now, so the connections bound it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/ip/ip.h"

struct ink_http_shares;

/* `connections`: of one address, 0 for no limit. `bytes`: for the bodies of all, and `bytes_each`
 * of them for one address. */
struct ink_http_shares *ink_http_shares_new(unsigned connections, size_t bytes,
                                            size_t bytes_each) INK_MUST_CHECK;
/* No address may have anything any more. Accepts NULL. */
void ink_http_shares_free(struct ink_http_shares *shares);

/* A connection begins; false when the address has its share. `spared` addresses have no limits of
 * their own. Ends by leave(), if it was true. */
bool ink_http_shares_enter(struct ink_http_shares *shares, const struct ink_ip *ip,
                           bool spared) INK_MUST_CHECK;
void ink_http_shares_leave(struct ink_http_shares *shares, const struct ink_ip *ip);

/* Memory for a body, between enter() and leave(); false when all of it, or the address's share, is
 * in use. */
bool ink_http_shares_take(struct ink_http_shares *shares, const struct ink_ip *ip,
                          size_t bytes) INK_MUST_CHECK;
void ink_http_shares_give_back(struct ink_http_shares *shares, const struct ink_ip *ip,
                               size_t bytes);

/* For metrics: how much is in use by bodies, and how many connections were refused so far. */
size_t ink_http_shares_bytes(struct ink_http_shares *shares);
unsigned long ink_http_shares_refused(struct ink_http_shares *shares);
