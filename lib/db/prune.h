/*
 * Keeps a table from growing for ever: a thread that now and then deletes rows that are past their
 * time, some at a time, so that no statement takes long. It begins 5 s after the start and goes on
 * every hour, or every second while there is more. Replicas may do this side by side. What fails is
 * tried again 5 s later.
 */
#pragma once

#include "lib/db/db.h"

struct ink_db_pruner;

struct ink_db_prune_settings {
    struct ink_db *db; /* must outlive the pruner */
    /* Deletes rows that are older than $1 seconds, but $2 at most. */
    const struct ink_db_statement *statement;
    int64_t age_s;
    int64_t at_once;
};

/* Starts the thread. The settings are copied. */
struct ink_db_pruner *
ink_db_pruner_new(const struct ink_db_prune_settings *settings) INK_MUST_CHECK;
/* Ends it after the statement at hand. NULL is fine. */
void ink_db_pruner_free(struct ink_db_pruner *pruner);
