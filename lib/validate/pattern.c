#include "lib/validate/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/validate/chars.h"

#define MATCH_STEPS 200000 /* a few milliseconds at most */
#define MATCH_HEAP_KIB 4096

struct ink_pattern {
    pcre2_code *code;
};

static void *arena_take(PCRE2_SIZE size, void *arena)
{
    return ink_arena_alloc(arena, size);
}

static void arena_leave(void *memory, void *arena)
{
    (void)memory;
    (void)arena;
}

/* After a backslash: PCRE2 would accept these and mean something that RE2 has not. (RE2 has \Q and
 * \v, but quoting hides what comes from this look, and PCRE2's \v is more than a tab.) */
static bool foreign_escape(char c)
{
    return ink_char_in(c, "123456789cegkhHEGKNoQRvVXZ");
}

/* After "(": only groups that RE2 has. */
static bool foreign_group(const char *at)
{
    if (at[0] == '*')
        return true;
    if (at[0] != '?')
        return false;
    if (at[1] == ':' || (at[1] == 'P' && at[2] == '<'))
        return false;
    size_t flags = 1 + strspn(at + 1, "imsU-");
    return flags == 1 || !ink_char_in(at[flags], ":)");
}

/* After a quantifier: "++" and the like are PCRE2's possessive ones. */
static bool possessive(const char *expression, const char *at)
{
    return *at == '+' && at > expression && ink_char_in(at[-1], "*+?}");
}

/* The end of the class that starts at `at`: its "]". */
static const char *skip_class(const char *at)
{
    at += at[1] == '^' ? 2 : 1;
    if (*at == ']')
        at++;
    for (; *at != '\0' && *at != ']'; at++) {
        if (*at == '\\' && at[1] != '\0') {
            at++;
        } else if (at[0] == '[' && at[1] == ':') {
            const char *close = strstr(at, ":]");
            at = close == NULL ? at : close + 1;
        }
    }
    return at;
}

/* The last byte of the escape whose letter is at `at`: \p{L}, \x{e9} and \n are one character. */
static const char *skip_escape(const char *at)
{
    const char *close = NULL;
    if (ink_char_in(*at, "pPx") && at[1] == '{')
        close = strchr(at, '}');
    return close == NULL ? at : close;
}

/* What the expression uses that RE2 does not have, or NULL. */
static const char *foreign_syntax(const char *expression)
{
    bool after_escape = false;
    for (const char *at = expression; *at != '\0'; at++) {
        bool escaped = after_escape;
        after_escape = false;
        if (*at == '\\') {
            if (foreign_escape(*++at))
                return "uses an escape that RE2 does not have";
            if (*at == '\0')
                break;
            at = skip_escape(at);
            after_escape = true;
        } else if (*at == '[') {
            at = skip_class(at);
            if (*at == '\0')
                break;
        } else if (*at == '(' && foreign_group(at + 1)) {
            return "uses a group that RE2 does not have";
        } else if (!escaped && possessive(expression, at)) {
            return "uses a quantifier that RE2 does not have";
        }
    }
    return NULL;
}

struct ink_pattern *ink_pattern_new(const char *expression, struct ink_arena *arena,
                                    const char **ret_error)
{
    const char *foreign = foreign_syntax(expression);
    if (foreign != NULL) {
        *ret_error = foreign;
        return NULL;
    }
    int code;
    PCRE2_SIZE offset;
    pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)expression, PCRE2_ZERO_TERMINATED,
                                         PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C,
                                         &code, &offset, NULL);
    if (compiled == NULL) {
        char text[128] = "";
        pcre2_get_error_message(code, (PCRE2_UCHAR *)text, sizeof(text));
        *ret_error = ink_arena_printf(arena, "%s at offset %zu", text, (size_t)offset);
        return NULL;
    }
    struct ink_pattern *pattern = ink_malloc(sizeof(*pattern));
    pattern->code = compiled;
    return pattern;
}

void ink_pattern_free(struct ink_pattern *pattern)
{
    if (pattern == NULL)
        return;
    pcre2_code_free(pattern->code);
    free(pattern);
}

bool ink_pattern_matches(const struct ink_pattern *pattern, const char *text, size_t size)
{
    struct ink_arena work; /* its own, so that many matches do not add up in the request's */
    ink_arena_init(&work);
    pcre2_general_context *general = pcre2_general_context_create(arena_take, arena_leave, &work);
    pcre2_match_context *context = pcre2_match_context_create(general);
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(pattern->code, general);
    pcre2_set_match_limit(context, MATCH_STEPS);
    pcre2_set_heap_limit(context, MATCH_HEAP_KIB);
    int result =
        pcre2_match(pattern->code, (PCRE2_SPTR)text, size, 0, PCRE2_NO_UTF_CHECK, data, context);
    ink_arena_release(&work);
    return result >= 0;
}
