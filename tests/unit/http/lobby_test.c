/* Who gets a thread, and when: guests are one end of a socket pair, the test holds the other. */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/alloc.h"
#include "lib/base/blocks.h"
#include "lib/base/clock.h"
#include "lib/http/lobby.h"

#define LONG_TIME (ink_now() + 60 * INK_SECOND)

struct guest {
    struct ink_guest waits;
    int other;
};

static atomic_int discarded, freed;

static void discard(void *self, struct ink_guest *guest)
{
    (void)self;
    close(guest->fd);
    atomic_fetch_add(&discarded, 1);
}

static void free_guest(void *self, struct ink_guest *waits)
{
    struct guest *guest = (struct guest *)waits;
    (void)self;
    close(guest->other);
    free(guest);
    atomic_fetch_add(&freed, 1);
}

static struct ink_lobby *open_lobby(unsigned most, unsigned runners)
{
    discarded = freed = 0;
    struct ink_lobby *lobby = ink_lobby_new(&(struct ink_lobby_options){
        .most = most, .runners = runners, .discard = discard, .free = free_guest});
    assert_non_null(lobby);
    return lobby;
}

/* The test's own thread serves one lobby after the other. */
static void close_lobby(struct ink_lobby *lobby)
{
    ink_blocks();
    ink_lobby_free(lobby);
}

static struct guest *enter(struct ink_lobby *lobby)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    struct guest *guest = ink_calloc(1, sizeof(*guest));
    guest->other = pair[1];
    ink_lobby_enter(lobby, &guest->waits, pair[0]);
    return guest;
}

static struct guest *quiet(struct ink_lobby *lobby)
{
    struct guest *guest = enter(lobby);
    assert_true(ink_lobby_wait(lobby, &guest->waits, INK_LOBBY_QUIET, LONG_TIME));
    return guest;
}

static void say(struct guest *guest)
{
    assert_int_equal(write(guest->other, "x", 1), 1);
}

static void hear(struct guest *guest)
{
    char c;
    assert_int_equal(read(guest->waits.fd, &c, 1), 1);
}

static void those_who_stir_are_served(void **state)
{
    struct ink_lobby *lobby = open_lobby(10, 1);
    struct guest *first = quiet(lobby), *second = quiet(lobby);
    (void)state;
    say(second);
    assert_ptr_equal(ink_lobby_next(lobby), &second->waits);
    say(first);
    assert_ptr_equal(ink_lobby_next(lobby), &first->waits);
    assert_int_equal(ink_lobby_waiting(lobby), 0);
    assert_int_equal(ink_lobby_guests(lobby), 2);
    close_lobby(lobby);
    assert_int_equal(discarded, 2);
    assert_int_equal(freed, 2);
}

static void what_comes_while_away_is_not_missed(void **state)
{
    struct ink_lobby *lobby = open_lobby(10, 1);
    struct guest *guest = quiet(lobby), *other = quiet(lobby);
    (void)state;
    say(guest);
    assert_ptr_equal(ink_lobby_next(lobby), &guest->waits);
    hear(guest);
    say(guest); /* the next request, before the first one was answered */
    say(other);
    assert_ptr_equal(ink_lobby_next(lobby), &other->waits);
    assert_true(ink_lobby_wait(lobby, &guest->waits, INK_LOBBY_QUIET, LONG_TIME));
    assert_ptr_equal(ink_lobby_next(lobby), &guest->waits);
    close_lobby(lobby);
}

static void who_leaves_is_forgotten(void **state)
{
    struct ink_lobby *lobby = open_lobby(10, 1);
    struct guest *gone = quiet(lobby), *here = quiet(lobby);
    (void)state;
    say(gone);
    assert_ptr_equal(ink_lobby_next(lobby), &gone->waits);
    close(gone->waits.fd);
    ink_lobby_leave(lobby, &gone->waits);
    say(here);
    assert_ptr_equal(ink_lobby_next(lobby), &here->waits);
    assert_int_equal(freed, 1);
    assert_int_equal(discarded, 0);
    close_lobby(lobby);
}

/* A thread that takes one guest, says so, and holds it until it is told to go on. */
struct server {
    struct ink_lobby *lobby;
    bool blocks;
    sem_t took, go_on;
    struct ink_guest *guest;
    pthread_t thread;
};

