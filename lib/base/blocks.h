/*
 * Of threads that take turns at one thing, such as waiting for what happens next, each goes on with
 * what it found instead of handing it to another one, for as long as it waits for nothing itself.
 * Whatever is about to wait says so here, and so lets the next one have its turn meanwhile. To a
 * thread that takes no turns this means nothing.
 *
 * All of this is about the calling thread.
 */
#pragma once

/* To be called before a wait for anything but a lock that is held for a moment. */
void ink_blocks(void);

/* What ink_blocks() calls, once; NULL: nothing. */
void ink_blocks_call(void (*give_up_turn)(void *self), void *self);
