#include "lib/db/share.h"

#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"

/* The part of one return in the average of their pace is one in so many. */
#define PACE_WEIGHT 8

static size_t most_of(const char *method, size_t size)
{
    size_t others = size / 4 > 1 ? size / 4 : 1;
    if (method == NULL || size == 1)
        return size;
    return size - others;
}

struct ink_db_share *ink_db_share_find(struct ink_db_share **shares, const char *method,
                                       size_t size)
{
    struct ink_db_share *share = *shares;
    while (share != NULL && share->method != method)
        share = share->next;
    if (share == NULL) {
        share = ink_calloc(1, sizeof(*share));
        *share =
            (struct ink_db_share){.method = method, .most = most_of(method, size), .next = *shares};
        *shares = share;
    }
    return share;
}

void ink_db_shares_free(struct ink_db_share *shares)
{
    while (shares != NULL) {
        struct ink_db_share *next = shares->next;
        free(shares);
        shares = next;
    }
}

void ink_db_share_take(struct ink_db_share *share)
{
    share->in_use++;
    share->moved = ink_now();
}

/* An average that forgets; without the bound it would remember what was stuck for too long. */
void ink_db_share_put_back(struct ink_db_share *share, int64_t limit)
{
    int64_t now = ink_now(), took = now - share->moved;
    if (!ink_db_share_has_room(share))
        share->pace += ((took < limit ? took : limit) - share->pace) / PACE_WEIGHT;
    share->in_use--;
    share->moved = now;
}

bool ink_db_share_is_jammed(const struct ink_db_share *share, size_t line, int64_t limit)
{
    return !ink_db_share_has_room(share) &&
           ink_now() - share->moved + (int64_t)(line + 1) * share->pace > limit;
}
