/*
 * What mail.c (the thread) and mail_round.c (its work) share.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "services/notification/mail.h"
#include "services/notification/mail_store.h"

struct notification_mail {
    struct notification_mail_options options;
    struct ink_smtp *smtp; /* the thread's alone */

    atomic_bool stopping;  /* begin no further mail */
    atomic_bool cancelled; /* break off the one at hand */
    atomic_bool troubled;
    atomic_uint_fast64_t sent, put_off, buried;

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t changed;
    bool woken;
    bool running; /* the thread is there and not joined */
    pthread_t thread;
    struct notification_email_counts counts; /* as last seen */
};

enum notification_mail_outcome {
    NOTIFICATION_MAIL_IDLE,    /* nothing is due */
    NOTIFICATION_MAIL_MORE,    /* look again */
    NOTIFICATION_MAIL_TROUBLE, /* everybody's: pause */
};

/* Claims some mails and sends them. What is wrong with everybody is in *ret_trouble, whose strings
 * live in `arena`. */
enum notification_mail_outcome notification_mail_round(struct notification_mail *mail,
                                                       struct ink_arena *arena,
                                                       struct ink_status *ret_trouble);

/* Waits until woken, at most `ms`; at once when the thread is to stop. */
void notification_mail_wait(struct notification_mail *mail, int64_t ms);
