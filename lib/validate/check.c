#include "lib/validate/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/text.h"

#define SHORT_LIST 16 /* compared pair by pair */

/* The bounds of the well-known types: years 1 to 9999, and as many seconds for durations. */
#define FIRST_SECOND INT64_C(-62135596800)
#define LAST_SECOND INT64_C(253402300799)
#define MAX_DURATION INT64_C(315576000000)
#define NANOS 1000000000

static bool in_set(const struct ink_check *check, enum ink_value_kind kind,
                   const struct ink_value *value)
{
    for (size_t i = 0; i < check->set.n_values; i++)
        if (ink_value_compare(kind, value, &check->set.values[i]) == 0)
            return true;
    return false;
}

static bool above(const struct ink_bound *bound, enum ink_value_kind kind,
                  const struct ink_value *value)
{
    int order = ink_value_compare(kind, value, &bound->value);
    return order == 1 || (bound->inclusive && order == 0);
}

static bool below(const struct ink_bound *bound, enum ink_value_kind kind,
                  const struct ink_value *value)
{
    int order = ink_value_compare(kind, value, &bound->value);
    return order == -1 || (bound->inclusive && order == 0);
}

static bool in_range(const struct ink_check *check, enum ink_value_kind kind,
                     const struct ink_value *value)
{
    const struct ink_bound *lower = &check->range.lower, *upper = &check->range.upper;
    bool low = !lower->set || above(lower, kind, value);
    bool high = !upper->set || below(upper, kind, value);
    return check->range.inverted ? low || high : low && high;
}

static bool counted(const struct ink_check *check, uint64_t count)
{
    return count >= check->count.min && count <= check->count.max;
}

static bool characters_counted(const struct ink_check *check, const struct ink_value *value)
{
    /* A character is 1 to 4 bytes, which often settles it. */
    size_t size = value->text.size;
    if (size / 4 >= check->count.min && size <= check->count.max)
        return true;
    return counted(check, ink_utf8_length(value->text.data, size));
}

static bool has_prefix(const struct ink_value *value, const struct ink_value *part)
{
    return value->text.size >= part->text.size &&
           memcmp(value->text.data, part->text.data, part->text.size) == 0;
}

static bool has_suffix(const struct ink_value *value, const struct ink_value *part)
{
    return value->text.size >= part->text.size &&
           memcmp(value->text.data + value->text.size - part->text.size, part->text.data,
                  part->text.size) == 0;
}

static bool has_part(const struct ink_value *value, const struct ink_value *part)
{
    return memmem(value->text.data, value->text.size, part->text.data, part->text.size) != NULL;
}

static bool matches(const struct ink_check *check, enum ink_value_kind kind,
                    const struct ink_value *value)
{
    bool text = kind == INK_VALUE_STRING || ink_text_is_utf8(value->text.data, value->text.size);
    return text && ink_pattern_matches(check->pattern, value->text.data, value->text.size);
}

static bool time_valid(enum ink_value_kind kind, const struct ink_value *value)
{
    int64_t seconds = value->time.seconds;
    int32_t nanos = value->time.nanos;
    if (kind == INK_VALUE_TIMESTAMP)
        return seconds >= FIRST_SECOND && seconds <= LAST_SECOND && nanos >= 0 && nanos < NANOS;
    bool same_sign = (seconds <= 0 || nanos >= 0) && (seconds >= 0 || nanos <= 0);
    return seconds >= -MAX_DURATION && seconds <= MAX_DURATION && nanos > -NANOS && nanos < NANOS &&
           same_sign;
}

static struct ink_value now(void)
{
    int64_t micros = ink_wall_clock();
    return (struct ink_value){
        .time = {.seconds = micros / 1000000, .nanos = (int32_t)(micros % 1000000) * 1000}};
}

/* How far a time is from now, in nanoseconds; without overflow for every valid time. */
static __int128 distance(const struct ink_value *value)
{
    struct ink_value current = now();
    return ((__int128)value->time.seconds - current.time.seconds) * NANOS + value->time.nanos -
           current.time.nanos;
}

