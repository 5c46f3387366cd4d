#include "gateway/cors.h"

#include <string.h>

static bool is_host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("-._:[]", c) != NULL;
}

static bool is_origin(const char *text)
{
    const char *host = text;
    if (strncmp(text, "https://", 8) == 0)
        host += 8;
    else if (strncmp(text, "http://", 7) == 0)
        host += 7;
    else
        return false;
    if (*host == '\0' || *host == ':')
        return false;
    for (; *host != '\0'; host++)
        if (!is_host_char(*host))
            return false;
    return true;
}

struct ink_status gateway_cors_parse(struct ink_arena *arena, const char *text,
                                     struct gateway_cors *ret_cors)
{
    struct gateway_cors cors = {0};
    if (text == NULL || text[0] == '\0') {
        *ret_cors = cors;
        return ink_ok();
    }
    size_t most = 1;
    for (const char *c = text; *c != '\0'; c++)
        most += *c == ',';
    cors.origins = ink_arena_calloc(arena, most, sizeof(*cors.origins));
    char *rest = ink_arena_strdup(arena, text);
    for (char *origin; (origin = strsep(&rest, ",")) != NULL;) {
        origin += strspn(origin, " ");
        origin[strcspn(origin, " ")] = '\0';
        if (!is_origin(origin))
            return ink_errorf(arena, INK_INVALID_ARGUMENT,
                              "\"%s\" is not an origin such as https://blog.example", origin);
        cors.origins[cors.n_origins++] = origin;
    }
    *ret_cors = cors;
    return ink_ok();
}

bool gateway_cors_allows(const struct gateway_cors *cors, const char *origin)
{
    if (origin == NULL)
        return false;
    for (size_t i = 0; i < cors->n_origins; i++)
        if (strcmp(cors->origins[i], origin) == 0)
            return true;
    return false;
}
