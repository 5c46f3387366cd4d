/*
 * What store.c and list.c share.
 */
#pragma once

#include "services/blog/store.h"

/* The columns that struct blog_row is read from, and how many they are. */
#define BLOG_COLUMNS "id, title, content, author_id, created_at, updated_at, version"
#define BLOG_COLUMN_COUNT 7

void blog_store_read(const struct ink_ctx *ctx, const struct ink_db_rows *rows, size_t row,
                     struct blog_row *blog);
