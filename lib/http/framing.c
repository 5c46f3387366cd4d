#include "lib/http/framing.h"

#include <string.h>
#include <strings.h>

/* What the framing depends on, gathered in one pass over the fields. */
struct seen {
    const char *content_length;
    const char *transfer_encoding;
    const char *host;
    const char *expect;
    bool repeated_length;
    bool repeated_encoding;
    bool repeated_host;
    const char *authorization;
    const char *content_type;
    bool repeated_authorization;
    bool repeated_type;
};

bool ink_http_is_token_char(char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
        return true;
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

bool ink_http_is_token(const char *text)
{
    size_t i = 0;
    while (ink_http_is_token_char(text[i]))
        i++;
    return i > 0 && text[i] == '\0';
}

static void see(const char *value, const char **first, bool *repeated)
{
    *repeated = *first != NULL;
    if (*first == NULL)
        *first = value;
}

static bool gather(const struct ink_http_head *head, struct seen *seen)
{
    bool ignored;
    for (size_t i = 0; i < head->n_fields; i++) {
        const struct ink_http_field *field = &head->fields[i];
        if (!ink_http_is_token(field->name))
            return false;
        if (strcasecmp(field->name, "Content-Length") == 0)
            see(field->value, &seen->content_length, &seen->repeated_length);
        else if (strcasecmp(field->name, "Transfer-Encoding") == 0)
            see(field->value, &seen->transfer_encoding, &seen->repeated_encoding);
        else if (strcasecmp(field->name, "Host") == 0)
            see(field->value, &seen->host, &seen->repeated_host);
        else if (strcasecmp(field->name, "Authorization") == 0)
            see(field->value, &seen->authorization, &seen->repeated_authorization);
        else if (strcasecmp(field->name, "Content-Type") == 0)
            see(field->value, &seen->content_type, &seen->repeated_type);
        else if (strcasecmp(field->name, "Expect") == 0)
            see(field->value, &seen->expect, &ignored);
    }
    return true;
}

static int refuse(int status, const char *detail, const char **ret_detail)
{
    *ret_detail = detail;
    return status;
}

/* Digits only, and no more than a size_t holds. */
static bool parse_length(const char *text, size_t *ret_length)
{
    size_t length = 0;
    if (text[0] == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        if (__builtin_mul_overflow(length, 10, &length) ||
            __builtin_add_overflow(length, (size_t)(*text - '0'), &length))
            return false;
    }
    *ret_length = length;
    return true;
}

/* Up to 65535; none behind a colon is allowed (RFC 3986, section 3.2.3). */
static bool is_port(const char *text)
{
    unsigned long port = 0;
    for (; *text >= '0' && *text <= '9' && port <= 65535; text++)
        port = port * 10 + (unsigned long)(*text - '0');
    return *text == '\0' && port <= 65535;
}

/* A host and a port, perhaps (RFC 9110, section 7.2): never what could be taken for a list or
 * another part of a URI. */
static bool is_host(const char *text)
{
    static const char names[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-._~!$&'()*+;=";
    const char *end = text + strspn(text, names);
    if (*text == '[') {
        end = text + 1 + strspn(text + 1, "0123456789abcdefABCDEF:.");
        if (*end != ']')
            return false;
        end++;
    }
    return end > text && (*end == '\0' || (*end == ':' && is_port(end + 1)));
}

static int check_host(const struct seen *seen, bool http11, const char **ret_detail)
{
    if (seen->host == NULL)
        return http11 ? refuse(400, "The Host header is missing.", ret_detail) : 0;
    if (seen->repeated_host)
        return refuse(400, "The Host header occurs more than once.", ret_detail);
    if (!is_host(seen->host))
        return refuse(400, "The Host header is malformed.", ret_detail);
    return 0;
}

static int check_encoding(const struct seen *seen, bool http11, const char **ret_detail)
{
    if (seen->content_length != NULL)
        return refuse(400, "Content-Length and Transfer-Encoding exclude each other.", ret_detail);
    if (!http11)
        return refuse(400, "Transfer-Encoding needs HTTP/1.1.", ret_detail);
    if (seen->repeated_encoding || strcasecmp(seen->transfer_encoding, "chunked") != 0)
        return refuse(501, "The only supported Transfer-Encoding is chunked.", ret_detail);
    return 0;
}

int ink_http_frame(const struct ink_http_head *head, size_t max_body_bytes,
                   struct ink_http_framing *ret_framing, const char **ret_detail)
{
    struct ink_http_framing framing = {0};
    struct seen seen = {0};
    bool http11 = strcmp(head->version, "1.1") == 0;
    if (head->n_fields >= INK_HTTP_MAX_HEADERS)
        return refuse(431, "The request has too many header lines.", ret_detail);
    if (!gather(head, &seen))
        return refuse(400, "A header name is malformed.", ret_detail);
    if (seen.repeated_authorization)
        return refuse(400, "The Authorization header occurs more than once.", ret_detail);
    if (seen.repeated_type)
        return refuse(400, "The Content-Type header occurs more than once.", ret_detail);
    int status = check_host(&seen, http11, ret_detail);
    if (status == 0 && seen.transfer_encoding != NULL) {
        status = check_encoding(&seen, http11, ret_detail);
        framing.chunked = true;
    } else if (status == 0 && seen.content_length != NULL) {
        if (seen.repeated_length)
            return refuse(400, "Content-Length occurs more than once.", ret_detail);
        if (!parse_length(seen.content_length, &framing.content_length))
            return refuse(400, "Content-Length is not a number.", ret_detail);
        if (framing.content_length > max_body_bytes)
            return refuse(413, "The request body is too large.", ret_detail);
    }
    if (status != 0)
        return status;
    if (seen.expect != NULL && http11) {
        if (strcasecmp(seen.expect, "100-continue") != 0)
            return refuse(417, "The only supported expectation is 100-continue.", ret_detail);
        framing.expects_continue = framing.chunked || framing.content_length > 0;
    }
    *ret_framing = framing;
    return 0;
}

/* METHOD SP TARGET SP VERSION */
static bool three_words(const char *line, size_t size)
{
    size_t spaces = 0;
    for (size_t i = 0; i < size && line[i] != '\r'; i++) {
        if (line[i] != ' ')
            continue;
        if (i == 0 || line[i - 1] == ' ' || i + 1 == size || line[i + 1] == '\r')
            return false;
        spaces++;
    }
    return spaces == 2;
}

bool ink_http_lines_whole(const char *head, size_t size)
{
    const char *end = head + size;
    if (!three_words(head, size))
        return false;
    for (const char *line = head; line < end;) {
        const char *lf = memchr(line, '\n', (size_t)(end - line));
        const char *cr = memchr(line, '\r', (size_t)(end - line));
        if (lf == NULL || cr == NULL || cr + 1 != lf)
            return false;
        if (line > head && (*line == ' ' || *line == '\t'))
            return false;
        line = lf + 1;
    }
    return size > 0;
}

static bool may_be_in_head(unsigned char c)
{
    return c == '\r' || c == '\n' || (c >= ' ' && c != 127);
}

/* Whether none of eight bytes is a control character: no byte is below 32, or 127. */
static bool plain_word(const char *bytes)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
    uint64_t word, del;
    memcpy(&word, bytes, sizeof(word));
    del = word ^ (127 * ones);
    return ((((word - ' ' * ones) & ~word) | ((del - ones) & ~del)) & highs) == 0;
}

static bool is_text(const char *head, size_t size)
{
    for (size_t i = 0; i < size;) {
        if (size - i >= sizeof(uint64_t) && plain_word(head + i)) {
            i += sizeof(uint64_t);
            continue;
        }
        if (!may_be_in_head((unsigned char)head[i++]))
            return false;
    }
    return true;
}

/* Behind the empty line that ends a header; 0 when there is none. */
static size_t end_of_head(const char *data, size_t size)
{
    const char *end = data + size, *lf = data;
    for (; (lf = memchr(lf, '\n', (size_t)(end - lf))) != NULL; lf++) {
        if (end - lf > 1 && lf[1] == '\n')
            return (size_t)(lf + 2 - data);
        if (end - lf > 2 && lf > data && memcmp(lf - 1, "\r\n\r\n", 4) == 0)
            return (size_t)(lf + 3 - data);
    }
    return 0;
}

int ink_http_head_size(const char *data, size_t size)
{
    size_t end = end_of_head(data, size);
    if (!is_text(data, end != 0 ? end : size))
        return -1;
    return (int)end;
}

/* The bytes from behind a name to its value: one for the colon (a NUL by now), then blanks. */
static bool colon_follows(const char *name, const char *value)
{
    const char *c = name + strlen(name) + 1;
    if (c > value)
        return false;
    for (; c < value; c++)
        if (*c != ' ' && *c != '\t')
            return false;
    return true;
}

bool ink_http_head_is_whole(const struct ink_http_head *head, const char *begin, const char *end)
{
    /* One empty line in front is allowed (RFC 9112, section 2.2). */
    if (head->method != begin && !(head->method == begin + 2 && memcmp(begin, "\r\n", 2) == 0))
        return false;
    const char *line_end = head->version + strlen(head->version);
    for (size_t i = 0; i < head->n_fields; i++) {
        const struct ink_http_field *field = &head->fields[i];
        if (field->name != line_end + 2 || !colon_follows(field->name, field->value))
            return false;
        line_end = field->value + strlen(field->value);
    }
    return line_end + 4 == end;
}
