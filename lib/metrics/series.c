#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/metrics/internal.h"

/* FNV-1a, over the values and the NULs between them. */
static uint64_t hash_of(const char *const *values, size_t count)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < count; i++) {
        const unsigned char *c = (const unsigned char *)values[i];
        do
            hash = (hash ^ *c) * UINT64_C(1099511628211);
        while (*c++ != '\0');
    }
    return hash;
}

static bool same(const struct ink_series *series, const char *const *values)
{
    for (size_t i = 0; i < series->metric->n_labels; i++)
        if (strcmp(series->values[i], values[i]) != 0)
            return false;
    return true;
}

static struct ink_series *find(struct ink_metric *metric, uint64_t hash, const char *const *values)
{
    struct ink_series *each =
        atomic_load_explicit(&metric->buckets[hash % INK_METRICS_BUCKETS], memory_order_acquire);
    while (each != NULL && (each->hash != hash || !same(each, values)))
        each = each->next_in_bucket;
    return each;
}

static struct ink_series *make(struct ink_metric *metric, uint64_t hash, const char *const *values)
{
    size_t n_counts = metric->kind == INK_METRIC_HISTOGRAM ? metric->n_bounds + 1 : 0;
    struct ink_series *series =
        ink_calloc(1, sizeof(*series) + n_counts * sizeof(series->counts[0]));
    series->metric = metric;
    series->hash = hash;
    series->values = ink_calloc(metric->n_labels + 1, sizeof(char *));
    for (size_t i = 0; i < metric->n_labels; i++)
        series->values[i] = ink_strdup(values[i]);
    *metric->last = series;
    metric->last = &series->next_in_order;
    metric->n_series++;
    _Atomic(struct ink_series *) *head = &metric->buckets[hash % INK_METRICS_BUCKETS];
    series->next_in_bucket = atomic_load_explicit(head, memory_order_relaxed);
    atomic_store_explicit(head, series, memory_order_release);
    return series;
}

/* The series that counts what there is no room for. */
static struct ink_series *overflow(struct ink_metric *metric)
{
    const char **values = ink_calloc(metric->n_labels + 1, sizeof(*values));
    for (size_t i = 0; i < metric->n_labels; i++)
        values[i] = "other";
    uint64_t hash = hash_of(values, metric->n_labels);
    struct ink_series *series = find(metric, hash, values);
    if (series == NULL)
        series = make(metric, hash, values);
    free(values);
    return series;
}

struct ink_series *ink_metric_series(struct ink_metric *metric, const char *const *values)
{
    uint64_t hash = hash_of(values, metric->n_labels);
    struct ink_series *series = find(metric, hash, values);
    if (series != NULL)
        return series;
    pthread_mutex_lock(&metric->lock);
    series = find(metric, hash, values);
    if (series == NULL && metric->n_series < INK_METRICS_MAX_SERIES)
        series = make(metric, hash, values);
    else if (series == NULL)
        series = overflow(metric);
    pthread_mutex_unlock(&metric->lock);
    return series;
}

void ink_series_add(struct ink_series *series, double by)
{
    double old = atomic_load_explicit(&series->value, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&series->value, &old, old + by,
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
}

void ink_series_set(struct ink_series *series, double value)
{
    atomic_store_explicit(&series->value, value, memory_order_relaxed);
}

void ink_series_observe(struct ink_series *series, double value)
{
    const struct ink_metric *metric = series->metric;
    size_t i = 0;
    while (i < metric->n_bounds && value > metric->bounds[i])
        i++;
    atomic_fetch_add_explicit(&series->counts[i], 1, memory_order_relaxed);
    ink_series_add(series, value);
}

double ink_series_read(const struct ink_series *series)
{
    if (series->read != NULL)
        return series->read(series->self);
    if (series->metric->kind != INK_METRIC_HISTOGRAM)
        return atomic_load_explicit(&series->value, memory_order_relaxed);
    double count = 0;
    for (size_t i = 0; i <= series->metric->n_bounds; i++)
        count += (double)atomic_load_explicit(&series->counts[i], memory_order_relaxed);
    return count;
}

double ink_series_value(const struct ink_series *series)
{
    pthread_mutex_lock(&series->metric->lock);
    double value = ink_series_read(series);
    pthread_mutex_unlock(&series->metric->lock);
    return value;
}

void ink_series_callback(struct ink_series *series, ink_metrics_read_fn *read, void *self)
{
    pthread_mutex_lock(&series->metric->lock);
    series->read = read;
    series->self = self;
    pthread_mutex_unlock(&series->metric->lock);
}
