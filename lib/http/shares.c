#include "lib/http/shares.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/random.h"

#define CHAINS 1024 /* a power of two */

struct share {
    struct ink_ip ip;
    unsigned connections;
    size_t bytes;
    bool spared;
    struct share *next;
};

struct ink_http_shares {
    unsigned most_connections; /* of one address; 0 for no limit */
    size_t most_bytes;
    size_t most_bytes_each;
    uint64_t seed; /* so that nobody can choose addresses of one chain */

    pthread_mutex_t lock; /* guards all below */
    size_t bytes;
    unsigned long refused;
    struct share *chains[CHAINS];
};

struct ink_http_shares *ink_http_shares_new(unsigned connections, size_t bytes, size_t bytes_each)
{
    struct ink_http_shares *shares = ink_calloc(1, sizeof(*shares));
    shares->most_connections = connections;
    shares->most_bytes = bytes;
    shares->most_bytes_each = bytes_each;
    ink_random(&shares->seed, sizeof(shares->seed));
    pthread_mutex_init(&shares->lock, NULL);
    return shares;
}

void ink_http_shares_free(struct ink_http_shares *shares)
{
    if (shares == NULL)
        return;
    for (size_t i = 0; i < CHAINS; i++) {
        for (struct share *share; (share = shares->chains[i]) != NULL;) {
            shares->chains[i] = share->next;
            free(share);
        }
    }
    pthread_mutex_destroy(&shares->lock);
    free(shares);
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The place that points to the share of an address, or to NULL where it would be. */
static struct share **find(struct ink_http_shares *shares, const struct ink_ip *client)
{
    uint64_t halves[2];
    memcpy(halves, client->bytes, sizeof(halves));
    uint64_t hash =
        mix(mix(halves[0] ^ shares->seed, shares->seed | 1) ^ halves[1], ~shares->seed | 1);
    struct share **at = &shares->chains[hash % CHAINS];
    while (*at != NULL && !ink_ip_equal(&(*at)->ip, client))
        at = &(*at)->next;
    return at;
}

static bool enter(struct ink_http_shares *shares, const struct ink_ip *client, bool spared)
{
    struct share **at = find(shares, client);
    if (*at == NULL) {
        *at = ink_calloc(1, sizeof(**at));
        (*at)->ip = *client;
        (*at)->spared = spared;
    }
    if (!spared && shares->most_connections != 0 &&
        (*at)->connections >= shares->most_connections) {
        shares->refused++;
        return false;
    }
    (*at)->connections++;
    return true;
}

bool ink_http_shares_enter(struct ink_http_shares *shares, const struct ink_ip *ip, bool spared)
{
    struct ink_ip client = ink_ip_client(ip);
    pthread_mutex_lock(&shares->lock);
    bool entered = enter(shares, &client, spared);
    pthread_mutex_unlock(&shares->lock);
    return entered;
}

void ink_http_shares_leave(struct ink_http_shares *shares, const struct ink_ip *ip)
{
    struct ink_ip client = ink_ip_client(ip);
    pthread_mutex_lock(&shares->lock);
    struct share **at = find(shares, &client), *share = *at;
    if (share != NULL && --share->connections == 0) {
        *at = share->next;
        free(share);
    }
    pthread_mutex_unlock(&shares->lock);
}

static bool take(struct ink_http_shares *shares, struct share *share, size_t bytes)
{
    if (bytes > shares->most_bytes - shares->bytes)
        return false;
    if (share == NULL)
        return true;
    if (!share->spared && share->bytes + bytes > shares->most_bytes_each)
        return false;
    share->bytes += bytes;
    return true;
}

bool ink_http_shares_take(struct ink_http_shares *shares, const struct ink_ip *ip, size_t bytes)
{
    struct ink_ip client = ink_ip_client(ip);
    pthread_mutex_lock(&shares->lock);
    bool taken = take(shares, *find(shares, &client), bytes);
    if (taken)
        shares->bytes += bytes;
    pthread_mutex_unlock(&shares->lock);
    return taken;
}

void ink_http_shares_give_back(struct ink_http_shares *shares, const struct ink_ip *ip,
                               size_t bytes)
{
    struct ink_ip client = ink_ip_client(ip);
    pthread_mutex_lock(&shares->lock);
    struct share *share = *find(shares, &client);
    shares->bytes -= bytes;
    if (share != NULL)
        share->bytes -= bytes;
    pthread_mutex_unlock(&shares->lock);
}

size_t ink_http_shares_bytes(struct ink_http_shares *shares)
{
    pthread_mutex_lock(&shares->lock);
    size_t bytes = shares->bytes;
    pthread_mutex_unlock(&shares->lock);
    return bytes;
}

unsigned long ink_http_shares_refused(struct ink_http_shares *shares)
{
    pthread_mutex_lock(&shares->lock);
    unsigned long refused = shares->refused;
    pthread_mutex_unlock(&shares->lock);
    return refused;
}
