/*
 * The admin port of a program, for Prometheus and orchestrators; not for the public. Plain HTTP:
 * GET /metrics (Prometheus text), /livez (200 while the process answers at all), /readyz (200 or
 * 503 and JSON, see health.h).
 */
#pragma once

#include "lib/base/status.h"
#include "lib/mesh/health.h"
#include "lib/metrics/metrics.h"

struct ink_mesh_admin;

/* Binds and serves. UNAVAILABLE when `address` ("127.0.0.1:9101") cannot be bound. Takes no
 * ownership. */
struct ink_status ink_mesh_admin_new(const char *address, struct ink_metrics *metrics,
                                     struct ink_mesh_health *health, struct ink_arena *arena,
                                     struct ink_mesh_admin **ret_admin) INK_MUST_CHECK;
/* The bound port. */
int ink_mesh_admin_port(const struct ink_mesh_admin *admin);
/* Accepts NULL. */
void ink_mesh_admin_free(struct ink_mesh_admin *admin);
