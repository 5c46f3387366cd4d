/*
 * A C test's hand on the servers that tests/support/with_servers.py runs beside it.
 *
 * Each call returns when the verb has been carried out (start and restart: when the server is ready
 * again) and ends the test program with a message on stderr when it could not be: a test that lost
 * its servers has nothing more to say. May be called from any thread, one at a time.
 */
#pragma once

/* `verb` is start, stop, kill, pause, resume or restart; `server` is postgres,
 * redis or kafka. */
void test_control(const char *verb, const char *server);

/* The URLs of the running servers. They belong to the environment; never NULL. */
const char *test_postgres_url(void);
const char *test_redis_url(void);
/* "HOST:PORT", as Kafka's clients want it. */
const char *test_kafka_brokers(void);

/* The free port number `number` (from 1) of 127.0.0.1, as many as the test's `ports` asked for. */
int test_port(int number);
