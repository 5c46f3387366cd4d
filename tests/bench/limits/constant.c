/*
 * constant PORT THREADS FILE: civetweb that answers everything with the file's JSON. What lib/http
 * could serve at most if nothing but HTTP had to be done.
 */
#include <civetweb.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct answer {
    char text[65536]; /* header and body */
    size_t size;
};

static int serve(struct mg_connection *conn, void *self)
{
    const struct answer *answer = self;
    mg_write(conn, answer->text, answer->size);
    return 200;
}

static bool read_answer(const char *path, struct answer *answer)
{
    char body[32768];
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    size_t size = fread(body, 1, sizeof(body), file);
    fclose(file);
    int head = snprintf(answer->text, sizeof(answer->text),
                        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                        "Content-Length: %zu\r\n\r\n",
                        size);
    memcpy(answer->text + head, body, size);
    answer->size = (size_t)head + size;
    return size > 0 && size < sizeof(body);
}

static struct mg_context *start(const char *port, const char *threads, struct answer *answer)
{
    char address[64];
    snprintf(address, sizeof(address), "127.0.0.1:%s", port);
    const char *options[] = {
        "listening_ports",
        address,
        "num_threads",
        threads,
        "enable_keep_alive",
        "yes",
        "tcp_nodelay",
        "1",
        "keep_alive_timeout_ms",
        "30000",
        "listen_backlog",
        "1024",
        "enable_auth_domain_check",
        "no",
        "connection_queue",
        "128",
        NULL,
    };
    struct mg_context *context = mg_start(NULL, NULL, options);
    if (context != NULL)
        mg_set_request_handler(context, "/", serve, answer);
    return context;
}

int main(int argc, char **argv)
{
    static struct answer answer;
    if (argc != 4 || !read_answer(argv[3], &answer)) {
        fprintf(stderr, "constant PORT THREADS FILE, with up to 32 KB in the file\n");
        return 1;
    }
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    struct mg_context *context = start(argv[1], argv[2], &answer);
    if (context == NULL) {
        fprintf(stderr, "constant: port %s cannot be served\n", argv[1]);
        return 1;
    }
    int signal;
    sigwait(&signals, &signal);
    mg_stop(context);
    return 0;
}
