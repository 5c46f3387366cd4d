/* lib/auth/seal.h, as listings seal their page tokens: a token opens where it was made, and nowhere
 * else; nothing that we did not make opens. Lines: purpose, context, another context, a text; then
 * a token from a stranger. */
#include <string.h>

#include "lib/auth/seal.h"
#include "tests/fuzz/fuzz.h"

#define SECRET "of thirty-two bytes or some more"
#define ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

/* A token of ours, with one character of it changed, left out or added. */
static void check_forgeries(const struct ink_seal *seal, struct ink_arena *arena,
                            const char *context, const char *token, unsigned at)
{
    size_t size = strlen(token);
    at %= size;
    char *other = ink_arena_strdup(arena, token);
    for (const char *c = ALPHABET; *c != '\0'; c++) {
        other[at] = *c;
        CHECK(*c == token[at] || ink_seal_open(seal, arena, context, other) == NULL);
    }
    CHECK(ink_seal_open(seal, arena, context, ink_arena_strndup(arena, token, at)) == NULL);
    CHECK(ink_seal_open(seal, arena, context, token + 1) == NULL);
    for (const char *more = "A=\n "; *more != '\0'; more++)
        CHECK(ink_seal_open(seal, arena, context, ink_arena_printf(arena, "%s%c", token, *more)) ==
              NULL);
}

static void check_ours(const struct ink_seal *seal, struct ink_arena *arena, const char *context,
                       const char *other, const char *text)
{
    const char *token = ink_seal_close(seal, arena, context, text);
    const char *opened = ink_seal_open(seal, arena, context, token);
    CHECK(strspn(token, ALPHABET) == strlen(token));
    CHECK(opened != NULL && strcmp(opened, text) == 0);
    opened = ink_seal_open(seal, arena, other, token);
    CHECK((opened != NULL) == (strcmp(context, other) == 0));
    check_forgeries(seal, arena, context, token, (unsigned)strlen(other));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {(const char *)data, size};
    struct ink_arena arena;
    struct ink_seal seal, foreign;
    ink_arena_init(&arena);
    const char *purpose = fuzz_line(&input, &arena), *context = fuzz_line(&input, &arena);
    const char *other = fuzz_line(&input, &arena), *text = fuzz_line(&input, &arena);
    ink_seal_init(&seal, SECRET, purpose);
    ink_seal_init(&foreign, SECRET, ink_arena_printf(&arena, "%s.", purpose));
    check_ours(&seal, &arena, context, other, text);
    CHECK(ink_seal_open(&foreign, &arena, context, ink_seal_close(&seal, &arena, context, text)) ==
          NULL);
    CHECK(ink_seal_open(&seal, &arena, context, fuzz_rest(&input, &arena, &size)) == NULL);
    ink_seal_release(&seal);
    ink_seal_release(&foreign);
    ink_arena_release(&arena);
    return 0;
}
