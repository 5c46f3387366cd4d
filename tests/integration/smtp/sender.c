/*
 * Sends mail as smtp_test.py says: settings and texts come from the environment, and each line of
 * stdin is a recipient. Answers with a line each: the status's code and message. SIGUSR1 cancels.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/smtp/message.h"
#include "lib/smtp/smtp.h"

static atomic_bool cancelled;

static void cancel(int number)
{
    (void)number;
    atomic_store(&cancelled, true);
}

static const char *setting(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value == NULL ? otherwise : value;
}

static struct ink_status open_smtp(struct ink_smtp **ret_smtp)
{
    const char *starttls = setting("SMTP_STARTTLS", "off");
    struct ink_smtp_settings settings = {.url = getenv("SMTP_URL"),
                                         .user = getenv("SMTP_USER"),
                                         .password = getenv("SMTP_PASSWORD"),
                                         .ca_file = getenv("SMTP_CA_FILE"),
                                         .timeout_ms = atoi(setting("SMTP_TIMEOUT", "20000"))};
    while (strcmp(ink_smtp_starttls_names[settings.starttls], starttls) != 0)
        settings.starttls++;
    return ink_smtp_new(&settings, ret_smtp);
}

static struct ink_status compose(const char *to, struct ink_buf *message)
{
    struct ink_buf html = INK_BUF_INIT;
    struct ink_mail mail = {.id = setting("MAIL_ID", "1"),
                            .date = 0,
                            .from = "no-reply@inkmesh.example",
                            .from_name = setting("MAIL_FROM_NAME", "inkmesh"),
                            .to = to,
                            .to_name = getenv("MAIL_TO_NAME"),
                            .subject = setting("MAIL_SUBJECT", "subject"),
                            .text = setting("MAIL_TEXT", "text")};
    if (getenv("MAIL_RAW") != NULL) {
        ink_buf_puts(message, getenv("MAIL_RAW"));
        return ink_ok();
    }
    ink_buf_puts(&html, "<p>");
    ink_mail_put_html(&html, mail.text);
    ink_buf_puts(&html, "</p>");
    mail.html = html.data;
    struct ink_status status = ink_mail_compose(&mail, message);
    ink_buf_release(&html);
    return status;
}

static void send_to(struct ink_smtp *smtp, const char *to)
{
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct ink_buf message = INK_BUF_INIT;
    struct ink_ctx ctx = ink_ctx_background(&arena);
    ctx.cancelled = &cancelled;
    struct ink_status status = compose(to, &message);
    if (ink_is_ok(status))
        status =
            ink_smtp_send(smtp, &ctx, "no-reply@inkmesh.example", to, message.data, message.len);
    printf("%s %s\n", ink_code_name(status.code), status.message == NULL ? "" : status.message);
    fflush(stdout);
    ink_buf_release(&message);
    ink_arena_release(&arena);
}

int main(void)
{
    struct ink_smtp *smtp = NULL;
    char to[400];
    signal(SIGPIPE, SIG_IGN);
    signal(SIGUSR1, cancel);
    struct ink_status status = open_smtp(&smtp);
    if (!ink_is_ok(status)) {
        printf("%s %s\n", ink_code_name(status.code), status.message);
        return 1;
    }
    while (fgets(to, sizeof(to), stdin) != NULL) {
        to[strcspn(to, "\n")] = '\0';
        send_to(smtp, to);
    }
    ink_smtp_free(smtp);
    return 0;
}
