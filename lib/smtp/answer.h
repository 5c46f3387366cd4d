/*
 * What a mail server said, as it may be shown and logged. Pure functions.
 */
#pragma once

#include <stddef.h>

#include "lib/base/arena.h"

/* How much is kept of a line, with its NUL. */
#define INK_SMTP_ANSWER_SIZE 256

/* Takes the first line of `data` as printable ASCII; all else in it is left out. */
void ink_smtp_answer_take(char out[INK_SMTP_ANSWER_SIZE], const char *data, size_t size);

/* The answer with "[recipient]" for the recipient's address, in whatever case the server wrote it.
 * `to` must be ink_mail_address_valid(). */
const char *ink_smtp_answer_tell(struct ink_arena *arena, const char *answer,
                                 const char *to) INK_MUST_CHECK;
