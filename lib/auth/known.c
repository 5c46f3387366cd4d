#include "lib/auth/known.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"

#define PLACES 4096 /* half a megabyte when all are taken */
#define LOCKS 64    /* a place's is the one of its number modulo this */

struct ink_known_tokens {
    pthread_mutex_t locks[LOCKS];
    struct ink_known_token places[PLACES];
};

struct ink_known_tokens *ink_known_tokens_new(void)
{
    struct ink_known_tokens *known = ink_calloc(1, sizeof(*known));
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_init(&known->locks[i], NULL);
    return known;
}

void ink_known_tokens_free(struct ink_known_tokens *known)
{
    if (known == NULL)
        return;
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_destroy(&known->locks[i]);
    free(known);
}

static size_t place_of(const uint8_t hash[INK_OPAQUE_HASH_SIZE])
{
    uint64_t number;
    memcpy(&number, hash, sizeof(number));
    return number % PLACES;
}

void ink_known_tokens_add(struct ink_known_tokens *known, const struct ink_known_token *token)
{
    size_t place = place_of(token->hash);
    pthread_mutex_lock(&known->locks[place % LOCKS]);
    known->places[place] = *token;
    pthread_mutex_unlock(&known->locks[place % LOCKS]);
}

bool ink_known_tokens_find(struct ink_known_tokens *known, struct ink_known_token *token)
{
    size_t place = place_of(token->hash);
    pthread_mutex_lock(&known->locks[place % LOCKS]);
    struct ink_known_token kept = known->places[place];
    pthread_mutex_unlock(&known->locks[place % LOCKS]);
    /* An empty place has no id. */
    if (kept.id[0] == '\0' || memcmp(kept.hash, token->hash, sizeof(kept.hash)) != 0)
        return false;
    *token = kept;
    return true;
}
