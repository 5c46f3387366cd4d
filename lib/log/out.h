/*
 * Where lines go: stdout, and the files when there are any. Private to lib/log. Thread-safe, but
 * for _open and _close.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/status.h"

/* As ink_log_open() has it. */
struct ink_status ink_log_out_open(const char *folder, struct ink_arena *arena) INK_MUST_CHECK;
void ink_log_out_reopen(void);
void ink_log_out_close(void);

/* Writes whole lines to stdout and combined.log. With `patient` false it leaves out what would have
 * to wait for a reader, and is safe in a signal handler. */
void ink_log_out(const char *lines, size_t size, bool patient);
/* Writes one to error.log. */
void ink_log_out_error(const char *line, size_t size);
