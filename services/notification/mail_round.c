#include "lib/base/random.h"
#include "lib/log/log.h"
#include "services/notification/mail_internal.h"
#include "services/notification/mail_text.h"

#define BATCH 50
/* For a statement, or for the user service. */
#define STEP_TIMEOUT (5 * INK_SECOND)
/* What a claim lasts beyond the time of two mails, for all but SMTP. */
#define LEASE_MARGIN_MS 10000

struct round {
    struct notification_mail *mail;
    struct ink_arena *arena;
    struct notification_emails emails; /* that are still to be dealt with */
    struct notification_mail_user *users;
    int64_t lease_end; /* ink_now() scale, a little early */
};

static struct ink_ctx step(const struct round *round)
{
    struct ink_ctx ctx = ink_ctx_background(round->arena);
    ctx.deadline = ink_now() + STEP_TIMEOUT;
    return ctx;
}

static struct ink_status claim(struct round *round)
{
    const struct notification_mail_options *options = &round->mail->options;
    struct notification_claim claim = {.limit = BATCH,
                                       .lease_ms = 2 * options->smtp.timeout_ms + LEASE_MARGIN_MS,
                                       .max_age_s = options->max_age_s,
                                       .user_daily = options->user_daily};
    struct ink_ctx ctx = step(round);
    round->lease_end = ink_now() + claim.lease_ms * INK_MILLISECOND;
    return notification_emails_claim(options->db, &ctx, &claim, &round->emails);
}

/* How a mail ends. When the database cannot be told, the claim runs out and it is tried again. */

static void log_trouble(const struct notification_email *email, const char *what, const char *why)
{
    ink_log(INK_LOG_WARN, NULL, what, INK_LOG_STR("notification_id", email->id),
            INK_LOG_STR("user_id", email->user_id), INK_LOG_INT("attempts", email->attempts),
            INK_LOG_STR("error", why));
}

static void bury(struct round *round, const struct notification_email *email, const char *why)
{
    struct ink_ctx ctx = step(round);
    struct ink_status status =
        notification_email_dead(round->mail->options.db, &ctx, email->id, round->emails.lease, why);
    if (!ink_is_ok(status))
        return;
    round->mail->buried++;
    log_trouble(email, "an e-mail is given up", why);
}

static void put_off(struct round *round, const struct notification_email *email, const char *why)
{
    const struct notification_mail_options *options = &round->mail->options;
    int64_t pause = notification_mail_backoff(options->backoff_ms, options->backoff_max_ms,
                                              email->attempts, ink_random_jitter());
    struct ink_ctx ctx = step(round);
    struct ink_status status =
        notification_email_later(options->db, &ctx, email->id, round->emails.lease, pause, why);
    if (!ink_is_ok(status))
        return;
    round->mail->put_off++;
    log_trouble(email, "an e-mail is put off", why);
}

/* Insists while the claim lasts: what is not noted is sent again. */
static void note_sent(struct round *round, const struct notification_email *email)
{
    struct notification_mail *mail = round->mail;
    struct ink_status status;
    round->mail->sent++;
    do {
        struct ink_ctx ctx = step(round);
        status = notification_email_sent(mail->options.db, &ctx, email->id);
        if (ink_is_ok(status))
            return;
        notification_mail_wait(mail, 200);
    } while (ink_now() < round->lease_end && !mail->stopping);
    log_trouble(email, "an e-mail will be sent again: that it was could not be noted",
                status.message);
}

/* From the i-th on. */
static void release(struct round *round, size_t i)
{
    struct ink_ctx ctx = step(round);
    struct ink_status status =
        notification_emails_release(round->mail->options.db, &ctx, &round->emails.list[i],
                                    round->emails.count - i, round->emails.lease);
    if (!ink_is_ok(status))
        ink_log(INK_LOG_INFO, NULL, "e-mails wait until their claim runs out",
                INK_LOG_STATUS(status));
}

/* Buries what must not be sent; not when told to stop, for each may take its time. */
static void sort_out(struct round *round)
{
    size_t kept = 0;
    for (size_t i = 0; i < round->emails.count; i++) {
        const struct notification_email *email = &round->emails.list[i];
        if (email->old && !round->mail->stopping)
            bury(round, email, "too old (EMAIL_MAX_AGE)");
        else if (email->many && !round->mail->stopping)
            bury(round, email, "too many for this user within a day (EMAIL_USER_DAILY)");
        else
            round->emails.list[kept++] = *email;
    }
    round->emails.count = kept;
}

static struct ink_status hand_over(struct round *round, const struct notification_email *email,
                                   const struct notification_mail_user *user)
{
    struct notification_mail *mail = round->mail;
    struct notification_mail_frame frame = {.from = mail->options.from,
                                            .from_name = mail->options.from_name,
                                            .to = user->address,
                                            .to_name = user->name};
    struct ink_buf message = INK_BUF_INIT;
    struct ink_ctx ctx = ink_ctx_background(round->arena);
    ctx.cancelled = &mail->cancelled;
    struct ink_status status = notification_mail_compose(round->arena, &frame, email, &message);
    if (ink_is_ok(status))
        status = ink_smtp_send(mail->smtp, &ctx, frame.from, frame.to, message.data, message.len);
    ink_buf_release(&message);
    return status;
}

/* Not INK_OK when no other mail would fare better. */
static struct ink_status deliver(struct round *round, size_t i)
{
    const struct notification_email *email = &round->emails.list[i];
    if (round->users[i].id == NULL) {
        bury(round, email, "there is no such user");
        return ink_ok();
    }
    struct ink_status status = hand_over(round, email, &round->users[i]);
    if (status.code == INK_UNAVAILABLE || status.code == INK_CANCELLED)
        return status;
    if (ink_is_ok(status))
        note_sent(round, email);
    else if (status.code != INK_ABORTED)
        bury(round, email, status.message);
    else if (email->attempts >= round->mail->options.attempts)
        bury(round, email,
             ink_arena_printf(round->arena, "tried often enough (EMAIL_ATTEMPTS): %s",
                              status.message));
    else
        put_off(round, email, status.message);
    return ink_ok();
}

/* Whether another mail may be begun: its sending must end before the claim does. */
static bool time_for_another(const struct round *round)
{
    int64_t needed = round->mail->options.smtp.timeout_ms * INK_MILLISECOND + STEP_TIMEOUT;
    return !round->mail->stopping && ink_now() + needed < round->lease_end;
}

static struct ink_status deliver_all(struct round *round)
{
    struct ink_ctx ctx = step(round);
    struct ink_status status = notification_mail_users_find(
        &round->mail->options.users, &ctx, round->emails.list, round->emails.count, &round->users);
    size_t i = 0;
    while (ink_is_ok(status) && i < round->emails.count && time_for_another(round)) {
        status = deliver(round, i);
        i += ink_is_ok(status);
    }
    if (i < round->emails.count)
        release(round, i);
    return status;
}

enum notification_mail_outcome notification_mail_round(struct notification_mail *mail,
                                                       struct ink_arena *arena,
                                                       struct ink_status *ret_trouble)
{
    struct round round = {.mail = mail, .arena = arena};
    struct ink_status status = claim(&round);
    if (ink_is_ok(status) && round.emails.count == 0)
        return NOTIFICATION_MAIL_IDLE;
    if (ink_is_ok(status))
        sort_out(&round);
    if (ink_is_ok(status) && round.emails.count != 0)
        status = deliver_all(&round);
    if (ink_is_ok(status) || status.code == INK_CANCELLED)
        return NOTIFICATION_MAIL_MORE;
    *ret_trouble = status;
    return NOTIFICATION_MAIL_TROUBLE;
}
