/*
 * How many connections one method of a service holds, and how many it may: inside lib/db only. All
 * connections together are counted in the same way, so the same rules hold for a method and for the
 * pool. Guarded by the pool's lock.
 *
 * Without shares one slow statement, or one row that somebody has locked, gets all connections in
 * the end, and then nobody else has any.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ink_db_share {
    const char *method; /* its address is its identity; NULL: of work that no call asked for */
    size_t most;
    size_t in_use;
    size_t waiting;
    int64_t moved; /* when one was last taken, or came back */
    int64_t pace;  /* ns between two that come back while all are in use, lately */
    struct ink_db_share *next;
};

/* The method's among `shares`, made when it is not there yet. Of `size` connections a method may
 * have three quarters, and all but one at most; work that no call asked for may have all. */
struct ink_db_share *ink_db_share_find(struct ink_db_share **shares, const char *method,
                                       size_t size);
void ink_db_shares_free(struct ink_db_share *shares);

void ink_db_share_take(struct ink_db_share *share);
/* What took longer than `limit`, as long as anybody waits, counts as that for the pace. */
void ink_db_share_put_back(struct ink_db_share *share, int64_t limit);

static inline bool ink_db_share_has_room(const struct ink_db_share *share)
{
    return share->in_use < share->most;
}

/* Whether who comes now, behind `line` others, would wait for longer than `limit`, because what is
 * in use is stuck or slow: by how long nothing has moved, and by what stands in line already. */
bool ink_db_share_is_jammed(const struct ink_db_share *share, size_t line, int64_t limit);
