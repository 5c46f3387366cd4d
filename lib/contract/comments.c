#include "lib/contract/comments.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LOCATION Google__Protobuf__SourceCodeInfo__Location

static int compare_paths(const int32_t *a, size_t n_a, const int32_t *b, size_t n_b)
{
    for (size_t i = 0; i < n_a && i < n_b; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return n_a == n_b ? 0 : n_a < n_b ? -1 : 1;
}

static int compare_locations(const void *a, const void *b)
{
    const LOCATION *const *x = a, *const *y = b;
    return compare_paths((*x)->path, (*x)->n_path, (*y)->path, (*y)->n_path);
}

static const char *comment_of(const LOCATION *at)
{
    if (at->leading_comments != NULL && at->leading_comments[0] != '\0')
        return at->leading_comments;
    return at->trailing_comments != NULL ? at->trailing_comments : "";
}

void ink_comments_init(struct ink_comments *comments, struct ink_arena *arena,
                       const Google__Protobuf__FileDescriptorProto *file)
{
    *comments = (struct ink_comments){.arena = arena};
    const Google__Protobuf__SourceCodeInfo *info = file->source_code_info;
    if (info == NULL)
        return;
    comments->sorted = ink_arena_calloc(arena, info->n_location, sizeof(LOCATION *));
    for (size_t i = 0; i < info->n_location; i++)
        if (comment_of(info->location[i])[0] != '\0')
            comments->sorted[comments->count++] = info->location[i];
    if (comments->count != 0)
        qsort(comments->sorted, comments->count, sizeof(LOCATION *), compare_locations);
}

/* Drops one blank at the start of each line and all white space at the end. */
static const char *trimmed(struct ink_arena *arena, const char *text)
{
    char *out = ink_arena_alloc(arena, strlen(text) + 1), *to = out;
    for (const char *from = text; *from != '\0'; from++) {
        bool line_start = from == text || from[-1] == '\n';
        if (!line_start || *from != ' ')
            *to++ = *from;
    }
    while (to > out && (to[-1] == '\n' || to[-1] == ' '))
        to--;
    *to = '\0';
    return out;
}

const char *ink_comments_find(const struct ink_comments *comments, const int32_t *path,
                              size_t depth)
{
    size_t low = 0, high = comments->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const LOCATION *at = comments->sorted[middle];
        int order = compare_paths(path, depth, at->path, at->n_path);
        if (order == 0)
            return trimmed(comments->arena, comment_of(at));
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return "";
}
