/*
 * Addresses of the Internet, for what is decided by who calls: parsing and comparing them, lists of
 * networks, and the client behind trusted proxies. Pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/status.h"

struct sockaddr;

/* IPv4 as ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2), so that an address has one form. */
struct ink_ip {
    uint8_t bytes[16];
};

/* Room for the text of an address and its NUL. */
#define INK_IP_TEXT 46

/* "203.0.113.7", "2001:db8::1", "::ffff:203.0.113.7". False, with *ret_ip untouched, for anything
 * else: names, ports, zones, leading zeros. */
bool ink_ip_parse(const char *text, size_t size, struct ink_ip *ret_ip) INK_MUST_CHECK;
/* False for what is neither IPv4 nor IPv6. */
bool ink_ip_from_sockaddr(const struct sockaddr *address, struct ink_ip *ret_ip) INK_MUST_CHECK;
/* "203.0.113.7", also for the mapped form; "2001:db8::1". */
void ink_ip_text(const struct ink_ip *ip, char out[INK_IP_TEXT]);
bool ink_ip_equal(const struct ink_ip *a, const struct ink_ip *b);

/* What is counted as one client: an IPv4 address, but the /64 of an IPv6 address, which is what one
 * customer has at least and may choose addresses from. */
struct ink_ip ink_ip_client(const struct ink_ip *ip);

/* Networks, such as "10.0.0.0/8, 2001:db8::/32, 127.0.0.1". */
struct ink_ip_network {
    struct ink_ip ip;
    unsigned bits; /* of 128 */
};
struct ink_ip_list {
    const struct ink_ip_network *networks;
    size_t count;
};

/* Parses a list with commas; NULL and "" are the empty one. It lives in `arena`. INVALID_ARGUMENT,
 * naming the part, for what is no network, also when bits behind the prefix are set: the writer
 * meant something else. */
struct ink_status ink_ip_list_parse(struct ink_arena *arena, const char *text,
                                    struct ink_ip_list *ret_list) INK_MUST_CHECK;
bool ink_ip_list_has(const struct ink_ip_list *list, const struct ink_ip *ip);

/* How many entries of X-Forwarded-For are looked at. */
#define INK_IP_FORWARDED_MAX 32

/*
 * Who is behind trusted proxies. `peer` is who is connected; `values` are the values of the
 * X-Forwarded-For headers in their order. Each proxy appends who was connected to it, so the list
 * is read from its end, and only as far as trusted proxies wrote it: the right-most address that is
 * not a trusted proxy's is the client. What a client wrote itself is to the left of that and never
 * looked at. Where an entry is no address, or there are too many, the last trusted one counts.
 * Entries may have a port ("203.0.113.7:1234", "[2001:db8::1]:1234").
 */
struct ink_ip ink_ip_forwarded(const struct ink_ip_list *trusted, const struct ink_ip *peer,
                               const char *const *values, size_t n_values);
