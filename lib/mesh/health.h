/*
 * Whether a program can do its work: named checks ("postgres", "redis"), asked in turn by one
 * thread and remembered, so that whoever asks for the result (/readyz, grpc.health.v1) waits for
 * nothing and cannot wear out what is checked. Thread-safe, but for ink_mesh_health_add(), which
 * comes before the first round.
 */
#pragma once

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/base/status.h"

/* INK_OK when all is well. The message is shown to whoever asks; the cause is logged. */
typedef struct ink_status ink_mesh_check_fn(void *self, struct ink_arena *arena);

struct ink_mesh_health;

struct ink_mesh_health *ink_mesh_health_new(void) INK_MUST_CHECK;
/* Accepts NULL. */
void ink_mesh_health_free(struct ink_mesh_health *health);

/* `needed`: without it the program is not ready; else it only works worse. `name` is a constant. */
void ink_mesh_health_add(struct ink_mesh_health *health, const char *name, bool needed,
                         ink_mesh_check_fn *check, void *self);
/* Asks every check; logs those that changed. Returns whether the program is ready. */
bool ink_mesh_health_round(struct ink_mesh_health *health);
/* From now on not ready, whatever the checks say: the program is stopping. */
void ink_mesh_health_stop(struct ink_mesh_health *health);

/* After the last round; false before the first one. */
bool ink_mesh_health_ready(struct ink_mesh_health *health);
/* {"status":"ready","checks":{"postgres":"ok","redis":"the cache is away"}}; other statuses are
 * "starting", "not ready" and "stopping". Returns whether ready. */
bool ink_mesh_health_write(struct ink_mesh_health *health, struct ink_buf *out);
