#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/metrics/internal.h"

const double ink_metrics_seconds[INK_METRICS_N_SECONDS] = {
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
};

struct ink_metrics *ink_metrics_new(void)
{
    struct ink_metrics *metrics = ink_calloc(1, sizeof(*metrics));
    metrics->last = &metrics->first;
    return metrics;
}

static void free_list(char **list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(list[i]);
    free(list);
}

static void metric_free(struct ink_metric *metric)
{
    while (metric->first != NULL) {
        struct ink_series *series = metric->first;
        metric->first = series->next_in_order;
        free_list(series->values, metric->n_labels);
        free(series);
    }
    free_list(metric->labels, metric->n_labels);
    free(metric->name);
    free(metric->help);
    free(metric->bounds);
    pthread_mutex_destroy(&metric->lock);
    free(metric);
}

void ink_metrics_free(struct ink_metrics *metrics)
{
    if (metrics == NULL)
        return;
    while (metrics->first != NULL) {
        struct ink_metric *metric = metrics->first;
        metrics->first = metric->next;
        metric_free(metric);
    }
    free(metrics);
}

static void mistake(const char *name, const char *problem)
{
    fprintf(stderr, "metric %s: %s\n", name, problem);
    abort();
}

/* [a-zA-Z_:][a-zA-Z0-9_:]*, for labels without the colon. */
static bool valid_name(const char *name, bool colon)
{
    if (isdigit((unsigned char)name[0]) || name[0] == '\0')
        return false;
    for (; *name != '\0'; name++)
        if (!isalnum((unsigned char)*name) && *name != '_' && !(colon && *name == ':'))
            return false;
    return true;
}

static size_t length(const char *const *labels)
{
    size_t n = 0;
    while (labels != NULL && labels[n] != NULL)
        n++;
    return n;
}

static bool alike(const struct ink_metric *metric, enum ink_metric_kind kind,
                  const char *const *labels)
{
    if (metric->kind != kind || metric->n_labels != length(labels))
        return false;
    for (size_t i = 0; i < metric->n_labels; i++)
        if (strcmp(metric->labels[i], labels[i]) != 0)
            return false;
    return true;
}

static struct ink_metric *make(struct ink_metrics *metrics, enum ink_metric_kind kind,
                               const char *name, const char *help, const char *const *labels)
{
    if (!valid_name(name, true))
        mistake(name, "is no name for a metric");
    struct ink_metric *metric = ink_calloc(1, sizeof(*metric));
    metric->kind = kind;
    metric->name = ink_strdup(name);
    metric->help = ink_strdup(help);
    metric->n_labels = length(labels);
    metric->labels = ink_calloc(metric->n_labels + 1, sizeof(char *));
    for (size_t i = 0; i < metric->n_labels; i++) {
        if (!valid_name(labels[i], false) || strcmp(labels[i], "le") == 0)
            mistake(name, "has a label that cannot be");
        metric->labels[i] = ink_strdup(labels[i]);
    }
    pthread_mutex_init(&metric->lock, NULL);
    metric->last = &metric->first;
    *metrics->last = metric;
    metrics->last = &metric->next;
    return metric;
}

static struct ink_metric *find_or_make(struct ink_metrics *metrics, enum ink_metric_kind kind,
                                       const char *name, const char *help,
                                       const char *const *labels)
{
    struct ink_metric *metric = metrics->first;
    while (metric != NULL && strcmp(metric->name, name) != 0)
        metric = metric->next;
    if (metric == NULL)
        return make(metrics, kind, name, help, labels);
    if (!alike(metric, kind, labels))
        mistake(name, "is there already and of another kind");
    return metric;
}

struct ink_metric *ink_metrics_counter(struct ink_metrics *metrics, const char *name,
                                       const char *help, const char *const *labels)
{
    return find_or_make(metrics, INK_METRIC_COUNTER, name, help, labels);
}

struct ink_metric *ink_metrics_gauge(struct ink_metrics *metrics, const char *name,
                                     const char *help, const char *const *labels)
{
    return find_or_make(metrics, INK_METRIC_GAUGE, name, help, labels);
}

struct ink_metric *ink_metrics_histogram(struct ink_metrics *metrics, const char *name,
                                         const char *help, const char *const *labels,
                                         const double *bounds, size_t n_bounds)
{
    struct ink_metric *metric = find_or_make(metrics, INK_METRIC_HISTOGRAM, name, help, labels);
    if (metric->bounds != NULL)
        return metric;
    metric->n_bounds = bounds != NULL ? n_bounds : INK_METRICS_N_SECONDS;
    metric->bounds = ink_calloc(metric->n_bounds + 1, sizeof(double));
    memcpy(metric->bounds, bounds != NULL ? bounds : ink_metrics_seconds,
           metric->n_bounds * sizeof(double));
    for (size_t i = 1; i < metric->n_bounds; i++)
        if (metric->bounds[i] <= metric->bounds[i - 1])
            mistake(name, "has bounds that do not ascend");
    return metric;
}
