/* lib/auth/auth.h: nobody without the key gets in, whatever the header looks like; and with the key
 * (another program of the mesh gone wrong, say) only with every claim as it should be, and for what
 * the key is for. The first byte chooses: any Authorization header; a JOSE header and claims that
 * are signed with our key; or a good token with some bytes of it changed; the second whose key it
 * is and whether secrets or public keys are accepted. */
#include <openssl/evp.h>
#include <string.h>

#include "lib/auth/auth.h"
#include "lib/base/text.h"
#include "lib/base/uuid.h"
#include "lib/transcode/json_reader.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/auth/forge.h"

#define SECRET "of thirty-two bytes or some more"
#define USER "0190a5c8-7b1e-7c3d-8f2a-1234567890ab"

/* Who signs. SECRET is accepted by `by_secret`, the others by `by_key`: RSA for users, EC for the
 * notification service. */
enum signer { BY_SECRET, BY_RSA, BY_EC, BY_PUBLIC_KEY, SIGNERS };

static struct ink_auth *by_secret, *by_key;
static EVP_PKEY *rsa, *ec;
static const char *public_pem; /* of RSA: everybody has it */

static struct ink_auth *auth_of(struct ink_arena *arena, const struct ink_auth_options options)
{
    struct ink_auth *auth;
    CHECK(ink_is_ok(ink_auth_new(&options, arena, &auth)));
    return auth;
}

static void set_up(void)
{
    static struct ink_arena arena;
    ink_arena_init(&arena);
    rsa = forge_rsa();
    ec = forge_ec();
    public_pem = forge_public_pem(&arena, rsa);
    const char *services = ink_arena_printf(&arena, "notification=%s",
                                            forge_file(&arena, forge_public_pem(&arena, ec)));
    by_secret = auth_of(&arena, (struct ink_auth_options){.secret = SECRET});
    by_key = auth_of(&arena,
                     (struct ink_auth_options){
                         .public_keys_file = forge_file(&arena, public_pem),
                         .service_keys = services,
                         .signing_key_file = forge_file(&arena, forge_private_pem(&arena, rsa))});
}

/* What a refusal always is; true when it was none. */
static bool verify(const struct ink_auth *auth, struct ink_arena *arena, const char *authorization,
                   struct ink_caller *caller)
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
    const struct ink_auth *auth = fuzz_byte(input) % 2 == 0 ? by_secret : by_key;
    CHECK(!verify(auth, arena, fuzz_rest(input, arena, &size), &caller));
}

/* Signed */

static char *sign(struct ink_arena *arena, enum signer signer, const char *text)
{
    switch (signer) {
    case BY_RSA:
        return forge_signed(arena, text, rsa);
    case BY_EC:
        return forge_signed(arena, text, ec);
    case BY_PUBLIC_KEY:
        return forge_hmac(arena, text, public_pem, strlen(public_pem), EVP_sha256());
    default:
        return forge_hmac(arena, text, SECRET, strlen(SECRET), EVP_sha256());
    }
}

static bool is(const char *text, const char *wanted)
{
    return text != NULL && strcmp(text, wanted) == 0;
}

/* The text of an object's member, if that is a string; *ret_there: if there is one of any kind. No
 * two members may have the same name. */
static const char *member(struct ink_arena *arena, const char *json, size_t size, const char *name,
                          bool *ret_there)
{
    struct ink_json_reader reader;
    struct ink_json_text text;
    const char *found = NULL;
    *ret_there = false;
    ink_json_reader_init(&reader, arena, json, size);
    CHECK(ink_json_enter_object(&reader));
    while (ink_json_next_name(&reader, &text)) {
        bool wanted = text.size == strlen(name) && memcmp(text.data, name, text.size) == 0;
        CHECK(!wanted || !*ret_there);
        *ret_there = *ret_there || wanted;
        if (wanted && ink_json_peek(&reader) == INK_JSON_STRING) {
            CHECK(ink_json_string(&reader, &text));
            found = ink_json_text_keep(&reader, text);
        } else {
            CHECK(ink_json_skip(&reader));
        }
    }
    CHECK(ink_json_finish(&reader));
    return found;
}