static bool within(const struct ink_check *check, const struct ink_value *value)
{
    __int128 far = distance(value);
    __int128 limit = (__int128)check->value.time.seconds * NANOS + check->value.time.nanos;
    return far >= -limit && far <= limit;
}

bool ink_check_passes(const struct ink_check *check, enum ink_value_kind kind,
                      const struct ink_value *value)
{
    switch (check->op) {
    case INK_CHECK_IN:
        return in_set(check, kind, value);
    case INK_CHECK_NOT_IN:
        return !in_set(check, kind, value);
    case INK_CHECK_RANGE:
        return in_range(check, kind, value);
    case INK_CHECK_FINITE:
        return isfinite(value->d);
    case INK_CHECK_CHARACTERS:
        return characters_counted(check, value);
    case INK_CHECK_BYTES:
        return counted(check, value->text.size);
    case INK_CHECK_PATTERN:
        return matches(check, kind, value);
    case INK_CHECK_PREFIX:
        return has_prefix(value, &check->value);
    case INK_CHECK_SUFFIX:
        return has_suffix(value, &check->value);
    case INK_CHECK_CONTAINS:
        return has_part(value, &check->value);
    case INK_CHECK_NOT_CONTAINS:
        return !has_part(value, &check->value);
    case INK_CHECK_FORMAT:
        return check->format(value->text.data, value->text.size);
    case INK_CHECK_DEFINED:
        return protobuf_c_enum_descriptor_get_value(check->enum_type, (int)value->i) != NULL;
    case INK_CHECK_TIME_VALID:
        return time_valid(kind, value);
    case INK_CHECK_BEFORE_NOW:
        return distance(value) <= 0;
    case INK_CHECK_AFTER_NOW:
        return distance(value) >= 0;
    case INK_CHECK_WITHIN:
        return within(check, value);
    }
    return false;
}

static struct ink_value element(const struct ink_value_plan *plan, const char *items, size_t index)
{
    const void *at = items + index * ink_value_stride(plan->outer_type);
    if (plan->wrapped)
        at = *(const char *const *)at + plan->wrapped_offset;
    return ink_value_load(plan->kind, plan->type, at);
}

static bool unique_by_pairs(const struct ink_value_plan *plan, const char *items, size_t count)
{
    struct ink_value values[SHORT_LIST];
    for (size_t i = 0; i < count; i++) {
        values[i] = element(plan, items, i);
        for (size_t j = 0; j < i; j++)
            if (ink_value_compare(plan->kind, &values[i], &values[j]) == 0)
                return false;
    }
    return true;
}

/* A total order: NaN, which is equal to nothing, goes last. */
static int by_value(const void *a, const void *b, void *kind_at)
{
    enum ink_value_kind kind = *(const enum ink_value_kind *)kind_at;
    const struct ink_value *left = a, *right = b;
    int order = ink_value_compare(kind, left, right);
    return order != 2 ? order : isnan(left->d) - isnan(right->d);
}

bool ink_list_is_unique(const struct ink_value_plan *plan, const char *items, size_t count)
{
    if (count <= SHORT_LIST)
        return unique_by_pairs(plan, items, count);
    enum ink_value_kind kind = plan->kind;
    struct ink_value *values = ink_calloc(count, sizeof(*values));
    for (size_t i = 0; i < count; i++)
        values[i] = element(plan, items, i);
    qsort_r(values, count, sizeof(*values), by_value, &kind);
    bool unique = true;
    for (size_t i = 1; i < count && unique; i++)
        unique = ink_value_compare(kind, &values[i - 1], &values[i]) != 0;
    free(values);
    return unique;
}

bool ink_text_is_utf8(const char *text, size_t size)
{
    size_t at = 0;
    while (at < size) {
        uint64_t word;
        if (size - at >= sizeof(word)) {
            memcpy(&word, text + at, sizeof(word));
            if ((word & UINT64_C(0x8080808080808080)) == 0) {
                at += sizeof(word);
                continue;
            }
        }
        size_t step = ink_utf8_sequence(text + at, size - at);
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}
