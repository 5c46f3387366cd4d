/*
 * Certificates and keys from PEM files, checked as a whole before anything uses them, so that a
 * file that is half written, or of the wrong kind, is refused with its name and nothing else
 * changes. lib/http and lib/rpc read with it when they start, and again when they are asked to take
 * what the files hold by then.
 *
 * No state; all functions are thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/macros.h"
#include "lib/base/status.h"

/* Each may be NULL; a certificate and its key go together. */
struct ink_tls_files {
    const char *ca_file;   /* certificates to trust */
    const char *cert_file; /* our own, followed by those that link it to what others trust */
    const char *key_file;  /* its key, not encrypted */
};

#define INK_TLS_DIGEST_SIZE 32

/* What the files hold. The texts are NULL for files that were not named. */
struct ink_tls_pems {
    const char *ca, *cert, *key;
    int64_t expires;                     /* seconds since 1970: when the certificate does, or 0 */
    uint8_t digest[INK_TLS_DIGEST_SIZE]; /* SHA-256 of all of it: whether anything changed */
};

/* Reads and checks: each file is PEM; the key is the certificate's and neither is too weak; the
 * certificate has not expired. Otherwise INVALID_ARGUMENT with a message that names the file, and
 * *ret untouched. The texts live in `arena`. */
struct ink_status ink_tls_read(const struct ink_tls_files *files, struct ink_arena *arena,
                               struct ink_tls_pems *ret) INK_MUST_CHECK;

/* How a certificate in use stands, after it was looked for new ones. */
struct ink_tls_state {
    bool used;       /* TLS is; otherwise the rest says nothing */
    bool changed;    /* there were new ones, and they are used from now on */
    int64_t expires; /* seconds since 1970; 0 without a certificate of our own */
};
