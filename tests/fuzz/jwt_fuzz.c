/* lib/auth/auth.h: nobody without the key gets in, whatever the header looks like; and with the key
 * (another program of the mesh gone wrong, say) only with every claim as it should be. The first
 * byte chooses: any Authorization header; a JOSE header and claims that are signed with our key; or
 * a good token with some bytes of it changed. */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "lib/auth/auth.h"
#include "lib/base/buf.h"
#include "lib/base/text.h"
#include "lib/base/uuid.h"
#include "lib/transcode/json_reader.h"
#include "tests/fuzz/fuzz.h"

#define SECRET "of thirty-two bytes or some more"
#define USER "0190a5c8-7b1e-7c3d-8f2a-1234567890ab"

static struct ink_auth *auth;

static void set_up(void)
{
    static struct ink_arena arena;
    ink_arena_init(&arena);
    CHECK(ink_is_ok(ink_auth_new(&(struct ink_auth_options){.secret = SECRET}, &arena, &auth)));
}

/* What a refusal always is; true when it was none. */
static bool verify(struct ink_arena *arena, const char *authorization, struct ink_caller *caller)
{
    const struct ink_caller untouched = {.id = "untouched", .until = 77};
    *caller = untouched;
    struct ink_status status = ink_auth_verify(auth, arena, authorization, caller);
    if (ink_is_ok(status))
        return true;
    CHECK(status.code == INK_UNAUTHENTICATED && status.message != NULL && status.reason != NULL);
    CHECK(strcmp(status.reason, INK_AUTH_TOKEN_MISSING) == 0 ||
          strcmp(status.reason, INK_AUTH_TOKEN_EXPIRED) == 0 ||
          strcmp(status.reason, INK_AUTH_TOKEN_INVALID) == 0);
    CHECK(memcmp(caller, &untouched, sizeof(untouched)) == 0);
    return false;
}

static void any_header(struct ink_arena *arena, struct fuzz_input *input)
{
    size_t size;
    struct ink_caller caller;
    CHECK(!verify(arena, fuzz_rest(input, arena, &size), &caller));
}

/* Signed */

static char *sign(struct ink_arena *arena, const char *header, const char *claims, size_t size)
{
    unsigned char mac[32];
    unsigned mac_size = sizeof(mac);
    struct ink_buf out = INK_BUF_INIT;
    ink_buf_base64url(&out, header, strlen(header));
    ink_buf_putc(&out, '.');
    ink_buf_base64url(&out, claims, size);
    HMAC(EVP_sha256(), SECRET, strlen(SECRET), (const unsigned char *)out.data, out.len, mac,
         &mac_size);
    ink_buf_putc(&out, '.');
    ink_buf_base64url(&out, mac, sizeof(mac));
    char *token = ink_arena_printf(arena, "bearer %s", out.data);
    ink_buf_release(&out);
    return token;
}

/* The text of an object's member, if that is a string. Of several the last counts, as RFC 7519,
 * section 4, allows. */
static const char *member(struct ink_arena *arena, const char *json, size_t size, const char *name)
{
    struct ink_json_reader reader;
    struct ink_json_text text;
    const char *found = NULL;
    ink_json_reader_init(&reader, arena, json, size);
    CHECK(ink_json_enter_object(&reader));
    while (ink_json_next_name(&reader, &text)) {
        bool wanted = text.size == strlen(name) && memcmp(text.data, name, text.size) == 0;
        if (wanted)
            found = NULL;
        if (wanted && ink_json_peek(&reader) == INK_JSON_STRING) {
            CHECK(ink_json_string(&reader, &text));
            found = ink_json_text_keep(&reader, text);
        } else {
            CHECK(ink_json_skip(&reader));
        }
    }
    return found;
}

static bool is(const char *text, const char *wanted)
{
    return text != NULL && strcmp(text, wanted) == 0;
}

static void signed_claims(struct ink_arena *arena, struct fuzz_input *input)
{
    size_t size;
    struct ink_caller caller;
    char *header = fuzz_line(input, arena), *claims = fuzz_rest(input, arena, &size);
    if (!verify(arena, sign(arena, header, claims, size), &caller))
        return;
    CHECK(is(member(arena, header, strlen(header), "alg"), "HS256"));
    CHECK(is(member(arena, claims, size, "iss"), "inkmesh"));
    CHECK(is(member(arena, claims, size, "aud"), "inkmesh"));
    CHECK(caller.until > ink_now());
    const char *typ = member(arena, claims, size, "typ"), *sub = member(arena, claims, size, "sub");
    char id[INK_UUID_SIZE];
    if (caller.kind == INK_CALLER_SERVICE) {
        CHECK(is(typ, "service") && is(sub, caller.id));
        return;
    }
    CHECK(caller.kind == INK_CALLER_USER && is(typ, "access"));
    CHECK(is(member(arena, claims, size, "id"), sub));
    CHECK(ink_uuid_normalize(sub, id) && is(id, caller.id));
}

/* Changed */

static void changed(struct ink_arena *arena, struct fuzz_input *input)
{
    const char *token;
    struct ink_caller caller;
    CHECK(ink_is_ok(ink_auth_issue_user(auth, arena, USER, &token)));
    char *header = ink_arena_printf(arena, "Bearer %s", token);
    char *good = ink_arena_strdup(arena, header);
    CHECK(verify(arena, header, &caller) && is(caller.id, USER));
    while (input->size >= 3) {
        size_t at = fuzz_byte(input) * 256u;
        at = (at + fuzz_byte(input)) % strlen(token);
        header[7 + at] = (char)fuzz_byte(input);
    }
    if (strcmp(header, good) == 0 || header[7] == ' ')
        return; /* nothing changed */
    CHECK(!verify(arena, header, &caller));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {(const char *)data, size};
    struct ink_arena arena;
    if (auth == NULL)
        set_up();
    ink_arena_init(&arena);
    switch (fuzz_byte(&input) % 3) {
    case 0:
        any_header(&arena, &input);
        break;
    case 1:
        signed_claims(&arena, &input);
        break;
    default:
        changed(&arena, &input);
    }
    ink_arena_release(&arena);
    return 0;
}
