#include "lib/transcode/stream.h"

#include <stdbool.h>
#include <string.h>

static bool is_break(char c)
{
    return c == '\n' || c == '\r';
}

void ink_stream_ndjson(struct ink_buf *out, const char *json, size_t size)
{
    size_t start = out->len;
    ink_buf_append(out, json, size);
    for (char *at = out->data + start; at != out->data + out->len; at++)
        if (is_break(*at))
            *at = ' ';
    ink_buf_putc(out, '\n');
}

/* Text without line breaks. */
static void append_line(struct ink_buf *out, const char *text)
{
    while (*text != '\0') {
        size_t run = strcspn(text, "\r\n");
        ink_buf_append(out, text, run);
        text += run;
        text += strspn(text, "\r\n");
    }
}

static void append_field(struct ink_buf *out, const char *name, const char *value)
{
    if (value == NULL)
        return;
    ink_buf_puts(out, name);
    ink_buf_puts(out, ": ");
    append_line(out, value);
    ink_buf_putc(out, '\n');
}

void ink_stream_sse(struct ink_buf *out, const char *event, const char *id, const char *data,
                    size_t size)
{
    append_field(out, "event", event);
    append_field(out, "id", id);
    const char *end = data + size;
    for (;;) {
        const char *stop = data;
        while (stop != end && !is_break(*stop))
            stop++;
        ink_buf_puts(out, "data: ");
        ink_buf_append(out, data, (size_t)(stop - data));
        ink_buf_putc(out, '\n');
        if (stop == end)
            break;
        bool pair = *stop == '\r' && stop + 1 != end && stop[1] == '\n';
        data = stop + (pair ? 2 : 1);
    }
    ink_buf_putc(out, '\n');
}

void ink_stream_sse_comment(struct ink_buf *out, const char *text)
{
    ink_buf_putc(out, ':');
    if (text != NULL && *text != '\0') {
        ink_buf_putc(out, ' ');
        append_line(out, text);
    }
    ink_buf_puts(out, "\n\n");
}

void ink_stream_sse_retry(struct ink_buf *out, unsigned milliseconds)
{
    ink_buf_printf(out, "retry: %u\n\n", milliseconds);
}
