#include "lib/base/random.h"

#include <errno.h>
#include <stdlib.h>
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
