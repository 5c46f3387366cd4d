#include "lib/auth/claims.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool take_time(struct ink_json_reader *reader, bool *ret_has, int64_t *ret_time)
{
    struct ink_json_text text;
    char copy[24], *end;
    if (!ink_json_number(reader, &text) || text.size >= sizeof(copy))
        return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    errno = 0;
    *ret_time = strtoll(copy, &end, 10);
    *ret_has = errno == 0 && *end == '\0';
    return *ret_has;
}

static bool take_claim(void *self, struct ink_json_reader *reader, struct ink_json_text name)
{
    struct ink_claims *claims = self;
    const struct {
        const char *name;
        const char **text;
        bool *has;
        int64_t *time;
    } known[] = {
        {"id", &claims->id, NULL, NULL},
        {"sub", &claims->sub, NULL, NULL},
        {"iss", &claims->iss, NULL, NULL},
        {"aud", &claims->aud, NULL, NULL},
        {"typ", &claims->typ, NULL, NULL},
        {"exp", NULL, &claims->has_exp, &claims->exp},
        {"nbf", NULL, &claims->has_nbf, &claims->nbf},
        {"iat", NULL, &claims->has_iat, &claims->iat},
    };
    for (size_t i = 0; i < INK_COUNT(known); i++)
        if (ink_jws_is(name, known[i].name))
            return known[i].text != NULL ? ink_jws_text(reader, known[i].text)
                                         : take_time(reader, known[i].has, known[i].time);
    return ink_json_skip(reader);
}

bool ink_claims_read(struct ink_arena *arena, struct ink_json_text json,
                     struct ink_claims *ret_claims)
{
    struct ink_claims claims = {0};
    if (!ink_jws_members(arena, json, take_claim, &claims))
        return false;
    *ret_claims = claims;
    return true;
}
