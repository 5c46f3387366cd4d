/*
 * The completion queue of all clients of the process, and its threads. The C core watches all
 * sockets in one place, so with a queue for each client an answer would be found by a thread of one
 * client and handed to a thread of another. Thread-safe; internal to lib/rpc.
 */
#pragma once

#include <grpc/grpc.h>

/* The queue, which is there until all who took it have dropped it. Tags are flights, which land
 * (flight_lands()). */
grpc_completion_queue *client_queue_take(void);
/* Nothing of the caller's may be under way. */
void client_queue_drop(void);
