/*
 * TLS between programs: whose certificates are shown and trusted. Used by server.h and client.h.
 */
#pragma once

/* PEM files, read once when the server or client is made. */
struct ink_rpc_tls {
    const char *ca_file;     /* who may sign the other side; required for clients */
    const char *cert_file;   /* our own certificate chain, or NULL (clients without mutual TLS) */
    const char *key_file;    /* its key */
    const char *server_name; /* clients: the name to expect, when it is not the target's; or NULL */
};
/* A server with a ca_file demands and verifies client certificates (mutual TLS). */
