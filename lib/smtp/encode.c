#include "lib/smtp/encode.h"

#include <string.h>

#include "lib/base/text.h"

/* RFC 5322, section 2.1.1, without the CRLF. */
#define HEADER_LINE_MAX 78
/* RFC 2045, section 6.7. */
#define QUOTED_LINE_MAX 76
/* Bytes of one encoded word: with its frame 64 characters, which leave room for a header's name. */
#define WORD_BYTES 39

bool ink_mail_is_control(const char *text, size_t size)
{
    const unsigned char *c = (const unsigned char *)text;
    if (size == 1)
        return c[0] < 0x20 || c[0] == 0x7f;
    if (size == 2)
        return c[0] == 0xc2 && c[1] < 0xa0;
    return size == 3 && c[0] == 0xe2 && c[1] == 0x80 && (c[2] == 0xa8 || c[2] == 0xa9);
}

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~')
            return false;
    return true;
}

/* What a reader would take for an encoded word must be encoded itself. */
static bool is_literal(const char *text, size_t limit)
{
    return strlen(text) <= limit && is_ascii(text) && strstr(text, "=?") == NULL;
}

/* The whole characters among the next WORD_BYTES bytes. */
static size_t word_size(const char *text, size_t size)
{
    size_t used = 0;
    while (used < size) {
        size_t next = ink_utf8_sequence(text + used, size - used);
        if (next == 0 || used + next > WORD_BYTES)
            break;
        used += next;
    }
    return used;
}

/* Folded: the white space between encoded words is not part of the text. */
static void put_words(struct ink_buf *out, const char *text)
{
    size_t size = strlen(text);
    for (size_t used = 0; used < size;) {
        size_t word = word_size(text + used, size - used);
        if (word == 0)
            return; /* not UTF-8 */
        ink_buf_puts(out, used == 0 ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?");
        ink_buf_base64(out, text + used, word);
        ink_buf_puts(out, "?=");
        used += word;
    }
}

void ink_mail_put_text(struct ink_buf *out, const char *name, const char *text)
{
    ink_buf_printf(out, "%s: ", name);
    if (is_literal(text, HEADER_LINE_MAX - strlen(name) - 2))
        ink_buf_puts(out, text);
    else
        put_words(out, text);
    ink_buf_puts(out, "\r\n");
}

/* RFC 5322, section 3.2.4. */
static void put_quoted_string(struct ink_buf *out, const char *text)
{
    ink_buf_putc(out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            ink_buf_putc(out, '\\');
        ink_buf_putc(out, *text);
    }
    ink_buf_putc(out, '"');
}

void ink_mail_put_mailbox(struct ink_buf *out, const char *name, const char *display,
                          const char *address)
{
    size_t start = out->len;
    if (display[0] == '\0') {
        ink_buf_printf(out, "%s: %s\r\n", name, address);
        return;
    }
    ink_buf_printf(out, "%s: ", name);
    /* Quoted it may get twice as long. */
    if (is_literal(display, (HEADER_LINE_MAX - strlen(name) - 4) / 2))
        put_quoted_string(out, display);
    else
        put_words(out, display);
    bool fits = out->len - start + strlen(address) + 3 <= HEADER_LINE_MAX;
    ink_buf_printf(out, "%s <%s>\r\n", fits ? "" : "\r\n", address);
}

/* Of a line end (LF, CRLF or CR), else 0. */
static size_t line_end(const char *text)
{
    if (text[0] == '\r')
        return text[1] == '\n' ? 2 : 1;
    return text[0] == '\n' ? 1 : 0;
}

/* One byte; a space at the end of a line would get lost on the way. */
static bool is_safe(const char *text)
{
    if (*text == ' ' || *text == '\t')
        return text[1] != '\0' && line_end(text + 1) == 0;
    return *text > ' ' && *text <= '~' && *text != '=';
}

static void put_bytes(struct ink_buf *out, const char *bytes, size_t size, size_t *column)
{
    bool safe = size == 1 && is_safe(bytes);
    size_t width = safe ? 1 : 3 * size;
    if (*column + width > QUOTED_LINE_MAX - 1) {
        ink_buf_puts(out, "=\r\n");
        *column = 0;
    }
    *column += width;
    if (safe)
        ink_buf_putc(out, *bytes);
    for (size_t i = 0; !safe && i < size; i++)
        ink_buf_printf(out, "=%02X", (unsigned char)bytes[i]);
}

void ink_mail_put_quoted_printable(struct ink_buf *out, const char *text)
{
    size_t column = 0, left = strlen(text);
    while (left > 0) {
        size_t size = line_end(text);
        if (size != 0) {
            ink_buf_puts(out, "\r\n");
            column = 0;
        } else if ((size = ink_utf8_sequence(text, left)) == 0) {
            break; /* not UTF-8 */
        } else if (*text != '\t' && ink_mail_is_control(text, size)) {
            put_bytes(out, "\xef\xbf\xbd", 3, &column);
        } else {
            put_bytes(out, text, size, &column);
        }
        text += size;
        left -= size;
    }
    ink_buf_puts(out, "\r\n");
}
