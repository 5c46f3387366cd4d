/*
 * What the tests of public keys, and of two keys at once, share: a key of each kind and who
 * verifies by it, tokens forged with them, and what is expected of a token. A group of tests begins
 * with pairs_set_up(), and all texts live in its arena.
 */
#pragma once

#include <openssl/evp.h>

#include "lib/auth/auth.h"
#include "tests/support/arena_case.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define OTHER_SECRET "fedcba9876543210fedcba9876543210"
#define USER "0190a5c8-7b1e-7c3d-8f2a-1234567890ab"
#define KID "\",\"kid\":\"" /* between the two */

/* A key and who verifies by it. */
struct pair {
    EVP_PKEY *key;
    struct ink_auth *auth; /* issues by it, too */
    const char *alg, *kid, *public_file, *private_file;
};

enum { PAIRS = 2 };
extern struct pair rsa, ec, *const pairs[PAIRS];

int pairs_set_up(void **state);
int pairs_tear_down(void **state);

/* Fails the test when the options are not good; to be freed. */
struct ink_auth *auth_of(const struct ink_auth_options options);

/* The text of a member of a JSON object: good enough for what we make ourselves. */
const char *member(const char *json, const char *name);

/* A user's token, well made. */
const char *issue(const struct ink_auth *auth);
/* Its header, decoded. */
const char *part_of(const char *token);

void accepts(const struct ink_auth *auth, const char *token, enum ink_caller_kind kind,
             const char *id);
/* `cause` says which check it was, so that no case passes for another's reason; NULL: any. */
void refuses(const struct ink_auth *auth, const char *token, const char *cause);

const char *claims_of(const char *typ, const char *sub);
/* With a user's claims, not yet signed. */
const char *unsigned_with(const char *header);
/* {"alg":"...","kid":"...", and `more` } */
const char *header_of(const struct pair *pair, const char *more);
const char *signed_by(const struct pair *pair, const char *header);
