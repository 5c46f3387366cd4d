#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "lib/config/internal.h"

struct unit {
    const char *suffix; /* "" is what a bare number is in */
    int64_t scale;
};

/* From small to large; a table ends with scale 0. */
static const struct unit no_units[] = {{"", 1}, {NULL, 0}};
static const struct unit ms_units[] = {
    {"", 1}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {NULL, 0},
};
static const struct unit second_units[] = {
    {"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {NULL, 0},
};
static const struct unit byte_units[] = {
    {"", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {NULL, 0},
};

static const struct unit *units_of(enum ink_config_type type)
{
    switch (type) {
    case INK_CONFIG_TYPE_MS:
        return ms_units;
    case INK_CONFIG_TYPE_SECONDS:
        return second_units;
    case INK_CONFIG_TYPE_BYTES:
        return byte_units;
    default:
        return no_units;
    }
}

/* Decimal digits, at least one, and nothing of strtoll's generosity. */
static bool take_digits(const char **text, int64_t *ret_value)
{
    int64_t value = 0;
    const char *c = *text;
    for (; *c >= '0' && *c <= '9'; c++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *c - '0', &value))
            return false;
    if (c == *text)
        return false;
    *text = c;
    *ret_value = value;
    return true;
}

static bool parse_number(const char *text, const struct unit *units, bool sign, int64_t *ret_value)
{
    bool negative = sign && *text == '-';
    int64_t value;
    text += negative;
    if (!take_digits(&text, &value))
        return false;
    while (units->scale != 0 && strcmp(text, units->suffix) != 0)
        units++;
    if (units->scale == 0 || __builtin_mul_overflow(value, units->scale, &value))
        return false;
    *ret_value = negative ? -value : value;
    return true;
}

static bool bounded(const struct ink_config_setting *s)
{
    return s->min != 0 || s->max != 0;
}

static bool in_bounds(const struct ink_config_setting *s, int64_t value)
{
    return !bounded(s) || (value >= s->min && (s->max == 0 || value <= s->max));
}

static bool read_number(const struct ink_config_setting *s, const char *text, int64_t *ret_value)
{
    int64_t value;
    if (!parse_number(text, units_of(s->type), s->type == INK_CONFIG_TYPE_INT, &value) ||
        !in_bounds(s, value))
        return false;
    *ret_value = value;
    return true;
}

static bool read_bool(const char *text, bool *ret_value)
{
    static const char *const yes[] = {"true", "1", "yes", "on"};
    static const char *const no[] = {"false", "0", "no", "off"};
    for (size_t i = 0; i < INK_COUNT(yes); i++) {
        if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
            *ret_value = strcasecmp(text, yes[i]) == 0;
            return true;
        }
    }
    return false;
}

/* host:port, where a host with colons of its own is in brackets. */
static bool is_address(const char *text)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon == text || strpbrk(text, " \t/") != NULL)
        return false;
    bool bracketed = text[0] == '[' && colon[-1] == ']' && colon - text > 2;
    if (!bracketed && strcspn(text, "[]:") != (size_t)(colon - text))
        return false;
    int64_t port;
    return parse_number(colon + 1, no_units, false, &port) && port <= UINT16_MAX;
}

static bool read_choice(const struct ink_config_setting *s, const char *text, int *ret_value)
{
    for (int i = 0; s->choices[i] != NULL; i++) {
        if (strcmp(text, s->choices[i]) == 0) {
            *ret_value = i;
            return true;
        }
    }
    return false;
}

static bool read_text(const struct ink_config_setting *s, const char *text, struct ink_arena *arena,
                      const char **ret_value)
{
    bool good =
        s->type == INK_CONFIG_TYPE_ADDRESS ? is_address(text) : in_bounds(s, (int64_t)strlen(text));
    if (good)
        *ret_value = ink_arena_strdup(arena, text);
    return good;
}

bool ink_config_read(const struct ink_config_item *item, const char *text, struct ink_arena *arena,
                     void *settings)
{
    const struct ink_config_setting *s = item->setting;
    void *member = (char *)settings + item->offset;
    switch (s->type) {
    case INK_CONFIG_TYPE_STRING:
    case INK_CONFIG_TYPE_ADDRESS:
        return read_text(s, text, arena, member);
    case INK_CONFIG_TYPE_BOOL:
        return read_bool(text, member);
    case INK_CONFIG_TYPE_CHOICE:
        return read_choice(s, text, member);
    default:
        return read_number(s, text, member);
    }
}

/* In the largest unit that says it exactly: 60000 milliseconds are "1m". */
static void put_number(struct ink_buf *out, const struct unit *units, int64_t value)
{
    const struct unit *best = units;
    for (const struct unit *u = units; u->scale != 0; u++)
        if (value != 0 && value % u->scale == 0)
            best = u;
    ink_buf_printf(out, "%lld%s", (long long)(value / best->scale), best->suffix);
}

static void put_bounds(struct ink_buf *out, const struct ink_config_setting *s, const char *unit)
{
    const struct unit *units = units_of(s->type);
    if (!bounded(s))
        return;
    ink_buf_puts(out, s->max == 0 ? " of at least " : " from ");
    put_number(out, units, s->min);
    if (s->max != 0) {
        ink_buf_puts(out, " to ");
        put_number(out, units, s->max);
    }
    ink_buf_puts(out, unit);
}

void ink_config_accepts(const struct ink_config_setting *s, struct ink_buf *out)
{
    switch (s->type) {
    case INK_CONFIG_TYPE_STRING:
        ink_buf_puts(out, "text");
        put_bounds(out, s, " bytes");
        break;
    case INK_CONFIG_TYPE_INT:
        ink_buf_puts(out, "a whole number");
        put_bounds(out, s, "");
        break;
    case INK_CONFIG_TYPE_BOOL:
        ink_buf_puts(out, "true or false");
        break;
    case INK_CONFIG_TYPE_MS:
    case INK_CONFIG_TYPE_SECONDS:
        ink_buf_puts(out, "a time");
        put_bounds(out, s, "");
        ink_buf_printf(out, " (such as 30s, 5m; a bare number is %s)",
                       s->type == INK_CONFIG_TYPE_MS ? "milliseconds" : "seconds");
        break;
    case INK_CONFIG_TYPE_BYTES:
        ink_buf_puts(out, "a size");
        put_bounds(out, s, "");
        ink_buf_puts(out, " (such as 64KiB, 4MiB; a bare number is bytes)");
        break;
    case INK_CONFIG_TYPE_ADDRESS:
        ink_buf_puts(out, "host:port");
        break;
    case INK_CONFIG_TYPE_CHOICE:
        ink_buf_puts(out, "one of");
        for (size_t i = 0; s->choices[i] != NULL; i++)
            ink_buf_printf(out, "%s%s", i == 0 ? " " : ", ", s->choices[i]);
        break;
    case INK_CONFIG_TYPE_INCLUDE:
    case INK_CONFIG_TYPE_FALLBACK:
        break;
    }
}
