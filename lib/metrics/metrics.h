/*
 * Metrics: counters, gauges and histograms with labels, shown in the Prometheus text format 0.0.4.
 *
 *     struct ink_metric *handled = ink_metrics_counter(metrics, "grpc_server_handled_total",
 *         "Calls by their outcome.", INK_LABELS("grpc_method", "grpc_code"));
 *     ink_series_add(ink_metric_series(handled, INK_LABELS("Login", "OK")), 1);
 *
 * A metric is a family of series, one for each combination of label values; without labels it is
 * `ink_metric_series(metric, NULL)`. Looking a series up takes no lock once it exists, and changing
 * it is one or two atomic operations; callers may also keep the series, which lives as long as the
 * registry. A metric has at most INK_METRICS_MAX_SERIES series; further label values are counted
 * together as "other", so that no client can fill the memory.
 *
 * Metrics are made at start, by one thread; everything else is thread-safe. Values are doubles;
 * times are in seconds.
 */
#pragma once

#include <stddef.h>

#include "lib/base/buf.h"

#define INK_METRICS_MAX_SERIES 1000
/* A label list: NULL-terminated. */
#define INK_LABELS(...) ((const char *const[]){__VA_ARGS__, NULL})

struct ink_metrics;
struct ink_metric;
struct ink_series;

struct ink_metrics *ink_metrics_new(void) INK_MUST_CHECK;
/* Accepts NULL. */
void ink_metrics_free(struct ink_metrics *metrics);

/* Make a metric. `labels` are its label names (INK_LABELS, or NULL for none). A metric that is
 * there already is returned as it is, so that two pools can share one; a name or label that
 * Prometheus forbids, or another kind under the same name, is a programming error and aborts.
 * Texts are copied. */
struct ink_metric *ink_metrics_counter(struct ink_metrics *metrics, const char *name,
                                       const char *help, const char *const *labels);
struct ink_metric *ink_metrics_gauge(struct ink_metrics *metrics, const char *name,
                                     const char *help, const char *const *labels);
/* `bounds`: upper bounds, ascending; NULL means ink_metrics_seconds. +Inf is added. */
struct ink_metric *ink_metrics_histogram(struct ink_metrics *metrics, const char *name,
                                         const char *help, const char *const *labels,
                                         const double *bounds, size_t n_bounds);
/* 0.5 ms to 10 s, for requests. */
#define INK_METRICS_N_SECONDS 14
extern const double ink_metrics_seconds[INK_METRICS_N_SECONDS];

/* The series with these label values, in the order of the names; made when new. Never NULL. */
struct ink_series *ink_metric_series(struct ink_metric *metric, const char *const *values);

/* Counters (never by less than 0) and gauges. */
void ink_series_add(struct ink_series *series, double by);
/* Gauges. */
void ink_series_set(struct ink_series *series, double value);
/* Histograms. */
void ink_series_observe(struct ink_series *series, double value);

/* The current value; of a histogram, how many were observed. */
double ink_series_value(const struct ink_series *series);

/* A counter or gauge that is asked for when it is read: pool sizes, queue depths. `read` must be
 * thread-safe and quick. Before whatever `self` is goes away, call with `read` NULL: when that
 * returns, `read` runs no more. */
typedef double ink_metrics_read_fn(void *self);
void ink_series_callback(struct ink_series *series, ink_metrics_read_fn *read, void *self);

/* process_resident_memory_bytes, process_virtual_memory_bytes, process_cpu_seconds_total,
 * process_open_fds, process_max_fds, process_start_time_seconds, process_threads; and
 * inkmesh_build_info{service,version}, which is 1. */
void ink_metrics_add_process(struct ink_metrics *metrics, const char *service, const char *version);

/* All series as text, metrics in the order of their making. */
#define INK_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
void ink_metrics_write(struct ink_metrics *metrics, struct ink_buf *out);