static const char *text_of(struct ink_arena *arena, const char *json, size_t size, const char *name)
{
    bool there;
    return member(arena, json, size, name, &there);
}

static bool has(struct ink_arena *arena, const char *json, const char *name)
{
    bool there;
    (void)member(arena, json, strlen(json), name, &there);
    return there;
}

static void check_header(struct ink_arena *arena, const char *header, enum signer signer)
{
    static const char *const refused[] = {"crit", "jku", "jwk", "x5u", "x5c", "b64"};
    static const char *const algs[] = {"HS256", "RS256", "ES256"};
    CHECK(is(text_of(arena, header, strlen(header), "alg"), algs[signer]));
    CHECK(signer == BY_SECRET || text_of(arena, header, strlen(header), "kid") != NULL);
    for (size_t i = 0; i < INK_COUNT(refused); i++)
        CHECK(!has(arena, header, refused[i]));
}

static void check_claims(struct ink_arena *arena, const char *claims, size_t size,
                         const struct ink_caller *caller)
{
    const char *typ = text_of(arena, claims, size, "typ"),
               *sub = text_of(arena, claims, size, "sub");
    char id[INK_UUID_SIZE];
    CHECK(is(text_of(arena, claims, size, "iss"), "inkmesh"));
    CHECK(is(text_of(arena, claims, size, "aud"), "inkmesh"));
    CHECK(caller->until > ink_now());
    if (caller->kind == INK_CALLER_SERVICE) {
        CHECK(is(typ, "service") && is(sub, caller->id));
        return;
    }
    CHECK(caller->kind == INK_CALLER_USER && is(typ, "access"));
    CHECK(is(text_of(arena, claims, size, "id"), sub));
    CHECK(ink_uuid_normalize(sub, id) && is(id, caller->id));
}

static void signed_claims(struct ink_arena *arena, struct fuzz_input *input)
{
    size_t size;
    struct ink_caller caller;
    enum signer signer = fuzz_byte(input) % SIGNERS;
    char *header = fuzz_line(input, arena), *claims = fuzz_rest(input, arena, &size);
    const char *token = sign(arena, signer, forge_unsigned(arena, header, claims, size));
    const char *authorization = ink_arena_printf(arena, "bearer %s", token);
    const struct ink_auth *auth = signer == BY_SECRET ? by_secret : by_key;
    const struct ink_auth *other = signer == BY_SECRET ? by_key : by_secret;
    CHECK(!verify(other, arena, authorization, &caller));
    if (!verify(auth, arena, authorization, &caller))
        return;
    CHECK(signer != BY_PUBLIC_KEY);
    check_header(arena, header, signer);
    check_claims(arena, claims, size, &caller);
    if (signer == BY_EC)
        CHECK(caller.kind == INK_CALLER_SERVICE && is(caller.id, "notification"));
    if (signer == BY_RSA)
        CHECK(caller.kind == INK_CALLER_USER);
}

/* Changed */

static void changed(struct ink_arena *arena, struct fuzz_input *input)
{
    const char *token;
    struct ink_caller caller;
    const struct ink_auth *auth = fuzz_byte(input) % 2 == 0 ? by_secret : by_key;
    CHECK(ink_is_ok(ink_auth_issue_user(auth, arena, USER, &token)));
    char *header = ink_arena_printf(arena, "Bearer %s", token);
    char *good = ink_arena_strdup(arena, header);
    CHECK(verify(auth, arena, header, &caller) && is(caller.id, USER));
    while (input->size >= 3) {
        size_t at = fuzz_byte(input) * 256u;
        at = (at + fuzz_byte(input)) % strlen(token);
        header[7 + at] = (char)fuzz_byte(input);
    }
    if (strcmp(header, good) == 0 || header[7] == ' ')
        return; /* nothing changed */
    CHECK(!verify(auth, arena, header, &caller));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {(const char *)data, size};
    struct ink_arena arena;
    if (by_secret == NULL)
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
