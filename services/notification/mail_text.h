/*
 * What a notification looks like as an e-mail, and when a failed one is tried again. Pure.
 */
#pragma once

#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/buf.h"
#include "lib/base/status.h"
#include "services/notification/mail_store.h"

/* Who sends, and to whom. */
struct notification_mail_frame {
    const char *from;      /* EMAIL_FROM */
    const char *from_name; /* EMAIL_FROM_NAME */
    const char *to;        /* the user's address */
    const char *to_name;   /* the user's name */
};

/* Appends the message, whose Message-ID is <NOTIFICATION-ID@DOMAIN OF FROM> and which is the same
 * bytes whenever it is made. Errors: those of ink_mail_compose(). */
struct ink_status notification_mail_compose(struct ink_arena *arena,
                                            const struct notification_mail_frame *frame,
                                            const struct notification_email *email,
                                            struct ink_buf *out) INK_MUST_CHECK;

/* The pause after the n-th attempt (from 1): `first` doubled with each, at most `longest`; of that
 * between half and all, as `jitter` (any number) says. Milliseconds. */
int64_t notification_mail_backoff(int64_t first, int64_t longest, int64_t attempts,
                                  uint32_t jitter);
