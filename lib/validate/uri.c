/* RFC 3986, appendix A, rule by rule; RFC 6874 for zones. Each take_ function moves past what it
 * recognises, or says false. */
#include <string.h>

#include "lib/base/text.h"
#include "lib/validate/chars.h"
#include "lib/validate/formats.h"

struct cursor {
    const char *at;
    const char *end;
};

static bool peek(const struct cursor *in, char c)
{
    return in->at < in->end && *in->at == c;
}

static bool take(struct cursor *in, char c)
{
    bool found = peek(in, c);
    in->at += found;
    return found;
}

static bool unreserved(char c)
{
    return ink_char_alnum(c) || ink_char_in(c, "-._~");
}

static bool sub_delim(char c)
{
    return ink_char_in(c, "!$&'()*+,;=");
}

static bool take_percent_encoded(struct cursor *in)
{
    if (in->end - in->at < 3 || in->at[0] != '%' || !ink_char_hex(in->at[1]) ||
        !ink_char_hex(in->at[2]))
        return false;
    in->at += 3;
    return true;
}

/* As many unreserved, sub-delims, percent-encoded and `also` as there are. */
static void take_chars(struct cursor *in, const char *also)
{
    while (in->at < in->end) {
        if (unreserved(*in->at) || sub_delim(*in->at) || ink_char_in(*in->at, also))
            in->at++;
        else if (!take_percent_encoded(in))
            return;
    }
}

/* Whether the text between the two is UTF-8 after percent-decoding. Decodes one sequence at a time,
 * so that no memory is needed. */
static bool decodes_to_utf8(const char *from, const char *to)
{
    char sequence[4];
    while (from < to) {
        size_t n = 0;
        const char *next = from;
        const char *after[4];
        while (n < 4 && next < to) {
            bool encoded = *next == '%';
            sequence[n] =
                encoded ? (char)(ink_char_hex_value(next[1]) << 4 | ink_char_hex_value(next[2]))
                        : *next;
            next += encoded ? 3 : 1;
            after[n++] = next;
        }
        size_t length = ink_utf8_sequence(sequence, n);
        if (length == 0)
            return false;
        from = after[length - 1];
    }
    return true;
}

static bool take_scheme(struct cursor *in)
{
    if (in->at >= in->end || !ink_char_alpha(*in->at))
        return false;
    while (in->at < in->end && (ink_char_alnum(*in->at) || ink_char_in(*in->at, "+-.")))
        in->at++;
    return take(in, ':');
}

static bool is_zone(const char *at, const char *end)
{
    const char *start = at;
    struct cursor in = {at, end};
    while (in.at < in.end)
        if (unreserved(*in.at))
            in.at++;
        else if (!take_percent_encoded(&in))
            return false;
    return end > start && decodes_to_utf8(start, end);
}

static bool is_ip_future(const char *at, const char *end)
{
    const char *version = ++at;
    while (at < end && ink_char_hex(*at))
        at++;
    if (at == version || at >= end || *at++ != '.' || at == end)
        return false;
    for (; at < end; at++)
        if (!unreserved(*at) && !sub_delim(*at) && *at != ':')
            return false;
    return true;
}

/* What is between the brackets. */
static bool is_ip_literal(const char *at, const char *end)
{
    uint8_t address[16];
    if (at < end && (*at == 'v' || *at == 'V'))
        return is_ip_future(at, end);
    const char *percent = memchr(at, '%', (size_t)(end - at));
    const char *stop = percent == NULL ? end : percent;
    if (!ink_parse_ipv6(at, (size_t)(stop - at), address))
        return false;
    if (percent == NULL)
        return true;
    return end - percent > 3 && memcmp(percent, "%25", 3) == 0 && is_zone(percent + 3, end);
}

static bool take_host(struct cursor *in)
{
    const char *start = in->at;
    if (!take(in, '[')) {
        take_chars(in, "");
        return decodes_to_utf8(start, in->at);
    }
    const char *close = memchr(in->at, ']', (size_t)(in->end - in->at));
    if (close == NULL || !is_ip_literal(in->at, close))
        return false;
    in->at = close + 1;
    return true;
}

/* The userinfo with its "@", when there is one; what is left is the host. */
static void take_userinfo(struct cursor *in)
{
    struct cursor try = *in;
    take_chars(&try, ":");
    if (take(&try, '@'))
        *in = try;
}

/* Up to the path. */
static bool take_authority(struct cursor *in)
{
    take_userinfo(in);
    if (!take_host(in))
        return false;
    if (take(in, ':'))
        while (in->at < in->end && ink_char_digit(*in->at))
            in->at++;
    return in->at == in->end || ink_char_in(*in->at, "/?#");
}

/* hier-part or relative-part; `relative`: its first segment must have no colon. */
static bool take_part(struct cursor *in, bool relative)
{
    if (in->end - in->at >= 2 && in->at[0] == '/' && in->at[1] == '/') {
        in->at += 2;
        if (!take_authority(in))
            return false;
    } else if (relative) {
        take_chars(in, "@");
        if (peek(in, ':'))
            return false;
    }
    take_chars(in, ":@/");
    return true;
}

static bool take_rest(struct cursor *in)
{
    if (take(in, '?'))
        take_chars(in, ":@/?");
    if (take(in, '#'))
        take_chars(in, ":@/?");
    return in->at == in->end;
}

bool ink_is_uri(const char *text, size_t size)
{
    struct cursor in = {text, text + size};
    return take_scheme(&in) && take_part(&in, false) && take_rest(&in);
}

bool ink_is_uri_ref(const char *text, size_t size)
{
    struct cursor in = {text, text + size};
    return ink_is_uri(text, size) || (take_part(&in, true) && take_rest(&in));
}
