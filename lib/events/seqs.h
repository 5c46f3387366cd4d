/*
 * A set of rows of the outbox by their `seq`, kept as runs of consecutive numbers: a pile of a
 * million is one run when nothing was rolled back in between. Inside lib/events only; {0} is empty.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"

struct ink_seqs {
    struct ink_seq_run *runs;
    size_t count; /* of runs */
    size_t cap;
};

void ink_seqs_release(struct ink_seqs *set);
/* Empties it and keeps the memory. */
void ink_seqs_clear(struct ink_seqs *set);
/* Quick, and short in memory, when numbers come in their order; right in any. */
void ink_seqs_add(struct ink_seqs *set, int64_t seq);
/* For SQL: an int8multirange, in the arena. */
const char *ink_seqs_text(const struct ink_seqs *set, struct ink_arena *arena);
