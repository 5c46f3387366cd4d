/*
 * Whether a program can do its work: named checks ("postgres", "redis"), asked in turn by a thread
 * of their own and remembered, so that whoever asks for the result (/readyz, grpc.health.v1) waits
 * for nothing and cannot wear out what is checked. Thread-safe, but for ink_mesh_health_add(),
 * which comes before the first round.
 */
#pragma once

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/base/status.h"

/* INK_OK when all is well. The message is shown to whoever asks; the cause is logged. */
typedef struct ink_status ink_mesh_check_fn(void *self, struct ink_arena *arena);

struct ink_mesh_health;

struct ink_mesh_health *ink_mesh_health_new(void) INK_MUST_CHECK;
/* Joins. Accepts NULL. */
void ink_mesh_health_free(struct ink_mesh_health *health);

/* `needed`: without it the program is not ready; else it only works worse. `name` is a constant. */
void ink_mesh_health_add(struct ink_mesh_health *health, const char *name, bool needed,
                         ink_mesh_check_fn *check, void *self);
/* Asks every check; logs those that changed. Returns whether the program is ready. */
bool ink_mesh_health_round(struct ink_mesh_health *health);
/* Starts the thread, which makes a round a second and hands each one's result to `told`. */
typedef void ink_mesh_told_fn(void *self, bool ready);
void ink_mesh_health_start(struct ink_mesh_health *health, ink_mesh_told_fn *told, void *self);
/* From now on not ready, whatever the checks say: the program is stopping. Does not wait. */
void ink_mesh_health_stop(struct ink_mesh_health *health);
/* Stops, and waits for the check that is being asked: none runs when this returns. */
void ink_mesh_health_join(struct ink_mesh_health *health);

/* After the last round; false before the first one. */
bool ink_mesh_health_ready(struct ink_mesh_health *health);
/* {"status":"ready","checks":{"postgres":"ok","redis":"the cache is away"}}; other statuses are
 * "starting", "not ready" and "stopping". Returns whether ready. */
bool ink_mesh_health_write(struct ink_mesh_health *health, struct ink_buf *out);
