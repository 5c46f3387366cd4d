#include "lib/base/alloc.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_abort(void *memory, size_t size)
{
    if (memory == NULL && size != 0) {
        fprintf(stderr, "out of memory: %zu bytes\n", size);
        abort();
    }
    return memory;
}

void *ink_malloc(size_t size)
{
    return or_abort(malloc(size), size);
}

void *ink_calloc(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    return or_abort(memory, count != 0 && size != 0 ? SIZE_MAX : 0);
}

void *ink_realloc(void *old, size_t size)
{
    return or_abort(realloc(old, size), size);
}

char *ink_strdup(const char *text)
{
    return or_abort(strdup(text), strlen(text) + 1);
}
