/*
 * How text becomes the ASCII of a message: encoded words (RFC 2047), quoted-printable (RFC 2045),
 * and headers made of them. Texts must be valid UTF-8. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"

/* Whether the UTF-8 sequence at `text` is a control character or a line break: C0, DEL, C1, U+2028
 * and U+2029. `size` is the sequence's. */
bool ink_mail_is_control(const char *text, size_t size);

/* Appends "NAME: TEXT" and CRLF. The text, one line without control characters, stays as it is when
 * it is ASCII and short enough, and becomes encoded words else. */
void ink_mail_put_text(struct ink_buf *out, const char *name, const char *text);

/* Appends "NAME: DISPLAY <ADDRESS>" and CRLF; `display`, like the text above, may be empty. */
void ink_mail_put_mailbox(struct ink_buf *out, const char *name, const char *display,
                          const char *address);

/* Appends the text in quoted-printable with CRLF behind it. Line ends of any kind become CRLF;
 * control characters other than tabs, U+FFFD. */
void ink_mail_put_quoted_printable(struct ink_buf *out, const char *text);
