/* What tests/support/control.h promises: when a verb returns, it has been carried out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/support/control.h"

static int url_port(const char *url)
{
    return atoi(strrchr(url, ':') + 1);
}

/* A connection whose reads give up after 300 ms, or -1. */
static int dial(int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        .sin_port = htons((in_port_t)port),
    };
    struct timeval patience = {.tv_usec = 300000};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

static int redis_answers(void)
{
    char answer[16] = "";
    int fd = dial(url_port(test_redis_url()));

    if (fd < 0)
        return 0;
    ssize_t size = write(fd, "PING\r\n", 6) == 6 ? read(fd, answer, sizeof(answer)) : -1;
    close(fd);
    return size == 7 && memcmp(answer, "+PONG\r\n", 7) == 0;
}

static int postgres_listens(void)
{
    int fd = dial(url_port(test_postgres_url()));

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void redis_is_hurt_and_healed(void **state)
{
    (void)state;
    assert_true(redis_answers());
    test_control("pause", "redis");
    assert_false(redis_answers());
    test_control("resume", "redis");
    assert_true(redis_answers());
    test_control("kill", "redis");
    assert_false(redis_answers());
    test_control("start", "redis");
    assert_true(redis_answers());
}

static void postgres_is_hurt_and_healed(void **state)
{
    (void)state;
    assert_true(postgres_listens());
    test_control("stop", "postgres");
    assert_false(postgres_listens());
    test_control("restart", "postgres");
    assert_true(postgres_listens());
}

static void ports_are_free_and_distinct(void **state)
{
    (void)state;
    assert_int_not_equal(test_port(1), test_port(2));
    assert_int_equal(dial(test_port(1)), -1);
    assert_int_equal(dial(test_port(2)), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(redis_is_hurt_and_healed),
        cmocka_unit_test(postgres_is_hurt_and_healed),
        cmocka_unit_test(ports_are_free_and_distinct),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
