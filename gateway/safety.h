/*
 * What browsers are told with every answer: the headers that Helmet sets by default, with stricter
 * values where they can be, because the gateway serves data and one page. They are made once, so
 * that an answer gets all of them by one append. docs/operations.md has the table.
 *
 * Constant once made; thread-safe.
 */
#pragma once

#include <stdbool.h>

struct gateway_safety;

struct gateway_safety_options {
    const char *page_policy; /* Content-Security-Policy of a page; what is none may do nothing */
    unsigned hsts_max_age;   /* seconds, said over TLS only (RFC 6797, section 7.2); 0: not said */
    bool hsts_subdomains;    /* whether it is for names below ours, too */
    bool by_origin;          /* answers differ by Origin: caches have to know */
};

struct gateway_safety *gateway_safety_new(const struct gateway_safety_options *options);
/* Accepts NULL. */
void gateway_safety_free(struct gateway_safety *safety);

/* The header lines of an answer, each with its CRLF, for a page or for data. */
const char *gateway_safety_lines(const struct gateway_safety *safety, bool page, bool tls);
