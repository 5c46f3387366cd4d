#include "lib/cache/marks.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/cache/entry.h"
#include "lib/cache/sweep.h"
#include "lib/cache/teller.h"

/* The words of one request for some marks; the first two are the command and the script. */
struct words {
    char count[24], ttl[24], random[INK_ENTRY_RANDOM + 1];
    char heads[INK_MARKS_AT_ONCE][INK_ENTRY_HEAD + 1];
    int argc;
    const char *argv[5 + 2 * INK_MARKS_AT_ONCE];
    size_t sizes[5 + 2 * INK_MARKS_AT_ONCE];
};

static void add_word(struct words *words, const char *word)
{
    words->sizes[words->argc] = strlen(word);
    words->argv[words->argc++] = word;
}

static void make_words(struct words *words, const char *script, const struct ink_cache_mark *marks,
                       size_t count)
{
    snprintf(words->count, sizeof(words->count), "%zu", count);
    snprintf(words->ttl, sizeof(words->ttl), "%" PRId64, INK_CACHE_MARK_TTL_MS);
    ink_entry_random(words->random);
    words->argc = 0;
    add_word(words, "EVAL");
    add_word(words, script);
    add_word(words, words->count);
    for (size_t i = 0; i < count; i++)
        add_word(words, marks[i].key);
    add_word(words, words->ttl);
    add_word(words, words->random);
    for (size_t i = 0; i < count; i++) {
        ink_entry_head(marks[i].version, false, words->heads[i]);
        add_word(words, words->heads[i]);
    }
}

bool ink_marks_send(struct ink_cache_conn *conn, const struct ink_cache_mark *marks, size_t count,
                    int64_t deadline)
{
    struct words words;
    make_words(&words, ink_cache_mark_script, marks, count);
    INK_CLEANUP(ink_buf_release) struct ink_buf request = INK_BUF_INIT;
    ink_cache_add_command(&request, words.argc, words.argv, words.sizes);
    return ink_cache_conn_send(conn, &request, deadline);
}

static bool send_and_wait(struct ink_cache_call *call, const struct ink_cache_mark *marks,
                          size_t count)
{
    struct words words;
    make_words(&words, "", marks, count);
    INK_REPLY *reply =
        ink_cache_run_script(call, INK_CACHE_SCRIPT_MARK, words.argc, words.argv, words.sizes);
    return reply != NULL && reply->type == REDIS_REPLY_INTEGER;
}

/* With the lock held. */
static void owe(struct ink_cache *cache, const struct ink_cache_mark *marks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!ink_backlog_add(&cache->backlog, marks[i].key, marks[i].version))
            ink_cache_sweep_again(cache);
    ink_teller_wake(cache->teller);
}

/* With the first change, so that its connection stands when it is needed. */
static void start_teller(struct ink_cache *cache)
{
    pthread_mutex_lock(&cache->lock);
    if (cache->teller == NULL)
        cache->teller = ink_teller_new(cache);
    pthread_mutex_unlock(&cache->lock);
}

/* Not more than INK_MARKS_AT_ONCE. */
static bool tell(struct ink_cache *cache, const struct ink_ctx *ctx,
                 const struct ink_cache_mark *marks, size_t count)
{
    struct ink_ctx patient = ink_ctx_background(ctx->arena);
    struct ink_cache_call call;
    start_teller(cache);
    bool told = ink_cache_call_start(cache, &patient, &call);
    if (told) {
        told = send_and_wait(&call, marks, count);
        ink_cache_call_end(&call, told ? INK_CACHE_ANSWERED : INK_CACHE_FAILED);
    }
    if (!told) {
        pthread_mutex_lock(&cache->lock);
        owe(cache, marks, count);
        pthread_mutex_unlock(&cache->lock);
    }
    for (size_t i = 0; cache->near != NULL && i < count; i++)
        ink_near_drop(cache->near, marks[i].key);
    return told;
}

bool ink_cache_invalidate(struct ink_cache *cache, const struct ink_ctx *ctx, const char *key,
                          int64_t version)
{
    return tell(cache, ctx, &(struct ink_cache_mark){key, version}, 1);
}

void ink_cache_invalidate_all(struct ink_cache *cache, const struct ink_ctx *ctx,
                              const struct ink_cache_mark *marks, size_t count)
{
    while (count > 0) {
        size_t some = count < INK_MARKS_AT_ONCE ? count : INK_MARKS_AT_ONCE;
        (void)tell(cache, ctx, marks, some);
        marks += some;
        count -= some;
    }
}

void ink_cache_doubt(struct ink_cache *cache, const struct ink_ctx *ctx, const char *key)
{
    (void)ink_cache_invalidate(cache, ctx, key, INK_CACHE_DOUBT);
    pthread_mutex_lock(&cache->lock);
    ink_doubts_add(&cache->doubts, key, ink_now());
    pthread_mutex_unlock(&cache->lock);
}
