/*
 * Schema migrations: numbered SQL files (0001_users.sql, 0002_...) that Bazel embeds into a program
 * (bazel/sql_migrations.bzl) and that the program applies at its start.
 *
 *     sql_migrations(name = "user_migrations", srcs = ["migrations/0001_users.sql", ...])  # BUILD
 *     #include "services/user/user_migrations.h"                                           // C
 *     struct ink_db_settings settings = {.migrations = &user_migrations, ...};
 *     ...
 *     status = ink_db_prepare(db, ctx, &applied);      // until it works, then now and then
 *
 * Each file runs in a transaction of its own together with its row in schema_migrations, so it is
 * applied wholly or not at all; it must not contain BEGIN, COMMIT or what PostgreSQL refuses inside
 * a transaction. An advisory lock lets several replicas start at once: one applies, the others wait
 * and find it done.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/ctx.h"
#include "lib/base/macros.h"
#include "lib/base/status.h"
#include "lib/db/migration.h"

struct ink_db;

/* Applies what is missing, in order, over a connection of its own (the pool's size does not count
 * it). *ret_applied, which may be NULL, is how many files were applied now.
 *   FAILED_PRECONDITION  an applied file was changed or renamed (the message names it), or the
 *                        table of migrations has gaps: nothing but an operator can help
 *   INTERNAL             a file's SQL failed; the message names the file, `cause` says why
 *   UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED
 *                        as in db.h: try again later
 *
 * Rows above the program's own last number are fine: a newer release was here, and its migrations
 * are expected to leave older programs working. */
struct ink_status ink_db_migrate(struct ink_db *db, const struct ink_ctx *ctx,
                                 const struct ink_db_migrations *migrations,
                                 size_t *ret_applied) INK_MUST_CHECK;

/* For readiness: applies the migrations that the pool was made with; once that has worked, asks the
 * server for an answer. Statements are let through from then on. */
struct ink_status ink_db_prepare(struct ink_db *db, const struct ink_ctx *ctx,
                                 size_t *ret_applied) INK_MUST_CHECK;
/* Whether it has worked. */
bool ink_db_prepared(const struct ink_db *db);
