/*
 * E-mail: sends what the table `emails` (mail_store.h) has, by a thread of its own, so that neither
 * a request nor the consumer of events ever waits for a mail server.
 *
 * Each mail is sent at least once, and again only when a process died, or lost its database,
 * between sending and noting it; its Message-ID tells. What is one mail's trouble (the server says
 * "not now" to it) is tried again with growing pauses, and ends as dead when that was often enough;
 * what the server refuses for good is dead at once. What is everybody's trouble (no mail server, no
 * user service, a wrong password) costs no mail an attempt: the thread pauses and tries again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/metrics/metrics.h"
#include "lib/smtp/smtp.h"
#include "services/notification/mail_users.h"

struct notification_mail;

struct notification_mail_options {
    struct ink_db *db;
    struct notification_mail_users users;
    struct ink_smtp_settings smtp; /* timeout_ms is needed */
    const char *from;              /* an address */
    const char *from_name;
    int64_t attempts;       /* of one mail */
    int64_t backoff_ms;     /* after the first of these */
    int64_t backoff_max_ms; /* after later ones */
    int64_t max_age_s;      /* older ones are not sent */
    int64_t user_daily;     /* mails to one user within a day, about */
    int64_t poll_ms;        /* how often to look for what other replicas left */
};

/* Copies the options, whose strings and parts must outlive it. INVALID_ARGUMENT for settings that
 * cannot work; the message names them. */
struct ink_status notification_mail_new(const struct notification_mail_options *options,
                                        struct ink_arena *arena,
                                        struct notification_mail **ret_mail) INK_MUST_CHECK;
/* Accepts NULL. */
void notification_mail_free(struct notification_mail *mail);

/* A check: starts the thread when the tables are there, and says whether mail gets out. */
struct ink_status notification_mail_check(void *self, struct ink_arena *arena);
/* After a commit: there is something to send. Thread-safe. */
void notification_mail_wake(void *self);
/* For ink_program_on_drain(): the mail at hand has `grace_ms` to be sent; the others stay. */
void notification_mail_drain(void *self, int64_t grace_ms);
/* email_* metrics. */
void notification_mail_add_gauges(struct ink_metrics *metrics, struct notification_mail *mail);
