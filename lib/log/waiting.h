/*
 * Lines on their way out: they wait for a moment in one buffer, and leave together, in the order in
 * which they came. Private to lib/log. Thread-safe, but for _start and _stop.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* From now on lines wait, and a thread writes them out every few milliseconds. What waits when the
 * process exits or crashes is written then. */
void ink_log_waiting_start(void);
/* Writes out what waits. From now on lines do not wait. */
void ink_log_waiting_stop(void);

/* Adds a line. The caller writes it out with all before it when it is urgent, when no line waits
 * (before _start), or when the buffer is full. */
void ink_log_waiting_add(const char *line, size_t size, bool urgent);
/* Returns when all that was added before is written. */
void ink_log_waiting_flush(void);
