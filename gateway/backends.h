/*
 * The services behind the gateway: a client for each, and whether they are there. The table in
 * backends.c is all that a new service adds to the gateway.
 */
#pragma once

#include "gateway/edge.h"
#include "gateway/settings.h"
#include "lib/mesh/program.h"

#define GATEWAY_MAX_BACKENDS 8

struct gateway_backends {
    struct gateway_backend list[GATEWAY_MAX_BACKENDS];
    size_t count;
};

/* Makes the clients, and a readiness check for each; logs and exits when one cannot be made. */
void gateway_backends_init(struct gateway_backends *backends, struct ink_program *program,
                           const struct gateway_settings *settings);
/* When the program has run: its checks ask the clients. */
void gateway_backends_release(struct gateway_backends *backends);
