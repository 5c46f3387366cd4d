/*
 * The certificates that a program has in use: when they expire is told in /metrics, and new ones
 * are taken over when their files were changed. What uses a certificate (an HTTP server, a gRPC
 * server or client) knows how to do that; this file asks them all and logs what came of it.
 *
 * All of it belongs to the main thread.
 */
#pragma once

#include "lib/metrics/metrics.h"
#include "lib/tls/tls.h"

struct ink_mesh_certificates;

/* Looks for new ones, takes them over, and tells how it stands; on failure nothing has changed. */
typedef struct ink_status ink_mesh_reload_fn(void *self, struct ink_arena *arena,
                                             struct ink_tls_state *ret_state);

struct ink_mesh_certificates *ink_mesh_certificates_new(struct ink_metrics *metrics) INK_MUST_CHECK;
/* Accepts NULL. */
void ink_mesh_certificates_free(struct ink_mesh_certificates *certificates);
/* Adds a use, by a name for the log and the metric: "http", "grpc", "user". At most 8; what uses
 * no TLS may be added and is left out. */
void ink_mesh_certificates_add(struct ink_mesh_certificates *certificates, const char *name,
                               ink_mesh_reload_fn *reload, void *self);
/* Looks once. `asked` is whether somebody wants to hear that nothing has changed. */
void ink_mesh_certificates_look(struct ink_mesh_certificates *certificates, bool asked);
/* Whether there are any. */
bool ink_mesh_certificates_any(const struct ink_mesh_certificates *certificates);
