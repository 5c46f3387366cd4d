#include "lib/base/trace.h"

#include <string.h>

#include "lib/base/random.h"
#include "lib/base/text.h"

static void random_id(char *out, size_t bytes)
{
    unsigned char id[16];
    ink_random_id(id, bytes);
    id[0] |= 1; /* all zero is not an id */
    ink_hex(id, bytes, out);
}

void ink_trace_start(struct ink_trace *trace)
{
    *trace = (struct ink_trace){.sampled = true};
    random_id(trace->trace_id, 16);
    random_id(trace->span_id, 8);
}

/* Whether `size` lower-case hex digits stand at `text`, not all of them zero. */
static bool is_id(const char *text, size_t size)
{
    return strspn(text, "0123456789abcdef") >= size && strspn(text, "0") < size;
}

bool ink_trace_continue(struct ink_trace *trace, const char *traceparent)
{
    const char *in = traceparent;
    bool shaped = in != NULL && strlen(in) >= 55 && strspn(in, "0123456789abcdef") == 2 &&
                  strncmp(in, "ff", 2) != 0 && in[2] == '-' && in[35] == '-' && in[52] == '-' &&
                  is_id(in + 3, 32) && is_id(in + 36, 16) &&
                  strspn(in + 53, "0123456789abcdef") == 2;
    bool version_0 = shaped && strncmp(in, "00", 2) == 0;
    if (!shaped || (version_0 ? in[55] != '\0' : in[55] != '\0' && in[55] != '-')) {
        ink_trace_start(trace);
        return false;
    }
    *trace = (struct ink_trace){0};
    memcpy(trace->trace_id, in + 3, 32);
    memcpy(trace->parent_id, in + 36, 16);
    random_id(trace->span_id, 8);
    trace->sampled = strchr("13579bdf", in[54]) != NULL;
    return true;
}

void ink_trace_format(const struct ink_trace *trace, char out[INK_TRACEPARENT_SIZE])
{
    memcpy(out, "00-", 3);
    memcpy(out + 3, trace->trace_id, 32);
    out[35] = '-';
    memcpy(out + 36, trace->span_id, 16);
    memcpy(out + 52, trace->sampled ? "-01" : "-00", 4);
}
