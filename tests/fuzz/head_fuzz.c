/* lib/http/framing.h behind civetweb's parser: a request header that is let through reads the same
 * to a parser that knows RFC 9112 and nothing more. Two that disagree are how requests are
 * smuggled. */
#include <string.h>
#include <strings.h>

#include "lib/http/framing.h"
#include "tests/fuzz/civetweb_head.h"
#include "tests/fuzz/fuzz.h"

#define MAX_BODY 100000

struct strict {
    const char *end; /* behind the empty line */
    size_t n_fields;
    struct {
        const char *name, *value;
        size_t name_size, value_size;
    } fields[INK_HTTP_MAX_HEADERS];
};

static size_t token_size(const char *at, const char *end)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    const char *c = at;
    while (c < end && *c != '\0' &&
           ((*c >= '0' && *c <= '9') || ((*c | 32) >= 'a' && (*c | 32) <= 'z') ||
            strchr(others, *c) != NULL))
        c++;
    return (size_t)(c - at);
}

/* The end of the line at `at`, which has a CRLF and neither of the two elsewhere; or NULL. */
static const char *line_end(const char *at, const char *end)
{
    const char *cr = at;
    while (cr < end && *cr != '\r' && *cr != '\n')
        cr++;
    return end - cr >= 2 && cr[0] == '\r' && cr[1] == '\n' ? cr : NULL;
}

/* METHOD SP TARGET SP HTTP/1.x */
static bool request_line(const char *at, const char *end)
{
    size_t method = token_size(at, end), version = strlen("HTTP/1.1");
    if (method == 0 || at + method == end || at[method] != ' ')
        return false;
    at += method + 1;
    const char *space = memchr(at, ' ', (size_t)(end - at));
    if (space == NULL || space == at || (size_t)(end - space - 1) != version)
        return false;
    for (const char *c = at; c < space; c++)
        if (*c <= ' ' || *c == 127)
            return false;
    return memcmp(space + 1, "HTTP/1.", 7) == 0 && (space[8] == '0' || space[8] == '1');
}

static bool field_line(const char *at, const char *end, struct strict *strict)
{
    size_t name = token_size(at, end);
    if (name == 0 || at + name == end || at[name] != ':' ||
        strict->n_fields == INK_HTTP_MAX_HEADERS)
        return false;
    const char *value = at + name + 1;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    size_t i = strict->n_fields++;
    strict->fields[i].name = at;
    strict->fields[i].name_size = name;
    strict->fields[i].value = value;
    strict->fields[i].value_size = (size_t)(end - value);
    return true;
}

static bool parse(const char *at, const char *end, struct strict *strict)
{
    if (end - at >= 2 && memcmp(at, "\r\n", 2) == 0)
        at += 2; /* RFC 9112, section 2.2 */
    const char *line = line_end(at, end);
    if (line == NULL || !request_line(at, line))
        return false;
    for (at = line + 2; (line = line_end(at, end)) != NULL; at = line + 2) {
        if (line == at) {
            strict->end = line + 2;
            return true;
        }
        if (!field_line(at, line, strict))
            return false;
    }
    return false;
}

static size_t named(const struct strict *strict, const char *name, size_t *ret_last)
{
    size_t count = 0;
    for (size_t i = 0; i < strict->n_fields; i++) {
        if (strict->fields[i].name_size != strlen(name) ||
            strncasecmp(strict->fields[i].name, name, strlen(name)) != 0)
            continue;
        *ret_last = i;
        count++;
    }
    return count;
}

static void check_framing(const struct strict *strict, const struct ink_http_framing *framing,
                          bool http11)
{
    size_t at = 0, length = 0;
    size_t lengths = named(strict, "Content-Length", &at);
    CHECK(lengths <= 1 && lengths + framing->chunked <= 1);
    for (size_t i = 0; lengths == 1 && i < strict->fields[at].value_size; i++) {
        CHECK(strict->fields[at].value[i] >= '0' && strict->fields[at].value[i] <= '9');
        length = length * 10 + (size_t)(strict->fields[at].value[i] - '0');
    }
    CHECK(lengths == 0 || strict->fields[at].value_size > 0);
    CHECK(framing->content_length == length && length <= MAX_BODY);
    CHECK(named(strict, "Transfer-Encoding", &at) == framing->chunked);
    CHECK(!framing->chunked || (http11 && strict->fields[at].value_size == 7 &&
                                strncasecmp(strict->fields[at].value, "chunked", 7) == 0));
    CHECK(named(strict, "Host", &at) <= 1 && (!http11 || named(strict, "Host", &at) == 1));
    CHECK(named(strict, "Authorization", &at) <= 1 && named(strict, "Content-Type", &at) <= 1);
}

static void check_fields(const struct strict *strict, const struct ink_http_head *head)
{
    CHECK(strict->n_fields == head->n_fields);
    for (size_t i = 0; i < head->n_fields; i++) {
        const struct ink_http_field *field = &head->fields[i];
        CHECK(strlen(field->name) == strict->fields[i].name_size &&
              memcmp(field->name, strict->fields[i].name, strict->fields[i].name_size) == 0);
        CHECK(strlen(field->value) == strict->fields[i].value_size &&
              memcmp(field->value, strict->fields[i].value, strict->fields[i].value_size) == 0);
    }
}

/* As lib/http/server.c does it. */
static bool let_through(struct civetweb_head *parsed, struct ink_http_framing *framing)
{
    const char *detail = NULL;
    if (parsed->head.n_fields < INK_HTTP_MAX_HEADERS &&
        !ink_http_head_is_whole(&parsed->head, parsed->begin, parsed->end))
        return false;
    for (size_t i = 0; i < parsed->head.n_fields; i++) {
        char *value = (char *)parsed->fields[i].value;
        size_t size = strlen(value);
        while (size > 0 && (value[size - 1] == ' ' || value[size - 1] == '\t'))
            value[--size] = '\0';
    }
    int status = ink_http_frame(&parsed->head, MAX_BODY, framing, &detail);
    CHECK((status == 0) == (detail == NULL) && (status == 0 || (status >= 400 && status < 600)));
    return status == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct civetweb_head parsed;
    struct ink_http_framing framing;
    char *bytes = malloc(size + 1);
    CHECK(bytes != NULL);
    memcpy(bytes, data, size);
    bytes[size] = '\0';
    if (civetweb_head_parse(bytes, size, &parsed) && let_through(&parsed, &framing)) {
        struct strict strict = {0};
        const char *original = (const char *)data;
        CHECK(parse(original, original + size, &strict));
        CHECK(strict.end - original == parsed.end - parsed.begin);
        check_fields(&strict, &parsed.head);
        check_framing(&strict, &framing, strcmp(parsed.head.version, "1.1") == 0);
    }
    free(bytes);
    return 0;
}
