#include "tests/support/fixture.h"

#include <pthread.h>
#include <stdlib.h>

#include "lib/base/alloc.h"

struct scratch {
    struct ink_arena arena;
    struct ink_ctx ctx;
};

static pthread_key_t scratch_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void free_scratch(void *arg)
{
    struct scratch *scratch = arg;
    ink_arena_release(&scratch->arena);
    free(scratch);
}

static void make_key(void)
{
    pthread_key_create(&scratch_key, free_scratch);
}

struct ink_ctx *fixture_ctx(int64_t ms)
{
    pthread_once(&once, make_key);
    struct scratch *scratch = pthread_getspecific(scratch_key);
    if (scratch == NULL) {
        scratch = ink_calloc(1, sizeof(*scratch));
        pthread_setspecific(scratch_key, scratch);
    }
    ink_arena_release(&scratch->arena);
    ink_arena_init(&scratch->arena);
    scratch->ctx = ink_ctx_background(&scratch->arena);
    scratch->ctx.deadline = ink_now() + ms * INK_MILLISECOND;
    ink_trace_start(&scratch->ctx.trace);
    return &scratch->ctx;
}

void fixture_expect(struct ink_status status, enum ink_code code)
{
    if (status.code != code)
        fail_msg("%s instead of %s: %s (%s)", ink_code_name(status.code), ink_code_name(code),
                 status.message != NULL ? status.message : "",
                 status.cause != NULL ? status.cause : "");
}

int64_t fixture_elapsed_ms(int64_t start)
{
    return (ink_now() - start) / INK_MILLISECOND;
}
