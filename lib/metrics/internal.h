/*
 * What a registry is made of. Private to lib/metrics.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/metrics/metrics.h"

#define INK_METRICS_BUCKETS 256

enum ink_metric_kind { INK_METRIC_COUNTER, INK_METRIC_GAUGE, INK_METRIC_HISTOGRAM };

struct ink_series {
    struct ink_metric *metric;
    struct ink_series *next_in_bucket; /* constant once the series can be seen */
    struct ink_series *next_in_order;  /* under the metric's lock */
    uint64_t hash;
    char **values;        /* as many as the metric has labels */
    _Atomic double value; /* of a histogram: the sum */
    ink_metrics_read_fn *read;
    void *self;                /* both under the metric's lock */
    _Atomic uint64_t counts[]; /* of a histogram: of each bound, and of +Inf; not cumulative */
};

struct ink_metric {
    struct ink_metric *next;
    enum ink_metric_kind kind;
    char *name;
    char *help;
    char **labels;
    size_t n_labels;
    double *bounds;
    size_t n_bounds;
    pthread_mutex_t lock; /* for making series, callbacks, and reading all */
    struct ink_series *first, **last;
    size_t n_series;
    /* Chains of series that only grow at their heads, so that looking up needs no lock. */
    _Atomic(struct ink_series *) buckets[INK_METRICS_BUCKETS];
};

struct ink_metrics {
    struct ink_metric *first, **last;
};

/* The current value, as ink_series_value(), for who holds the metric's lock. */
double ink_series_read(const struct ink_series *series);
