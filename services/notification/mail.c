#include "services/notification/mail.h"

#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/base/cond.h"
#include "lib/base/random.h"
#include "lib/db/migrate.h"
#include "lib/log/log.h"
#include "lib/smtp/message.h"
#include "services/notification/mail_internal.h"
#include "services/notification/mail_text.h"

/* Pauses while there is trouble. */
#define FIRST_PAUSE_MS 500
#define LONGEST_PAUSE_MS 30000
/* How often held mails are looked for: those of replicas that know no mail server. */
#define TAKE_UP_INTERVAL (60 * INK_SECOND)
#define TAKE_UP_BATCH 1000
#define STATEMENT_TIMEOUT (5 * INK_SECOND)

struct ink_status notification_mail_new(const struct notification_mail_options *options,
                                        struct ink_arena *arena,
                                        struct notification_mail **ret_mail)
{
    struct ink_smtp *smtp;
    if (!ink_mail_address_valid(options->from))
        return ink_error(INK_INVALID_ARGUMENT, "EMAIL_FROM must be an address");
    struct ink_status status = ink_smtp_new(&options->smtp, &smtp);
    if (!ink_is_ok(status))
        return ink_errorf(arena, status.code, "SMTP_URL, SMTP_USER, SMTP_PASSWORD: %s",
                          status.message);
    struct notification_mail *mail = ink_calloc(1, sizeof(*mail));
    mail->options = *options;
    mail->smtp = smtp;
    pthread_mutex_init(&mail->lock, NULL);
    pthread_cond_init(&mail->changed, NULL);
    *ret_mail = mail;
    return ink_ok();
}

void notification_mail_free(struct notification_mail *mail)
{
    if (mail == NULL)
        return;
    notification_mail_drain(mail, 0);
    ink_smtp_free(mail->smtp);
    pthread_cond_destroy(&mail->changed);
    pthread_mutex_destroy(&mail->lock);
    free(mail);
}

/* Waiting */

void notification_mail_wait(struct notification_mail *mail, int64_t ms)
{
    int64_t end = ink_now() + ms * INK_MILLISECOND;
    pthread_mutex_lock(&mail->lock);
    while (!mail->woken && !mail->stopping && ink_cond_wait_until(&mail->changed, &mail->lock, end))
        ;
    mail->woken = false;
    pthread_mutex_unlock(&mail->lock);
}

void notification_mail_wake(void *self)
{
    struct notification_mail *mail = self;
    pthread_mutex_lock(&mail->lock);
    mail->woken = true;
    pthread_cond_signal(&mail->changed);
    pthread_mutex_unlock(&mail->lock);
}

/* The thread */

static void count(struct notification_mail *mail)
{
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct ink_ctx ctx = ink_ctx_background(&arena);
    struct notification_email_counts counts;
    ctx.deadline = ink_now() + STATEMENT_TIMEOUT;
    if (ink_is_ok(notification_emails_count(mail->options.db, &ctx, &counts))) {
        pthread_mutex_lock(&mail->lock);
        mail->counts = counts;
        pthread_mutex_unlock(&mail->lock);
    }
    ink_arena_release(&arena);
}

/* Whether that is done for now. */
static bool take_up(struct notification_mail *mail)
{
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct ink_ctx ctx = ink_ctx_background(&arena);
    size_t taken = TAKE_UP_BATCH;
    ctx.deadline = ink_now() + STATEMENT_TIMEOUT;
    struct ink_status status = notification_emails_take_up(
        mail->options.db, &ctx, mail->options.max_age_s, TAKE_UP_BATCH, &taken);
    ink_arena_release(&arena);
    return ink_is_ok(status) && taken < TAKE_UP_BATCH;
}

/* Said when it begins and when it ends. */
static void report(struct notification_mail *mail, bool trouble, struct ink_status status)
{
    if (trouble == mail->troubled)
        return;
    mail->troubled = trouble;
    if (trouble)
        ink_log(INK_LOG_WARN, NULL, "mail cannot be sent", INK_LOG_STATUS(status));
    else
        ink_log(INK_LOG_INFO, NULL, "mail is sent again");
}

static enum notification_mail_outcome make_round(struct notification_mail *mail)
{
    struct ink_arena arena;
    struct ink_status trouble = ink_ok();
    ink_arena_init(&arena);
    enum notification_mail_outcome outcome = notification_mail_round(mail, &arena, &trouble);
    report(mail, outcome == NOTIFICATION_MAIL_TROUBLE, trouble);
    ink_arena_release(&arena);
    return outcome;
}

