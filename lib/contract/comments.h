/*
 * The comments of one .proto file by descriptor path (SourceCodeInfo in descriptor.proto).
 */
#pragma once

#include "google/protobuf/descriptor.pb-c.h"
#include "lib/base/arena.h"

struct ink_comments {
    struct ink_arena *arena;
    const Google__Protobuf__SourceCodeInfo__Location **sorted;
    size_t count;
};

/* Indexes the comments of `file`, which must stay; memory comes from `arena`. */
void ink_comments_init(struct ink_comments *comments, struct ink_arena *arena,
                       const Google__Protobuf__FileDescriptorProto *file);
/* The leading (or else the trailing) comment of what is at `path`, each line trimmed of the blank
 * that follows the slashes; "" when there is none. Lives in the arena. */
const char *ink_comments_find(const struct ink_comments *comments, const int32_t *path,
                              size_t depth);
