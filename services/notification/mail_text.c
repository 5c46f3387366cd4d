#include "services/notification/mail_text.h"

#include "lib/smtp/message.h"

/* In code points. */
#define SUBJECT_MAX 78

static void put_html(struct ink_buf *html, const char *subject, const char *message)
{
    ink_buf_puts(html, "<!doctype html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n<title>");
    ink_mail_put_html(html, subject);
    ink_buf_puts(html, "</title>\n</head>\n<body>\n<p>");
    ink_mail_put_html(html, message);
    ink_buf_puts(html, "</p>\n</body>\n</html>");
}

struct ink_status notification_mail_compose(struct ink_arena *arena,
                                            const struct notification_mail_frame *frame,
                                            const struct notification_email *email,
                                            struct ink_buf *out)
{
    struct ink_buf html = INK_BUF_INIT;
    struct ink_mail mail = {
        .id = email->id,
        .date = email->created_at,
        .from = frame->from,
        .from_name = frame->from_name,
        .to = frame->to,
        .to_name = frame->to_name,
        .subject = ink_mail_one_line(arena, email->message, SUBJECT_MAX),
        .text = email->message,
    };
    put_html(&html, mail.subject, mail.text);
    mail.html = html.data;
    struct ink_status status = ink_mail_compose(&mail, out);
    ink_buf_release(&html);
    return status;
}

int64_t notification_mail_backoff(int64_t first, int64_t longest, int64_t attempts, uint32_t jitter)
{
    int64_t pause = first < longest ? first : longest;
    for (int64_t i = 1; i < attempts && pause < longest; i++)
        pause = pause < longest / 2 ? pause * 2 : longest;
    return pause - (int64_t)(jitter % 1024) * (pause / 2) / 1024;
}