static void *run(void *self)
{
    struct notification_mail *mail = self;
    int64_t poll = mail->options.poll_ms * INK_MILLISECOND;
    int64_t next_count = 0, next_take_up = 0, next_round = 0, failures = 0;
    while (!mail->stopping) {
        enum notification_mail_outcome outcome = NOTIFICATION_MAIL_IDLE;
        if (ink_now() >= next_take_up)
            next_take_up = take_up(mail) ? ink_now() + TAKE_UP_INTERVAL : 0;
        if (ink_now() >= next_round) {
            outcome = make_round(mail);
            failures = outcome == NOTIFICATION_MAIL_TROUBLE ? failures + 1 : 0;
            if (failures > 0)
                next_round = ink_now() + INK_MILLISECOND * notification_mail_backoff(
                                                               FIRST_PAUSE_MS, LONGEST_PAUSE_MS,
                                                               failures, ink_random_jitter());
        }
        if (ink_now() >= next_count) { /* also while there is much to do */
            count(mail);
            next_count = ink_now() + poll;
        }
        if (outcome != NOTIFICATION_MAIL_MORE)
            notification_mail_wait(
                mail, failures == 0 ? mail->options.poll_ms
                                    : ink_deadline_left_ms(next_round, mail->options.poll_ms));
    }
    return NULL;
}

struct ink_status notification_mail_check(void *self, struct ink_arena *arena)
{
    (void)arena;
    struct notification_mail *mail = self;
    if (!ink_db_prepared(mail->options.db))
        return ink_error(INK_UNAVAILABLE, "the database is not prepared yet");
    pthread_mutex_lock(&mail->lock);
    if (!mail->running && !mail->stopping)
        mail->running = pthread_create(&mail->thread, NULL, run, mail) == 0;
    bool good = mail->running && !mail->troubled;
    pthread_mutex_unlock(&mail->lock);
    return good ? ink_ok() : ink_error(INK_UNAVAILABLE, "mail cannot be sent");
}

void notification_mail_drain(void *self, int64_t grace_ms)
{
    struct notification_mail *mail = self;
    int64_t at = ink_now() + grace_ms * INK_MILLISECOND;
    struct timespec end = {.tv_sec = at / INK_SECOND, .tv_nsec = at % INK_SECOND};
    pthread_mutex_lock(&mail->lock);
    mail->stopping = true;
    bool running = mail->running;
    mail->running = false;
    pthread_cond_signal(&mail->changed);
    pthread_mutex_unlock(&mail->lock);
    if (!running || pthread_clockjoin_np(mail->thread, NULL, CLOCK_MONOTONIC, &end) == 0)
        return;
    mail->cancelled = true;
    pthread_join(mail->thread, NULL);
}

/* Metrics */

static struct notification_email_counts counts_of(struct notification_mail *mail)
{
    pthread_mutex_lock(&mail->lock);
    struct notification_email_counts counts = mail->counts;
    pthread_mutex_unlock(&mail->lock);
    return counts;
}

#define READER(name, value)                                                                        \
    static double read_##name(void *self)                                                          \
    {                                                                                              \
        struct notification_mail *mail = self;                                                     \
        return (double)(value);                                                                    \
    }
READER(sent, mail->sent)
READER(put_off, mail->put_off)
READER(buried, mail->buried)
READER(troubled, mail->troubled)
READER(pending, counts_of(mail).pending)
READER(oldest, counts_of(mail).oldest_s)
READER(dead, counts_of(mail).dead)

void notification_mail_add_gauges(struct ink_metrics *metrics, struct notification_mail *mail)
{
    static const struct {
        bool counter;
        const char *name, *help;
        ink_metrics_read_fn *read;
    } table[] = {
        {true, "email_sent_total", "E-mails that the mail server took.", read_sent},
        {true, "email_retries_total", "E-mails that were put off to be tried again.", read_put_off},
        {true, "email_failed_total", "E-mails that were given up.", read_buried},
        {false, "email_troubled", "Whether no mail at all can be sent (1).", read_troubled},
        {false, "email_pending", "E-mails that wait, of all replicas.", read_pending},
        {false, "email_oldest_seconds", "How long the oldest of these has waited.", read_oldest},
        {false, "email_dead", "E-mails in the database that were given up.", read_dead},
    };
    for (size_t i = 0; i < INK_COUNT(table); i++) {
        struct ink_metric *metric =
            table[i].counter ? ink_metrics_counter(metrics, table[i].name, table[i].help, NULL)
                             : ink_metrics_gauge(metrics, table[i].name, table[i].help, NULL);
        ink_series_callback(ink_metric_series(metric, NULL), table[i].read, mail);
    }
}
