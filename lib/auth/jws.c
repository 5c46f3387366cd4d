#include "lib/auth/jws.h"

#include <string.h>
#include <strings.h>

#include "lib/base/text.h"

#define MEMBERS_MAX 64

static bool same(struct ink_json_text a, struct ink_json_text b)
{
    return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

bool ink_jws_is(struct ink_json_text text, const char *wanted)
{
    return text.size == strlen(wanted) && memcmp(text.data, wanted, text.size) == 0;
}

bool ink_jws_members(struct ink_arena *arena, struct ink_json_text text, ink_jws_take_fn *take,
                     void *self)
{
    struct ink_json_reader reader;
    struct ink_json_text names[MEMBERS_MAX];
    size_t count = 0;
    ink_json_reader_init(&reader, arena, text.data, text.size);
    if (!ink_json_enter_object(&reader))
        return false;
    while (count < MEMBERS_MAX && ink_json_next_name(&reader, &names[count])) {
        for (size_t i = 0; i < count; i++)
            if (same(names[i], names[count]))
                return false;
        if (!take(self, &reader, names[count]))
            return false;
        count++;
    }
    return count < MEMBERS_MAX && ink_json_finish(&reader);
}

struct header {
    const char *alg;
    const char *kid; /* NULL: none */
    bool foreign;    /* it has what we do not follow */
};

bool ink_jws_text(struct ink_json_reader *reader, const char **ret_text)
{
    struct ink_json_text text;
    if (!ink_json_string(reader, &text))
        return false;
    *ret_text = ink_json_text_keep(reader, text);
    return *ret_text != NULL;
}

static bool is_foreign(struct ink_json_text name)
{
    static const char *const foreign[] = {"crit", "jku", "jwk",      "x5u",
                                          "x5c",  "x5t", "x5t#S256", "b64"};
    for (size_t i = 0; i < INK_COUNT(foreign); i++)
        if (ink_jws_is(name, foreign[i]))
            return true;
    return false;
}

static bool take_header(void *self, struct ink_json_reader *reader, struct ink_json_text name)
{
    struct header *header = self;
    if (ink_jws_is(name, "alg"))
        return ink_jws_text(reader, &header->alg);
    if (ink_jws_is(name, "kid"))
        return ink_jws_text(reader, &header->kid);
    if (ink_jws_is(name, "typ")) {
        const char *typ;
        return ink_jws_text(reader, &typ) && strcasecmp(typ, "JWT") == 0;
    }
    if (is_foreign(name))
        header->foreign = true;
    return ink_json_skip(reader);
}

static bool decode(struct ink_arena *arena, const char *text, size_t size,
                   struct ink_json_text *ret_json)
{
    void *data;
    if (!ink_base64_decode(arena, text, size, &data, &ret_json->size))
        return false;
    ret_json->data = data;
    return true;
}

/* The algorithm is the key's: `alg` must only say the same (RFC 8725, section 3.1). */
static const struct ink_key *find_key(const struct ink_keys *keys, const struct header *header,
                                      const char **ret_wrong)
{
    const struct ink_key *key =
        header->kid == NULL ? keys->nameless : ink_keys_find(keys, header->kid);
    if (key == NULL) {
        *ret_wrong = header->kid == NULL ? "no kid" : "no key has this kid";
        return NULL;
    }
    if (header->alg == NULL || strcmp(header->alg, key->alg) != 0) {
        *ret_wrong = "wrong algorithm";
        return NULL;
    }
    return key;
}

bool ink_jws_verify(const struct ink_keys *keys, struct ink_arena *arena, const char *token,
                    const struct ink_key **ret_key, struct ink_json_text *ret_claims,
                    const char **ret_wrong)
{
    struct header header = {0};
    struct ink_json_text json;
    const char *claims = strchr(token, '.');
    const char *signature = claims == NULL ? NULL : strchr(claims + 1, '.');
    *ret_wrong = "malformed";
    if (signature == NULL || strchr(signature + 1, '.') != NULL ||
        !decode(arena, token, (size_t)(claims - token), &json) ||
        !ink_jws_members(arena, json, take_header, &header))
        return false;
    *ret_wrong = "a header that is not followed";
    if (header.foreign)
        return false;
    const struct ink_key *key = find_key(keys, &header, ret_wrong);
    if (key == NULL)
        return false;
    *ret_wrong = "not signed with our key";
    if (!ink_key_verify(key, arena, token, (size_t)(signature - token), signature + 1))
        return false;
    *ret_wrong = "the claims are not base64url";
    if (!decode(arena, claims + 1, (size_t)(signature - claims - 1), ret_claims))
        return false;
    *ret_key = key;
    return true;
}
