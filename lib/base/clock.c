#include "lib/base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t now_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * INK_SECOND + now.tv_nsec;
}

int64_t ink_now(void)
{
    return now_of(CLOCK_MONOTONIC);
}

int64_t ink_wall_clock(void)
{
    return now_of(CLOCK_REALTIME) / INK_MICROSECOND;
}

int64_t ink_deadline_left_ms(int64_t deadline, int64_t limit)
{
    if (deadline == INK_NO_DEADLINE)
        return limit;
    int64_t left = deadline - ink_now();
    if (left <= 0)
        return 0;
    left = (left + INK_MILLISECOND - 1) / INK_MILLISECOND;
    return left < limit ? left : limit;
}

void ink_rfc3339(int64_t seconds, int32_t nanos, char *out)
{
    time_t time = (time_t)seconds;
    struct tm tm = {0};
    gmtime_r(&time, &tm);
    int at = snprintf(out, INK_RFC3339_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d",
                      (tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
                      tm.tm_sec);
    size_t left = INK_RFC3339_SIZE - (size_t)at;
    if (nanos == 0)
        snprintf(out + at, left, "Z");
    else if (nanos % 1000000 == 0)
        snprintf(out + at, left, ".%03dZ", nanos / 1000000);
    else if (nanos % 1000 == 0)
        snprintf(out + at, left, ".%06dZ", nanos / 1000);
    else
        snprintf(out + at, left, ".%09dZ", nanos);
}

/* Takes exactly `digits` decimal digits from *text. */
static bool take_number(const char **text, const char *end, int digits, int *ret)
{
    int value = 0;
    for (int i = 0; i < digits; i++) {
        if (*text == end || **text < '0' || **text > '9')
            return false;
        value = value * 10 + (*(*text)++ - '0');
    }
    *ret = value;
    return true;
}

static bool take_char(const char **text, const char *end, char upper, char lower)
{
    if (*text == end || (**text != upper && **text != lower))
        return false;
    (*text)++;
    return true;
}

static bool take_fraction(const char **text, const char *end, int32_t *ret_nanos)
{
    int32_t nanos = 0, scale = 100000000;
    if (*text == end || **text < '0' || **text > '9')
        return false;
    for (; *text != end && **text >= '0' && **text <= '9'; (*text)++, scale /= 10) {
        if (scale == 0)
            return false;
        nanos += (**text - '0') * scale;
    }
    *ret_nanos = nanos;
    return true;
}

static bool take_offset(const char **text, const char *end, int *ret_seconds)
{
    if (take_char(text, end, 'Z', 'z')) {
        *ret_seconds = 0;
        return true;
    }
    int sign = *text != end && **text == '-' ? -1 : 1, hours, minutes;
    if (!take_char(text, end, '+', '-') || !take_number(text, end, 2, &hours) ||
        !take_char(text, end, ':', ':') || !take_number(text, end, 2, &minutes) || hours > 23 ||
        minutes > 59)
        return false;
    *ret_seconds = sign * (hours * 3600 + minutes * 60);
    return true;
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

bool ink_rfc3339_parse(const char *text, size_t size, int64_t *ret_seconds, int32_t *ret_nanos)
{
    const char *end = text + size;
    struct tm tm = {0};
    int year, month, offset;
    int32_t nanos = 0;
    if (!take_number(&text, end, 4, &year) || !take_char(&text, end, '-', '-') ||
        !take_number(&text, end, 2, &month) || !take_char(&text, end, '-', '-') ||
        !take_number(&text, end, 2, &tm.tm_mday) || !take_char(&text, end, 'T', 't') ||
        !take_number(&text, end, 2, &tm.tm_hour) || !take_char(&text, end, ':', ':') ||
        !take_number(&text, end, 2, &tm.tm_min) || !take_char(&text, end, ':', ':') ||
        !take_number(&text, end, 2, &tm.tm_sec))
        return false;
    if (take_char(&text, end, '.', '.') && !take_fraction(&text, end, &nanos))
        return false;
    if (!take_offset(&text, end, &offset) || text != end)
        return false;
    if (year < 1 || month < 1 || month > 12 || tm.tm_mday < 1 ||
        tm.tm_mday > days_of_month(year, month) || tm.tm_hour > 23 || tm.tm_min > 59 ||
        tm.tm_sec > 59)
        return false;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    int64_t seconds = (int64_t)timegm(&tm) - offset;
    if (seconds < INT64_C(-62135596800) || seconds > INT64_C(253402300799))
        return false;
    *ret_seconds = seconds;
    *ret_nanos = nanos;
    return true;
}
