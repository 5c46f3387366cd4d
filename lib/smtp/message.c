#include "lib/smtp/message.h"

#include <string.h>
#include <time.h>

#include "lib/base/text.h"
#include "lib/smtp/encode.h"
#include "lib/validate/formats.h"

#define ADDRESS_MAX 254
#define LOCAL_PART_MAX 64
#define ID_MAX 64

bool ink_mail_address_valid(const char *address)
{
    size_t size = strlen(address);
    if (size > ADDRESS_MAX || !ink_is_email(address, size))
        return false;
    return (size_t)(strchr(address, '@') - address) <= LOCAL_PART_MAX;
}

static bool id_valid(const char *id)
{
    static const char plain[] = "0123456789-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t size = strspn(id, plain);
    return id[size] == '\0' && size != 0 && size <= ID_MAX;
}

static bool utf8_or_null(const char *text)
{
    return text == NULL || ink_utf8_valid(text, strlen(text));
}

static struct ink_status check(const struct ink_mail *mail)
{
    if (!ink_mail_address_valid(mail->from))
        return ink_error(INK_INVALID_ARGUMENT, "the sender's address cannot be used for mail");
    if (!ink_mail_address_valid(mail->to))
        return ink_error(INK_INVALID_ARGUMENT, "the recipient's address cannot be used for mail");
    if (!id_valid(mail->id))
        return ink_error(INK_INVALID_ARGUMENT, "the id cannot be used in a Message-ID");
    if (!utf8_or_null(mail->from_name) || !utf8_or_null(mail->to_name) ||
        !utf8_or_null(mail->subject) || !utf8_or_null(mail->text) || !utf8_or_null(mail->html))
        return ink_error(INK_INVALID_ARGUMENT, "a text of the mail is not UTF-8");
    return ink_ok();
}

char *ink_mail_one_line(struct ink_arena *arena, const char *text, size_t limit)
{
    static const char ellipsis[] = "\xe2\x80\xa6";
    size_t left = strlen(text), size = 0, count = 0, cut = 0;
    char *line = ink_arena_alloc(arena, left + sizeof(ellipsis));
    bool space = false;
    for (size_t next; left > 0; text += next, left -= next) {
        next = ink_utf8_sequence(text, left);
        if (next == 0)
            break; /* not UTF-8 */
        if (*text == ' ' || ink_mail_is_control(text, next)) {
            space = size != 0;
            continue;
        }
        count += space ? 2 : 1;
        if (count <= limit - 1)
            cut = size + (space ? 1 : 0) + next; /* with an ellipsis behind it, short enough */
        else if (count > limit) {
            memcpy(line + cut, ellipsis, sizeof(ellipsis));
            return line;
        }
        if (space)
            line[size++] = ' ';
        memcpy(line + size, text, next);
        size += next;
        space = false;
    }
    line[size] = '\0';
    return line;
}

void ink_mail_put_html(struct ink_buf *out, const char *text)
{
    size_t left = strlen(text);
    for (size_t next; left > 0; text += next, left -= next) {
        next = *text == '\r' && text[1] == '\n' ? 2 : ink_utf8_sequence(text, left);
        if (next == 0)
            return; /* not UTF-8 */
        if (*text == '&')
            ink_buf_puts(out, "&amp;");
        else if (*text == '<')
            ink_buf_puts(out, "&lt;");
        else if (*text == '>')
            ink_buf_puts(out, "&gt;");
        else if (*text == '"')
            ink_buf_puts(out, "&quot;");
        else if (*text == '\'')
            ink_buf_puts(out, "&#39;");
        else if (*text == '\r' || *text == '\n')
            ink_buf_puts(out, "<br>\n");
        else if (*text != '\t' && ink_mail_is_control(text, next))
            ink_buf_puts(out, "\xef\xbf\xbd");
        else
            ink_buf_append(out, text, next);
    }
}

/* RFC 5322, section 3.3, in UTC. */
static void put_date(struct ink_buf *out, int64_t microseconds)
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = microseconds / 1000000;
    struct tm tm;
    gmtime_r(&seconds, &tm);
    ink_buf_printf(out, "Date: %s, %d %s %04d %02d:%02d:%02d +0000\r\n", days[tm.tm_wday],
                   tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
                   tm.tm_sec);
}

static void put_headers(struct ink_buf *out, const struct ink_mail *mail)
{
    struct ink_arena arena;
    ink_arena_init(&arena);
    const char *from_name = mail->from_name == NULL ? "" : mail->from_name;
    const char *to_name = mail->to_name == NULL ? "" : mail->to_name;
    put_date(out, mail->date);
    ink_mail_put_mailbox(out, "From", ink_mail_one_line(&arena, from_name, SIZE_MAX), mail->from);
    ink_mail_put_mailbox(out, "To", ink_mail_one_line(&arena, to_name, SIZE_MAX), mail->to);
    ink_mail_put_text(out, "Subject", ink_mail_one_line(&arena, mail->subject, SIZE_MAX));
    ink_buf_printf(out, "Message-ID: <%s%s>\r\n", mail->id, strchr(mail->from, '@'));
    ink_buf_puts(out, "Auto-Submitted: auto-generated\r\n"); /* RFC 3834 */
    ink_buf_puts(out, "MIME-Version: 1.0\r\n");
    ink_arena_release(&arena);
}

/* "=_" cannot occur in quoted-printable text, so no part can hold a boundary. */
#define BOUNDARY "=_inkmesh"

static void put_part(struct ink_buf *out, const char *type, const char *text)
{
    ink_buf_printf(out, "--" BOUNDARY "\r\nContent-Type: %s; charset=utf-8\r\n", type);
    ink_buf_puts(out, "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
    ink_mail_put_quoted_printable(out, text);
}

struct ink_status ink_mail_compose(const struct ink_mail *mail, struct ink_buf *out)
{
    struct ink_status status = check(mail);
    if (!ink_is_ok(status))
        return status;
    put_headers(out, mail);
    ink_buf_puts(out, "Content-Type: multipart/alternative; boundary=\"" BOUNDARY "\"\r\n\r\n");
    put_part(out, "text/plain", mail->text);
    put_part(out, "text/html", mail->html);
    ink_buf_puts(out, "--" BOUNDARY "--\r\n");
    return ink_ok();
}
