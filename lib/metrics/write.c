#include <inttypes.h>
#include <math.h>

#include "lib/metrics/internal.h"

/* Help and label values: backslash and line feed are escaped, in values the quote too. */
static void put_escaped(struct ink_buf *out, const char *text, bool quoted)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n')
            ink_buf_puts(out, "\\n");
        else if (*text == '\\' || (quoted && *text == '"'))
            ink_buf_printf(out, "\\%c", *text);
        else
            ink_buf_putc(out, *text);
    }
}

static void put_number(struct ink_buf *out, double value)
{
    if (isnan(value))
        ink_buf_puts(out, "NaN");
    else if (isinf(value))
        ink_buf_puts(out, value > 0 ? "+Inf" : "-Inf");
    else if (value == floor(value) && fabs(value) < 1e15)
        ink_buf_printf(out, "%" PRId64, (int64_t)value);
    else
        ink_buf_printf(out, "%.15g", value);
}

/* `{a="1",b="2"}`, with `le` for a histogram's bucket; nothing when there are none. */
static void put_labels(struct ink_buf *out, const struct ink_series *series, const double *le)
{
    const struct ink_metric *metric = series->metric;
    if (metric->n_labels == 0 && le == NULL)
        return;
    char before = '{';
    for (size_t i = 0; i < metric->n_labels; i++, before = ',') {
        ink_buf_printf(out, "%c%s=\"", before, metric->labels[i]);
        put_escaped(out, series->values[i], true);
        ink_buf_putc(out, '"');
    }
    if (le != NULL) {
        ink_buf_printf(out, "%cle=\"", before);
        put_number(out, *le);
        ink_buf_putc(out, '"');
    }
    ink_buf_putc(out, '}');
}

static void put_sample(struct ink_buf *out, const struct ink_series *series, const char *suffix,
                       const double *le, double value)
{
    ink_buf_printf(out, "%s%s", series->metric->name, suffix);
    put_labels(out, series, le);
    ink_buf_putc(out, ' ');
    put_number(out, value);
    ink_buf_putc(out, '\n');
}

static void put_histogram(struct ink_buf *out, const struct ink_series *series)
{
    const struct ink_metric *metric = series->metric;
    uint64_t count = 0;
    for (size_t i = 0; i <= metric->n_bounds; i++) {
        double le = i < metric->n_bounds ? metric->bounds[i] : INFINITY;
        count += atomic_load_explicit(&series->counts[i], memory_order_relaxed);
        put_sample(out, series, "_bucket", &le, (double)count);
    }
    put_sample(out, series, "_sum", NULL,
               atomic_load_explicit(&series->value, memory_order_relaxed));
    put_sample(out, series, "_count", NULL, (double)count);
}

static void put_series(struct ink_buf *out, const struct ink_series *series)
{
    if (series->metric->kind == INK_METRIC_HISTOGRAM)
        put_histogram(out, series);
    else
        put_sample(out, series, "", NULL, ink_series_read(series));
}

static void put_metric(struct ink_buf *out, struct ink_metric *metric)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    pthread_mutex_lock(&metric->lock);
    if (metric->first != NULL) {
        ink_buf_printf(out, "# HELP %s ", metric->name);
        put_escaped(out, metric->help, false);
        ink_buf_printf(out, "\n# TYPE %s %s\n", metric->name, types[metric->kind]);
    }
    for (const struct ink_series *each = metric->first; each != NULL; each = each->next_in_order)
        put_series(out, each);
    pthread_mutex_unlock(&metric->lock);
}

void ink_metrics_write(struct ink_metrics *metrics, struct ink_buf *out)
{
    for (struct ink_metric *each = metrics->first; each != NULL; each = each->next)
        put_metric(out, each);
}
