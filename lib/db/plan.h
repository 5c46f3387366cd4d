/*
 * Which migrations are to be applied: a pure comparison of what the program carries with what the
 * database says was applied. Inside lib/db only.
 */
#pragma once

#include <stddef.h>

#include "lib/base/status.h"
#include "lib/db/migration.h"

/* A row of schema_migrations. */
struct ink_db_applied {
    int number;
    const char *name;
    const char *sha256;
};

/* *ret_first is the index of the first migration to apply; migrations.count when there is none.
 * `applied` is sorted by number. FAILED_PRECONDITION as told in migrate.h. */
struct ink_status ink_db_plan(struct ink_arena *arena, const struct ink_db_migrations *migrations,
                              const struct ink_db_applied *applied, size_t applied_count,
                              size_t *ret_first) INK_MUST_CHECK;
