/*
 * The passwords that are tried first, and that nobody may choose. Pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Whether a password is one of them, in any case of ASCII letters. */
bool user_password_is_common(const char *password);

/* All of them, sorted, for tests. */
const char *const *user_common_passwords(size_t *ret_count);
