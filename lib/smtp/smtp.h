/*
 * Sends e-mail by SMTP (RFC 5321), with STARTTLS (RFC 3207), TLS from the start (RFC 8314) and AUTH
 * (RFC 4954). This module is the only user of libcurl.
 *
 *     struct ink_smtp *smtp;
 *     status = ink_smtp_new(&(struct ink_smtp_settings){.url = "smtp://mail:587"}, &smtp);
 *     status = ink_smtp_send(smtp, ctx, "a@example.com", "b@example.com", mail.data, mail.len);
 *     ink_smtp_free(smtp);
 *
 * The connection stays open for the next message, as long as messages get through. Servers'
 * certificates are always verified. An ink_smtp belongs to one thread at a time; what may be set
 * from any thread is ctx->cancelled, which ends a message within a second.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"

struct ink_smtp;

enum ink_smtp_starttls {
    INK_SMTP_STARTTLS_OFF,           /* never */
    INK_SMTP_STARTTLS_OPPORTUNISTIC, /* when the server offers it: whoever can change what it says
                                        can read the mail */
    INK_SMTP_STARTTLS_REQUIRED,      /* or nothing is sent */
};
/* Their names, NULL-terminated: choices for a setting. */
extern const char *const ink_smtp_starttls_names[];

struct ink_smtp_settings {
    const char *url;                 /* "smtp://HOST[:PORT]" or, for TLS from the start,
                                        "smtps://HOST[:PORT]"; "/NAME" behind it is for EHLO */
    enum ink_smtp_starttls starttls; /* for smtp:// */
    const char *user;                /* for AUTH; or NULL */
    const char *password;            /* with `user` */
    const char *ca_file;        /* PEM: who signs the server's certificate; NULL: the system's */
    int64_t connect_timeout_ms; /* TCP and TLS; 0 means 10,000 */
    int64_t timeout_ms;         /* for a whole message; 0 means 30,000 */
};

/* Copies the settings; connects at the first message. INVALID_ARGUMENT for a malformed url, a user
 * without password or the reverse, and for a password that could travel in the clear: without
 * smtps:// or STARTTLS_REQUIRED it is sent to loopback only. */
struct ink_status ink_smtp_new(const struct ink_smtp_settings *settings,
                               struct ink_smtp **ret_smtp) INK_MUST_CHECK;
/* Closes the connection without waiting for the server. Accepts NULL. */
void ink_smtp_free(struct ink_smtp *smtp);

/*
 * Sends one message (message.h) and waits until the server has taken it or not, at most until the
 * context's deadline. Both addresses must be ink_mail_address_valid().
 *   INK_OK               the server has it
 *   FAILED_PRECONDITION  it refuses this recipient or message for good (5xx): do not try again
 *   ABORTED              not now (4xx, or it broke off): try this message again later
 *   UNAVAILABLE          there is no talking to the server (connection, TLS, AUTH, sender refused):
 *                        no other message would fare better
 *   CANCELLED            ctx->cancelled; the server may have the message nevertheless
 *   INVALID_ARGUMENT     an address is not valid
 * The message, in ctx->arena, is what the server said, in printable ASCII and without the
 * recipient's address, or what went wrong. Never the password.
 */
struct ink_status ink_smtp_send(struct ink_smtp *smtp, const struct ink_ctx *ctx, const char *from,
                                const char *to, const char *data, size_t size) INK_MUST_CHECK;
