#include "lib/base/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void ink_random(void *out, size_t size)
{
    char *at = out;
    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);
        if (got < 0) {
            if (errno == EINTR)
                continue;
            abort();
        }
        at += got;
        size -= (size_t)got;
    }
}

void ink_random_id(void *out, size_t size)
{
    static _Thread_local unsigned char stock[256];
    static _Thread_local size_t left;
    if (size > sizeof(stock)) {
        ink_random(out, size);
        return;
    }
    if (left < size) {
        ink_random(stock, sizeof(stock));
        left = sizeof(stock);
    }
    left -= size;
    memcpy(out, stock + left, size);
    memset(stock + left, 0, size);
}

uint32_t ink_random_jitter(void)
{
    static _Thread_local uint64_t state;
    if (state == 0)
        ink_random(&state, sizeof(state));
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32);
}
