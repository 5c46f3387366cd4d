/*
 * hashes COST SECONDS: how many bcrypt hashes of that cost all processors make in a second, and
 * nothing else. Prints the rate.
 */
#include <crypt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static char setting[CRYPT_GENSALT_OUTPUT_SIZE];
static atomic_bool over;
static atomic_ulong count;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void *work(void *unused)
{
    static _Thread_local struct crypt_data data;
    while (!over) {
        if (crypt_rn("correct horse battery", setting, &data, sizeof(data)) == NULL)
            abort();
        count++;
    }
    return unused;
}

int main(int argc, char **argv)
{
    unsigned long cost = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
    unsigned seconds = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    const char salt[16] = "0123456789abcdef";
    if (seconds == 0 ||
        crypt_gensalt_rn("$2b$", cost, salt, sizeof(salt), setting, sizeof(setting)) == NULL) {
        fprintf(stderr, "hashes COST SECONDS\n");
        return 1;
    }
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    pthread_t *threads = calloc((size_t)processors, sizeof(*threads));
    double begin = now();
    for (long i = 0; i < processors; i++) {
        if (pthread_create(&threads[i], NULL, work, NULL) != 0)
            abort();
    }
    sleep(seconds);
    over = true;
    /* Hashes that began in time are counted, and so is the time until they end. */
    for (long i = 0; i < processors; i++)
        pthread_join(threads[i], NULL);
    printf("%.3f\n", (double)count / (now() - begin));
    free(threads);
    return 0;
}
