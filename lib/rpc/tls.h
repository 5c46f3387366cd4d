/*
 * TLS between programs: whose certificates are shown and trusted. Used by server.h and client.h.
 */
#pragma once

/*
 * PEM files, read when the server or client is made and when it is told to reload.
 *
 * A server with a ca_file demands and verifies client certificates (mutual TLS). With `clients` it
 * serves those only whose certificate has one of these names, as a DNS name or a URI among its
 * subject alternative names; any other's calls are PERMISSION_DENIED, those of health and
 * reflection, too (so that to client.h, which watches the health, the server is UNAVAILABLE). A
 * client verifies that the server's certificate has the name it expects.
 */
struct ink_rpc_tls {
    const char *ca_file;     /* who may sign the other side; required for clients */
    const char *cert_file;   /* our own certificate chain, or NULL (clients without mutual TLS) */
    const char *key_file;    /* its key */
    const char *clients;     /* servers: names, separated by commas; NULL or "*": any */
    const char *server_name; /* clients: the name to expect, when it is not the target's; or NULL */
};
