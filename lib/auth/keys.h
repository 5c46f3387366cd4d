/*
 * The keys of a program: those that it accepts, and the one that it signs with, from its settings.
 * Private to lib/auth.
 */
#pragma once

#include "lib/auth/auth.h"
#include "lib/auth/key.h"

struct ink_keys {
    struct ink_key *accepted;      /* all of them */
    const struct ink_key *signing; /* one of those; NULL where nothing is issued */
    char *private_pem;             /* its private half, for libjwt; NULL of a secret */
    /* For tokens without kid: the secret itself, as tokens were before they had one, or with public
     * keys NULL. */
    const struct ink_key *nameless;
};

/* Errors as for ink_auth_new(). */
struct ink_status ink_keys_init(struct ink_keys *keys, const struct ink_auth_options *options,
                                struct ink_arena *arena) INK_MUST_CHECK;
/* Wipes what is secret. */
void ink_keys_release(struct ink_keys *keys);

/* Whether a key may sign tokens of users (`service` is NULL) or of a service. A secret may sign
 * all: every program has it. */
bool ink_keys_may_sign(const struct ink_key *key, const char *service) INK_MUST_CHECK;

/* The setting that names the key for that. */
const char *ink_keys_signing_setting(const char *service) INK_MUST_CHECK;

/* The key of this id, or NULL. */
const struct ink_key *ink_keys_find(const struct ink_keys *keys, const char *id) INK_MUST_CHECK;
