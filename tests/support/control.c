#include "tests/support/control.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    if (value == NULL) {
        fprintf(stderr, "%s is not set: run this test through with_servers.py\n", name);
        abort();
    }
    return value;
}

static FILE *connect_control(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        .sin_port = htons((in_port_t)atoi(environment("INK_TEST_CONTROL"))),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        perror("control channel");
        abort();
    }
    return fdopen(fd, "r+");
}

void test_control(const char *verb, const char *server)
{
    char answer[1024] = "no answer";
    FILE *channel = connect_control();

    fprintf(channel, "%s %s\n", verb, server);
    fflush(channel);
    bool answered = fgets(answer, sizeof(answer), channel) != NULL;
    fclose(channel);
    if (!answered || strcmp(answer, "ok\n") != 0) {
        fprintf(stderr, "control: %s %s: %s\n", verb, server, answer);
        abort();
    }
}

const char *test_postgres_url(void)
{
    return environment("INK_TEST_POSTGRES_URL");
}

const char *test_redis_url(void)
{
    return environment("INK_TEST_REDIS_URL");
}

const char *test_kafka_brokers(void)
{
    return environment("INK_TEST_KAFKA_URL");
}

int test_port(int number)
{
    char name[32];
    snprintf(name, sizeof(name), "INK_TEST_PORT_%d", number);
    return atoi(environment(name));
}
