/* Shared by the files that implement auth.h. */
#pragma once

#include "lib/auth/auth.h"
#include "lib/auth/keys.h"
#include "lib/auth/known.h"
#include "lib/base/clock.h"

#define TYP_USER "access"
#define TYP_SERVICE "service"

struct ink_auth {
    struct ink_keys keys;
    struct ink_known_tokens *known;
    char *jwks;
    char etag[INK_KEY_ID_SIZE + 2];
    char *issuer;
    char *audience;
    int64_t access_ttl;
    int64_t service_ttl;
    int64_t leeway;
};

/* Seconds since 1970, as tokens have them. */
static inline int64_t ink_auth_clock(void)
{
    return ink_wall_clock() / 1000000;
}
