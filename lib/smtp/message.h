/*
 * An e-mail as text: an Internet message (RFC 5322) with a text and an HTML part (RFC 2046), ready
 * for smtp.h. Pure functions.
 *
 * Nothing that the caller puts in can become a header, an address or a part of its own: addresses
 * and ids are refused unless they are plain; names and the subject are quoted or encoded (RFC
 * 2047), with control characters as spaces; bodies are quoted-printable (RFC 2045), in which no
 * boundary can occur. Lines have at most 78 characters, but for those that an address alone makes
 * longer; all end in CRLF, and all is ASCII.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/buf.h"
#include "lib/base/status.h"

/* Texts are UTF-8 with a NUL behind them. */
struct ink_mail {
    const char *id;   /* letters, digits and hyphens, 64 at most; the Message-ID is <ID@DOMAIN> with
                         the sender's domain, so that a repeat can be recognised */
    int64_t date;     /* microseconds since 1970 */
    const char *from; /* the sender's address */
    const char *from_name; /* or NULL */
    const char *to;        /* the recipient's address */
    const char *to_name;   /* or NULL */
    const char *subject;
    const char *text; /* the plain part; lines end in LF or CRLF */
    const char *html; /* the HTML part, a whole document */
};

/* An address that mail may be sent to: what buf.validate calls one (the HTML standard's: ASCII
 * without spaces, quotes, angle brackets or control characters), within the bounds of RFC 5321,
 * section 4.5.3.1 (64 bytes before the "@", 254 in all). */
bool ink_mail_address_valid(const char *address);

/* Appends the message to `out`. INVALID_ARGUMENT, with `out` untouched, for an address or id that
 * is not plain, and for a text that is not UTF-8. */
struct ink_status ink_mail_compose(const struct ink_mail *mail, struct ink_buf *out) INK_MUST_CHECK;

/* Appends text as HTML, to stand between tags or in a quoted attribute: `&`, `<`, `>`, `"` and `'`
 * are escaped, line ends become <br>, other control characters U+FFFD. */
void ink_mail_put_html(struct ink_buf *out, const char *text);

/* The text as one line for a subject: control characters and runs of spaces become one space each,
 * and what is longer than `limit` (at least 1) code points ends in an ellipsis. */
char *ink_mail_one_line(struct ink_arena *arena, const char *text, size_t limit) INK_MUST_CHECK;
