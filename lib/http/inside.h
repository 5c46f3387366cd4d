/*
 * What lib/http needs of civetweb beyond its public interface; see inside.c. A connection's
 * functions belong to its own thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ink_guest;
struct ink_ip;
struct ink_lobby;
struct mg_connection;
struct mg_context;

/* The bytes of the header, from the first of the request to behind the empty line. */
void ink_mg_head(const struct mg_connection *conn, const char **ret_begin, const char **ret_end);
/* Whether nothing came of a request but the empty line that may be in front of it. */
bool ink_mg_has_nothing(const struct mg_connection *conn);
/* Whether the method is HEAD, also of a request that could not be parsed. */
bool ink_mg_asks_for_head(const struct mg_connection *conn);
/* Whether the header did not fit into the buffer, and whether its first line did not. */
bool ink_mg_buffer_full(const struct mg_connection *conn);
bool ink_mg_line_too_long(const struct mg_connection *conn);

/* Whether civetweb serves such a method, if there is one. */
bool ink_mg_knows_method(const char *method);

/* From here on civetweb takes the request for one without a body. What was received behind the
 * header is `buffered`; consumed bytes are ours, the rest belongs to the next request. */
void ink_mg_take_body(struct mg_connection *conn);
size_t ink_mg_buffered(const struct mg_connection *conn, const char **ret_data);
void ink_mg_consume(struct mg_connection *conn, size_t size);
/* Receives what is there, waiting for it if need be: into the buffer, or (when nothing is buffered)
 * to `data`. The number of bytes; 0 when none came in time, -1 when the client has gone. May return
 * 0 early. */
int ink_mg_fill(struct mg_connection *conn, int64_t timeout_ms);
int ink_mg_receive(struct mg_connection *conn, char *data, size_t size, int64_t timeout_ms);

/* Sends all of it; false when the client has gone, did not take all in `timeout_ms`, or took
 * nothing for `stalled_ms` (less, when threads are precious). */
bool ink_mg_send(struct mg_connection *conn, const char *data, size_t size, int64_t timeout_ms,
                 int64_t stalled_ms);
/* How long the request that is to be read next has waited for this thread, ns. */
int64_t ink_mg_waited(const struct mg_connection *conn);
/* Whether civetweb will wait for another request on this connection. */
bool ink_mg_keeps_alive(const struct mg_connection *conn);
/* Whether the client closed the connection, or at least its side of it. */
bool ink_mg_gone(const struct mg_connection *conn);
/* As what the lobby knows the connection. */
const struct ink_guest *ink_mg_guest(const struct mg_connection *conn);
/* Has the kernel ask the client for signs of life while nothing is sent, and give it up when none
 * come: one that vanished without closing (power, cable) is gone within half a minute. */
void ink_mg_watch_peer(struct mg_connection *conn);
/* When the connection is closed, its client gets so long to read what was sent: nothing more is,
 * and what still comes is thrown away, by the lobby. */
void ink_mg_linger(struct mg_connection *conn, int64_t timeout_ms);
/* To be called when civetweb is about to close the connection: from here on a lingering one is none
 * of civetweb's any more. */
void ink_mg_leave(struct mg_connection *conn);

/* Takes the connection away from this thread, in the midst of a request whose body has been read;
 * what civetweb knows of the request goes. The thread has `next_request` as its pointer from now
 * on. NULL, and nothing happened, when the connection is one that has to keep its thread: TLS, the
 * next request is there already, or it is to be closed. */
struct ink_guest *ink_mg_detach(struct mg_connection *conn, void *next_request);
/* What can be sent at once, of a detached connection: less than `size` when it would have to be
 * waited for, -1 when the client has gone. */
ssize_t ink_mg_send_now(struct ink_guest *guest, const char *data, size_t size);
/* Gives a detached connection a thread again, which calls `resume` with the request. False when the
 * server stops. */
bool ink_mg_resume(struct ink_guest *guest, void *request);
/* Has it wait for its next request; false as above. */
bool ink_mg_wait(struct ink_guest *guest, int64_t until);

/* Whether an accepted connection may stay; if not, it is closed. `fd` is its socket. */
typedef bool ink_mg_admit_fn(void *self, int fd, const struct ink_ip *ip);
/* Whether threads are so precious that slow readers get less time. */
typedef bool ink_mg_hurry_fn(void *self);
/* Closes a guest that nobody serves any more. */
typedef void ink_mg_drop_fn(void *self, struct ink_guest *guest);
/* A detached request has a thread again. Whether the connection is kept when it was answered. */
typedef bool ink_mg_resume_fn(void *self, struct mg_connection *conn, void *request);

struct ink_mg_host {
    struct ink_lobby *lobby; /* for connections, when they need no thread */
    ink_mg_admit_fn *admit;
    ink_mg_hurry_fn *hurry;
    ink_mg_drop_fn *drop;
    ink_mg_resume_fn *resume;
    void *self;
    int64_t
        header_timeout_ms; /* for a header: from the start of the connection, or its first byte */
    int64_t keep_alive_ms; /* between two requests */
};
/* For the connections that this thread, which is civetweb's, accepts or serves from now on. The
 * struct stays in use. */
void ink_mg_host(const struct ink_mg_host *host);
/* For the lobby: closes a guest, frees it, tells its address. */
void ink_mg_close(struct ink_guest *guest);
void ink_mg_free(struct ink_guest *guest);
void ink_mg_guest_ip(const struct ink_guest *guest, struct ink_ip *ret_ip);
/* Has the guest of a connection freed that civetweb has closed. False when it is none of civetweb's
 * any more. */
bool ink_mg_forget(struct mg_connection *conn);
/* The address of the other side; :: when it has none. */
void ink_mg_peer(const struct mg_connection *conn, struct ink_ip *ret_ip);

/* New connections are refused from now on. */
void ink_mg_stop_listening(struct mg_context *ctx);
