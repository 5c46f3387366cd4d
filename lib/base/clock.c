#include "lib/base/clock.h"

#include <time.h>

/* The first seconds of the years 0 and 1, and the last one of 9999. */
#define YEAR_0 INT64_C(-62167219200)
#define YEAR_1 INT64_C(-62135596800)
#define YEAR_9999 INT64_C(253402300799)

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

/* Writes the last `digits` decimal digits of a number, and returns what is behind them. */
static char *put_number(char *out, int digits, int64_t number)
{
    for (int i = digits - 1; i >= 0; i--, number /= 10)
        out[i] = (char)('0' + number % 10);
    return out + digits;
}

/* The date of a day since 1970, in the proleptic Gregorian calendar: years begin in March here, so
 * that the leap day is the last of its year, and 400 of them are an era of 146,097 days. */
static char *put_date(char *out, int64_t day)
{
    day += 719468; /* since March 1st of the year 0 */
    int64_t era = (day >= 0 ? day : day - 146096) / 146097;
    int64_t of_era = day - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153; /* 0 is March */
    out = put_number(out, 4, year + era * 400 + (month >= 10));
    *out++ = '-';
    out = put_number(out, 2, month < 10 ? month + 3 : month - 9);
    *out++ = '-';
    return put_number(out, 2, of_year - (153 * month + 2) / 5 + 1);
}

void ink_rfc3339(int64_t seconds, int32_t nanos, char *out)
{
    if (seconds < YEAR_0)
        seconds = YEAR_0;
    if (seconds > YEAR_9999)
        seconds = YEAR_9999;
    int64_t day = (seconds >= 0 ? seconds : seconds - 86399) / 86400;
    int64_t of_day = seconds - day * 86400;
    out = put_date(out, day);
    *out++ = 'T';
    out = put_number(out, 2, of_day / 3600);
    *out++ = ':';
    out = put_number(out, 2, of_day / 60 % 60);
    *out++ = ':';
    out = put_number(out, 2, of_day % 60);
    if (nanos != 0) {
        bool millis = nanos % 1000000 == 0, micros = nanos % 1000 == 0;
        *out++ = '.';
        out = millis   ? put_number(out, 3, nanos / 1000000)
              : micros ? put_number(out, 6, nanos / 1000)
                       : put_number(out, 9, nanos);
    }
    *out++ = 'Z';
    *out = '\0';
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
    if (seconds < YEAR_1 || seconds > YEAR_9999)
        return false;
    *ret_seconds = seconds;
    *ret_nanos = nanos;
    return true;
}
