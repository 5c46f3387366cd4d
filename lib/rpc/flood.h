/*
 * Connections that do harm by what HTTP/2 allows, where the C core (1.51) does not mind, and their
 * end.
 *
 * They send much and say nothing: the C core (1.51) keeps the headers of a call for as
 * long as more of them come, without a limit over all their frames and without counting them to its
 * quota, so one connection could fill the memory before there is a call that we could refuse. What
 * can be seen from here is how much each connection sent since a call or a message last came of it,
 * by the kernel's count. When that is too much for all connections together, the one with the most
 * is closed.
 *
 * They take their calls back (rapid reset): such calls count for no limit of HTTP/2, and there is
 * no end to them. A connection that takes back a thousand in a second, and those are a third of its
 * calls or more, is closed.
 *
 * What all this leaves behind in the C library's heap is given back to the system. Internal to
 * lib/rpc; Linux.
 */
#pragma once

#include <stddef.h>

struct flood_watch;

/* Told of each connection that is closed: the client's port, and what it did. */
typedef void flood_closed_fn(void *self, unsigned client_port, const char *reason);

/* Of the connections to the local `port`; `most` bytes in silence. */
struct flood_watch *flood_watch_new(int port, size_t most, flood_closed_fn *closed, void *self);
/* Accepts NULL. */
void flood_watch_free(struct flood_watch *watch);
/* Something came of the connection with this peer (grpc_call_get_peer()). Thread-safe. */
void flood_watch_note(struct flood_watch *watch, const char *peer);
/* A call of it was taken back before it was answered. Thread-safe. */
void flood_watch_note_reset(struct flood_watch *watch, const char *peer);
/* To be called often, by one thread: looks at all connections when the last time is a second ago,
 * or when the process has grown. */
void flood_watch_look(struct flood_watch *watch);
