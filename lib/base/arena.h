/*
 * An arena: memory that is given out piece by piece and released all at once. Every request has
 * one; its messages (by the protobuf-c allocator), strings and status details live there and go
 * with it. Not thread-safe: one arena belongs to one request.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdarg.h>
#include <stddef.h>

#include "lib/base/macros.h"

struct ink_arena_block;

/* Embedded by value; read no field but through the functions below. */
struct ink_arena {
    ProtobufCAllocator allocator;
    struct ink_arena_block *blocks;
    char *next;
    char *end;
};

/* Makes an empty arena; nothing is allocated before the first use. */
void ink_arena_init(struct ink_arena *arena);
/* Frees all that was given out; the arena is then empty and can be used again. */
void ink_arena_release(struct ink_arena *arena);

/* Uninitialised memory, aligned for any type. Never NULL. */
void *ink_arena_alloc(struct ink_arena *arena, size_t size) INK_MUST_CHECK;
/* Zeroed memory for `count` elements of `size` bytes. Never NULL. */
void *ink_arena_calloc(struct ink_arena *arena, size_t count, size_t size) INK_MUST_CHECK;
/* Copies. `size` bytes (text gets a NUL after them). */
char *ink_arena_strdup(struct ink_arena *arena, const char *text) INK_MUST_CHECK;
char *ink_arena_strndup(struct ink_arena *arena, const char *text, size_t size) INK_MUST_CHECK;
void *ink_arena_memdup(struct ink_arena *arena, const void *data, size_t size) INK_MUST_CHECK;
/* Formatted text. */
char *ink_arena_printf(struct ink_arena *arena, const char *format, ...) INK_MUST_CHECK
    INK_PRINTF(2, 3);
char *ink_arena_vprintf(struct ink_arena *arena, const char *format, va_list args) INK_MUST_CHECK
    INK_PRINTF(2, 0);

/* For protobuf-c: unpacks into the arena. Its free is a no-op, so never call a message's
 * free_unpacked on such a message. */
ProtobufCAllocator *ink_arena_allocator(struct ink_arena *arena);
