#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/metrics/internal.h"

/* The n-th number (from 1) of a line of /proc such as statm, or behind the last ")" of stat; 0 when
 * it cannot be read. */
static double proc_number(const char *path, int n)
{
    char line[1024];
    FILE *file = fopen(path, "re");
    size_t size = file != NULL ? fread(line, 1, sizeof(line) - 1, file) : 0;
    if (file != NULL)
        fclose(file);
    line[size] = '\0';
    char *at = strrchr(line, ')');
    char *rest = NULL, *word = strtok_r(at != NULL ? at + 1 : line, " \n", &rest);
    for (; word != NULL && n > 1; n--)
        word = strtok_r(NULL, " \n", &rest);
    unsigned long long value = 0;
    return word != NULL && sscanf(word, "%llu", &value) == 1 ? (double)value : 0;
}

static double page_size(void)
{
    return (double)sysconf(_SC_PAGESIZE);
}

static double virtual_memory(void *self)
{
    (void)self;
    return proc_number("/proc/self/statm", 1) * page_size();
}

static double resident_memory(void *self)
{
    (void)self;
    return proc_number("/proc/self/statm", 2) * page_size();
}

static double threads(void *self)
{
    (void)self;
    return proc_number("/proc/self/stat", 20 - 2);
}

static double cpu_seconds(void *self)
{
    (void)self;
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double open_fds(void *self)
{
    (void)self;
    double count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        return 0;
    for (const struct dirent *each; (each = readdir(folder)) != NULL;)
        count += each->d_name[0] != '.';
    closedir(folder);
    return count - 1; /* the folder's own */
}

static double max_fds(void *self)
{
    (void)self;
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (double)limit.rlim_cur : 0;
}

/* Field 22 of stat is in clock ticks since the machine started. */
static double start_time(void)
{
    struct timespec up;
    clock_gettime(CLOCK_BOOTTIME, &up);
    double now = (double)ink_wall_clock() / 1e6;
    double boot = now - (double)up.tv_sec - (double)up.tv_nsec / 1e9;
    return boot + proc_number("/proc/self/stat", 22 - 2) / (double)sysconf(_SC_CLK_TCK);
}

static void ask(struct ink_metric *metric, ink_metrics_read_fn *read)
{
    ink_series_callback(ink_metric_series(metric, NULL), read, NULL);
}

void ink_metrics_add_process(struct ink_metrics *metrics, const char *service, const char *version)
{
    ask(ink_metrics_gauge(metrics, "process_resident_memory_bytes", "Resident memory.", NULL),
        resident_memory);
    ask(ink_metrics_gauge(metrics, "process_virtual_memory_bytes", "Virtual memory.", NULL),
        virtual_memory);
    ask(ink_metrics_counter(metrics, "process_cpu_seconds_total", "User and system CPU time spent.",
                            NULL),
        cpu_seconds);
    ask(ink_metrics_gauge(metrics, "process_open_fds", "Open file descriptors.", NULL), open_fds);
    ask(ink_metrics_gauge(metrics, "process_max_fds", "How many may be open.", NULL), max_fds);
    ask(ink_metrics_gauge(metrics, "process_threads", "Threads of the process.", NULL), threads);
    struct ink_metric *start = ink_metrics_gauge(metrics, "process_start_time_seconds",
                                                 "When the process started, Unix time.", NULL);
    ink_series_set(ink_metric_series(start, NULL), start_time());
    struct ink_metric *build = ink_metrics_gauge(metrics, "inkmesh_build_info", "What is running.",
                                                 INK_LABELS("service", "version"));
    ink_series_set(ink_metric_series(build, INK_LABELS(service, version)), 1);
}
