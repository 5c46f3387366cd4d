/*
 * The table that bazel/sql_migrations.bzl makes of numbered SQL files. Constant data; see
 * lib/db/migrate.h.
 */
#pragma once

#include <stddef.h>

struct ink_db_migration {
    int number;         /* from 1, without gaps */
    const char *name;   /* the file's name: "0001_users.sql" */
    const char *sha256; /* of its content, in lower-case hexadecimal */
    const char *sql;
};

struct ink_db_migrations {
    const struct ink_db_migration *items;
    size_t count;
};