static void *serve(void *self)
{
    struct server *server = self;
    server->guest = ink_lobby_next(server->lobby);
    if (server->blocks)
        ink_blocks();
    sem_post(&server->took);
    sem_wait(&server->go_on);
    while (ink_lobby_next(server->lobby) != NULL)
        ;
    return NULL;
}

static void hire(struct server *server, struct ink_lobby *lobby, bool blocks)
{
    server->lobby = lobby;
    server->blocks = blocks;
    sem_init(&server->took, 0, 0);
    sem_init(&server->go_on, 0, 0);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void dismiss(struct server *server)
{
    sem_post(&server->go_on);
    pthread_join(server->thread, NULL);
    sem_destroy(&server->took);
    sem_destroy(&server->go_on);
}

static void who_blocks_is_replaced(void **state)
{
    enum { SERVERS = 3 };
    struct ink_lobby *lobby = open_lobby(10, 1);
    struct server servers[SERVERS];
    struct guest *guests[SERVERS];
    (void)state;
    for (int i = 0; i < SERVERS; i++)
        guests[i] = quiet(lobby);
    for (int i = 0; i < SERVERS; i++)
        hire(&servers[i], lobby, true);
    for (int i = 0; i < SERVERS; i++)
        say(guests[i]);
    for (int i = 0; i < SERVERS; i++) /* though only one may run, and none has finished */
        sem_wait(&servers[i].took);
    ink_lobby_stop(lobby);
    for (int i = 0; i < SERVERS; i++) {
        assert_non_null(servers[i].guest);
        dismiss(&servers[i]);
    }
    close_lobby(lobby);
}

static void threads_go_home_when_it_stops(void **state)
{
    struct ink_lobby *lobby = open_lobby(10, 2);
    struct server servers[4];
    struct guest *guest = quiet(lobby);
    (void)state;
    for (int i = 0; i < 4; i++)
        hire(&servers[i], lobby, false);
    ink_lobby_stop(lobby);
    for (int i = 0; i < 4; i++) {
        sem_wait(&servers[i].took);
        assert_null(servers[i].guest);
        dismiss(&servers[i]);
    }
    assert_int_equal(discarded, 1);
    struct guest *late = enter(lobby);
    (void)guest;
    assert_false(ink_lobby_wait(lobby, &late->waits, INK_LOBBY_QUIET, LONG_TIME));
    assert_false(ink_lobby_line_up(lobby, &late->waits));
    close_lobby(lobby);
    assert_int_equal(freed, 2);
}

static void who_is_in_line_when_it_stops_is_served(void **state)
{
    struct ink_lobby *lobby = open_lobby(10, 1);
    struct guest *waits = quiet(lobby), *in_line = enter(lobby);
    (void)state;
    assert_true(ink_lobby_line_up(lobby, &in_line->waits));
    ink_lobby_stop(lobby);
    assert_int_equal(discarded, 1);
    (void)waits;
    assert_ptr_equal(ink_lobby_next(lobby), &in_line->waits);
    assert_null(ink_lobby_next(lobby));
    close_lobby(lobby);
    assert_int_equal(discarded, 2);
}

static void await(const atomic_int *value, int expected)
{
    for (int i = 0; i < 1000 && atomic_load(value) < expected; i++)
        usleep(10000);
    assert_int_equal(atomic_load(value), expected);
}

static void whose_time_is_over_goes(void **state)
{
    struct ink_lobby *lobby = open_lobby(10, 1);
    struct guest *silent = enter(lobby), *drips = enter(lobby);
    (void)state;
    assert_true(ink_lobby_wait(lobby, &silent->waits, INK_LOBBY_QUIET, ink_now()));
    assert_true(ink_lobby_wait(lobby, &drips->waits, INK_LOBBY_HEADER, ink_now()));
    assert_ptr_equal(ink_lobby_next(lobby), &drips->waits); /* to be told */
    await(&discarded, 1);
    close_lobby(lobby);
}

static void of_too_many_the_oldest_go(void **state)
{
    struct ink_lobby *lobby = open_lobby(3, 1);
    struct guest *guests[5];
    (void)state;
    for (int i = 0; i < 5; i++)
        guests[i] = quiet(lobby);
    await(&discarded, 2);
    for (int i = 2; i < 5; i++)
        say(guests[i]);
    for (int i = 2; i < 5; i++)
        assert_non_null(ink_lobby_next(lobby));
    close_lobby(lobby);
}

/* Nobody comes for those who are in line, and they are not thrown out of it. */
static void a_long_line_leaves_less_room_to_wait(void **state)
{
    struct ink_lobby *lobby = open_lobby(3, 1);
    struct guest *first = quiet(lobby), *second = quiet(lobby);
    int64_t until = ink_now() + 20 * INK_SECOND;
    (void)state;
    say(first);
    say(second);
    while (ink_lobby_busy(lobby) < 2 && ink_now() < until)
        usleep(10000);
    assert_int_equal(ink_lobby_busy(lobby), 2);
    (void)quiet(lobby);
    (void)quiet(lobby);
    await(&discarded, 1);
    for (int i = 0; i < 2; i++)
        assert_non_null(ink_lobby_next(lobby));
    assert_int_equal(ink_lobby_busy(lobby), 2);
    assert_int_equal(ink_lobby_guests(lobby), 3);
    close_lobby(lobby);
}

/* Who is being served, and closed its side; not at once, and none of those who are still there. */
static void it_is_told_who_left(void **state)
{
    struct ink_lobby *lobby = open_lobby(10, 1);
    struct guest *one = quiet(lobby), *other = quiet(lobby);
    (void)state;
    say(one);
    say(other);
    assert_non_null(ink_lobby_next(lobby));
    assert_non_null(ink_lobby_next(lobby));
    ink_blocks();
    int64_t begun = ink_now(), until = begun + 20 * INK_SECOND;
    shutdown(one->other, SHUT_WR);
    while (!atomic_load(&one->waits.left) && ink_now() < until)
        usleep(10000);
    assert_true(atomic_load(&one->waits.left));
    assert_true(ink_now() - begun >= INK_SECOND);
    assert_false(atomic_load(&other->waits.left));
    close_lobby(lobby);
}

static void goodbyes_are_heard_out(void **state)
{
    struct ink_lobby *lobby = open_lobby(10, 1);
    struct guest *guest = enter(lobby), *other = quiet(lobby);
    char much[4096] = "";
    (void)state;
    assert_true(ink_lobby_wait(lobby, &guest->waits, INK_LOBBY_GOODBYE, LONG_TIME));
    for (int i = 0; i < 40; i++)
        assert_int_equal(write(guest->other, much, sizeof(much)), sizeof(much));
    say(other);
    assert_ptr_equal(ink_lobby_next(lobby), &other->waits);
    shutdown(guest->other, SHUT_WR);
    struct server server;
    ink_blocks();
    hire(&server, lobby, false); /* somebody has to look */
    await(&discarded, 1);
    ink_lobby_stop(lobby);
    dismiss(&server);
    close_lobby(lobby);
}

/* What came while it was in line, and nobody read. */
static void goodbyes_are_heard_out_from_the_beginning(void **state)
{
    struct ink_lobby *lobby = open_lobby(10, 1);
    struct guest *guest = quiet(lobby);
    (void)state;
    say(guest);
    assert_ptr_equal(ink_lobby_next(lobby), &guest->waits);
    assert_true(ink_lobby_wait(lobby, &guest->waits, INK_LOBBY_GOODBYE, LONG_TIME));
    ink_blocks();
    struct server server;
    hire(&server, lobby, false);
    int unread = 1;
    for (int i = 0; i < 1000 && unread > 0; i++) {
        usleep(10000);
        assert_int_equal(ioctl(guest->waits.fd, FIONREAD, &unread), 0);
    }
    assert_int_equal(unread, 0);
    ink_lobby_stop(lobby);
    dismiss(&server);
    ink_lobby_free(lobby);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_who_stir_are_served),
        cmocka_unit_test(what_comes_while_away_is_not_missed),
        cmocka_unit_test(who_leaves_is_forgotten),
        cmocka_unit_test(who_blocks_is_replaced),
        cmocka_unit_test(threads_go_home_when_it_stops),
        cmocka_unit_test(who_is_in_line_when_it_stops_is_served),
        cmocka_unit_test(whose_time_is_over_goes),
        cmocka_unit_test(of_too_many_the_oldest_go),
        cmocka_unit_test(a_long_line_leaves_less_room_to_wait),
        cmocka_unit_test(it_is_told_who_left),
        cmocka_unit_test(goodbyes_are_heard_out),
        cmocka_unit_test(goodbyes_are_heard_out_from_the_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
