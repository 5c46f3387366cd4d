#include "lib/events/seqs.h"

#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/base/buf.h"

struct ink_seq_run {
    int64_t first;
    int64_t last;
};

void ink_seqs_release(struct ink_seqs *set)
{
    free(set->runs);
    *set = (struct ink_seqs){0};
}

void ink_seqs_clear(struct ink_seqs *set)
{
    set->count = 0;
}

void ink_seqs_add(struct ink_seqs *set, int64_t seq)
{
    if (set->count > 0 && seq == set->runs[set->count - 1].last + 1) {
        set->runs[set->count - 1].last = seq;
        return;
    }
    if (set->count == set->cap) {
        set->cap = set->cap == 0 ? 16 : 2 * set->cap;
        set->runs = ink_realloc(set->runs, set->cap * sizeof(*set->runs));
    }
    set->runs[set->count++] = (struct ink_seq_run){seq, seq};
}

const char *ink_seqs_text(const struct ink_seqs *set, struct ink_arena *arena)
{
    struct ink_buf buf = INK_BUF_INIT;
    ink_buf_putc(&buf, '{');
    for (size_t i = 0; i < set->count; i++) {
        ink_buf_puts(&buf, i == 0 ? "[" : ",[");
        ink_buf_integer(&buf, set->runs[i].first);
        ink_buf_putc(&buf, ',');
        ink_buf_integer(&buf, set->runs[i].last);
        ink_buf_putc(&buf, ']');
    }
    ink_buf_putc(&buf, '}');
    const char *text = ink_arena_strndup(arena, buf.data, buf.len);
    ink_buf_release(&buf);
    return text;
}
