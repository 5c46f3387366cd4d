/*
 * Files that are part of a program; bazel/embed_files.py writes such a table.
 */
#pragma once

#include <stddef.h>

struct gateway_file {
    const char *name; /* without a folder */
    const char *media_type;
    const char *etag; /* with its quotes, made of the content */
    const char *data;
    size_t size;
};

struct gateway_files {
    const struct gateway_file *list;
    size_t count;
};
