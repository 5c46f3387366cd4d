#include <stdarg.h>
#include <string.h>

#include "gateway/openapi/internal.h"

static void separate(struct openapi *o)
{
    if (!o->fresh)
        ink_buf_putc(o->out, ',');
    o->fresh = false;
}

void openapi_open(struct openapi *o, char bracket)
{
    separate(o);
    ink_buf_putc(o->out, bracket);
    o->fresh = true;
}

void openapi_close(struct openapi *o, char bracket)
{
    ink_buf_putc(o->out, bracket);
    o->fresh = false;
}

void openapi_name(struct openapi *o, const char *name)
{
    openapi_text(o, name);
    ink_buf_putc(o->out, ':');
    o->fresh = true;
}

void openapi_text_size(struct openapi *o, const char *text, size_t size)
{
    separate(o);
    ink_buf_json_string(o->out, text, size);
}

void openapi_text(struct openapi *o, const char *text)
{
    openapi_text_size(o, text, strlen(text));
}

void openapi_raw(struct openapi *o, const char *json)
{
    separate(o);
    ink_buf_puts(o->out, json);
}

void openapi_rawf(struct openapi *o, const char *format, ...)
{
    va_list args;
    separate(o);
    va_start(args, format);
    ink_buf_vprintf(o->out, format, args);
    va_end(args);
}

void openapi_put_text(struct openapi *o, const char *name, const char *text)
{
    openapi_name(o, name);
    openapi_text(o, text);
}

void openapi_put_int(struct openapi *o, const char *name, int64_t value)
{
    openapi_name(o, name);
    openapi_rawf(o, "%lld", (long long)value);
}

void openapi_put_true(struct openapi *o, const char *name)
{
    openapi_put_raw(o, name, "true");
}

void openapi_put_raw(struct openapi *o, const char *name, const char *json)
{
    openapi_name(o, name);
    openapi_raw(o, json);
}

void openapi_open_member(struct openapi *o, const char *name, char bracket)
{
    openapi_name(o, name);
    openapi_open(o, bracket);
}

void openapi_put_ref(struct openapi *o, const char *kind, const char *name)
{
    openapi_put_text(o, "$ref", ink_arena_printf(o->arena, "#/components/%s/%s", kind, name));
}

void openapi_ref(struct openapi *o, const char *kind, const char *name)
{
    openapi_open(o, '{');
    openapi_put_ref(o, kind, name);
    openapi_close(o, '}');
}
