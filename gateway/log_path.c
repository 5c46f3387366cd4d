#include "gateway/log_path.h"

#include <stdbool.h>
#include <string.h>

#define LEFT 8
#define DOTS "..."

const char *gateway_log_path(struct ink_arena *arena, const char *path)
{
    char *copy = ink_arena_strdup(arena, path), *out = copy;
    while (*path != '\0') {
        size_t slashes = strspn(path, "/"), segment = strcspn(path + slashes, "/");
        bool cut = segment > GATEWAY_LOG_SEGMENT_MAX;
        size_t kept = slashes + (cut ? LEFT : segment);
        memcpy(out, path, kept);
        out += kept;
        if (cut)
            out = stpcpy(out, DOTS);
        path += slashes + segment;
    }
    *out = '\0';
    return copy;
}
