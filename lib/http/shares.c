#include "lib/http/shares.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/random.h"

#define CHAINS 1024 /* a power of two */
#define BARS 1024

struct share {
    struct ink_ip ip;
    unsigned connections;
    size_t bytes[INK_HTTP_MEMORIES];
    bool spared;
    struct share *next;
};

/* Who does not get what; the address and the text are a hash. */
struct bar {
    uint64_t key;
    int64_t until;
};

struct ink_http_shares {
    unsigned most_connections; /* of one address; 0 for no limit */
    struct ink_http_memory_limits limits[INK_HTTP_MEMORIES];
    uint64_t seed;            /* so that nobody can choose addresses of one chain */
    _Atomic int64_t bars_end; /* nobody is barred from then on */

    pthread_mutex_t lock; /* guards all below */
    size_t bytes[INK_HTTP_MEMORIES];
    unsigned long refused;
    struct share *chains[CHAINS];
    struct bar bars[BARS];
};

struct ink_http_shares *
ink_http_shares_new(unsigned connections,
                    const struct ink_http_memory_limits limits[INK_HTTP_MEMORIES])
{
    struct ink_http_shares *shares = ink_calloc(1, sizeof(*shares));
    shares->most_connections = connections;
    memcpy(shares->limits, limits, sizeof(shares->limits));
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

static uint64_t hash_of(const struct ink_http_shares *shares, const struct ink_ip *client)
{
    uint64_t halves[2];
    memcpy(halves, client->bytes, sizeof(halves));
    return mix(mix(halves[0] ^ shares->seed, shares->seed | 1) ^ halves[1], ~shares->seed | 1);
}

/* The place that points to the share of an address, or to NULL where it would be. */
static struct share **find(struct ink_http_shares *shares, const struct ink_ip *client)
{
    struct share **at = &shares->chains[hash_of(shares, client) % CHAINS];
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

/* One thing is always possible: who has nothing yet, while nobody has anything. */
static bool fits(size_t used, size_t bytes, size_t limit)
{
    return used == 0 || (used < limit && bytes <= limit - used);
}

static bool take(struct ink_http_shares *shares, enum ink_http_memory memory, struct share *share,
                 size_t bytes)
{
    const struct ink_http_memory_limits *limits = &shares->limits[memory];
    if (!fits(shares->bytes[memory], bytes, limits->all))
        return false;
    if (share == NULL)
        return true;
    if (!share->spared && !fits(share->bytes[memory], bytes, limits->each))
        return false;
    share->bytes[memory] += bytes;
    return true;
}

bool ink_http_shares_take(struct ink_http_shares *shares, enum ink_http_memory memory,
                          const struct ink_ip *ip, size_t bytes)
{
    struct ink_ip client = ink_ip_client(ip);
    pthread_mutex_lock(&shares->lock);
    bool taken = take(shares, memory, *find(shares, &client), bytes);
    if (taken)
        shares->bytes[memory] += bytes;
    pthread_mutex_unlock(&shares->lock);
    return taken;
}

void ink_http_shares_give_back(struct ink_http_shares *shares, enum ink_http_memory memory,
                               const struct ink_ip *ip, size_t bytes)
{
    struct ink_ip client = ink_ip_client(ip);
    pthread_mutex_lock(&shares->lock);
    struct share *share = *find(shares, &client);
    shares->bytes[memory] -= bytes;
    if (share != NULL)
        share->bytes[memory] -= bytes;
    pthread_mutex_unlock(&shares->lock);
}

static uint64_t bar_key(const struct ink_http_shares *shares, const struct ink_ip *ip,
                        const char *what)
{
    struct ink_ip client = ink_ip_client(ip);
    uint64_t key = hash_of(shares, &client);
    for (; *what != '\0'; what++)
        key = mix(key ^ (unsigned char)*what, shares->seed | 1);
    return key;
}

void ink_http_shares_bar(struct ink_http_shares *shares, const struct ink_ip *ip, const char *what,
                         int64_t until)
{
    uint64_t key = bar_key(shares, ip, what);
    pthread_mutex_lock(&shares->lock);
    shares->bars[key % BARS] = (struct bar){key, until};
    /* Twice as far off: who tries again is looked for in that time. */
    int64_t end = until + (until - ink_now());
    if (end > atomic_load(&shares->bars_end))
        atomic_store(&shares->bars_end, end);
    pthread_mutex_unlock(&shares->lock);
}

bool ink_http_shares_barred(struct ink_http_shares *shares, const struct ink_ip *ip,
                            const char *what, int64_t now, int64_t again)
{
    if (now >= atomic_load(&shares->bars_end))
        return false;
    uint64_t key = bar_key(shares, ip, what);
    pthread_mutex_lock(&shares->lock);
    struct bar *bar = &shares->bars[key % BARS];
    bool barred = bar->key == key && now < bar->until;
    if (bar->key == key && !barred)
        bar->until = again;
    pthread_mutex_unlock(&shares->lock);
    return barred;
}

void ink_http_shares_unbar(struct ink_http_shares *shares, const struct ink_ip *ip,
                           const char *what, int64_t now)
{
    if (now >= atomic_load(&shares->bars_end))
        return;
    uint64_t key = bar_key(shares, ip, what);
    pthread_mutex_lock(&shares->lock);
    if (shares->bars[key % BARS].key == key)
        shares->bars[key % BARS] = (struct bar){0};
    pthread_mutex_unlock(&shares->lock);
}

size_t ink_http_shares_bytes(struct ink_http_shares *shares, enum ink_http_memory memory)
{
    pthread_mutex_lock(&shares->lock);
    size_t bytes = shares->bytes[memory];
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
