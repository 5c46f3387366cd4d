#include "lib/base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"

#define FIRST_BLOCK 4096
#define LARGEST_BLOCK (256 * 1024)

struct ink_arena_block {
    struct ink_arena_block *previous;
    size_t size;
    _Alignas(max_align_t) char data[];
};

static void *allocator_alloc(void *data, size_t size)
{
    return ink_arena_alloc(data, size);
}

static void allocator_free(void *data, void *memory)
{
    (void)data;
    (void)memory;
}

void ink_arena_init(struct ink_arena *arena)
{
    *arena = (struct ink_arena){
        .allocator = {.alloc = allocator_alloc, .free = allocator_free, .allocator_data = arena},
    };
}

void ink_arena_release(struct ink_arena *arena)
{
    struct ink_arena_block *block = arena->blocks;
    while (block != NULL) {
        struct ink_arena_block *previous = block->previous;
        free(block);
        block = previous;
    }
    ink_arena_init(arena);
}

/* Adds a block that holds at least `size` bytes; what was left of the last one is given up. */
static void grow(struct ink_arena *arena, size_t size)
{
    size_t block_size = arena->blocks == NULL ? FIRST_BLOCK : arena->blocks->size * 2;
    if (block_size > LARGEST_BLOCK)
        block_size = LARGEST_BLOCK;
    if (block_size < size)
        block_size = size;
    struct ink_arena_block *block = ink_malloc(sizeof(*block) + block_size);
    block->previous = arena->blocks;
    block->size = block_size;
    arena->blocks = block;
    arena->next = block->data;
    arena->end = block->data + block_size;
}

void *ink_arena_alloc(struct ink_arena *arena, size_t size)
{
    const size_t align = _Alignof(max_align_t);
    if (size > SIZE_MAX / 2)
        abort();
    size = (size + align - 1) / align * align;
    if (arena->next == NULL || (size_t)(arena->end - arena->next) < size)
        grow(arena, size);
    void *memory = arena->next;
    arena->next += size;
    return memory;
}

void *ink_arena_calloc(struct ink_arena *arena, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        abort();
    return memset(ink_arena_alloc(arena, total), 0, total);
}

char *ink_arena_strdup(struct ink_arena *arena, const char *text)
{
    return ink_arena_strndup(arena, text, strlen(text));
}

char *ink_arena_strndup(struct ink_arena *arena, const char *text, size_t size)
{
    char *copy = ink_arena_alloc(arena, size + 1);
    if (size != 0)
        memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

void *ink_arena_memdup(struct ink_arena *arena, const void *data, size_t size)
{
    return ink_arena_strndup(arena, data, size);
}

char *ink_arena_vprintf(struct ink_arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    if (size < 0)
        abort();
    char *text = ink_arena_alloc(arena, (size_t)size + 1);
    vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    return text;
}

char *ink_arena_printf(struct ink_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = ink_arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}

ProtobufCAllocator *ink_arena_allocator(struct ink_arena *arena)
{
    return &arena->allocator;
}
