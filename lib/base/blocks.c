#include "lib/base/blocks.h"

#include <stddef.h>

static _Thread_local struct {
    void (*give_up)(void *self);
    void *self;
} turn;

void ink_blocks(void)
{
    void (*give_up)(void *) = turn.give_up;
    turn.give_up = NULL;
    if (give_up != NULL)
        give_up(turn.self);
}

void ink_blocks_call(void (*give_up_turn)(void *self), void *self)
{
    turn.give_up = give_up_turn;
    turn.self = self;
}
