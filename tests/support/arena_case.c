#include "tests/support/arena_case.h"

struct ink_arena arena;

int arena_set_up(void **state)
{
    (void)state;
    ink_arena_init(&arena);
    return 0;
}

int arena_tear_down(void **state)
{
    (void)state;
    ink_arena_release(&arena);
    return 0;
}
