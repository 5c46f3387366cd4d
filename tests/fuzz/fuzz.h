/*
 * What the fuzzers share. Each is a file NAME_fuzz.c with a libFuzzer target that holds what it
 * tests to its promises; a broken one aborts, and so does what the sanitizers find.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* An input that is taken piece by piece; once it is used up there are zeroes and empty texts. */
struct fuzz_input {
    const char *data;
    size_t size;
};

unsigned char fuzz_byte(struct fuzz_input *input);
/* The bytes up to the next `end` or the end of the input, which is passed over, with a NUL behind
 * them; in the arena. */
char *fuzz_until(struct fuzz_input *input, struct ink_arena *arena, char end, size_t *ret_size);
/* A line without NULs in it. */
char *fuzz_line(struct fuzz_input *input, struct ink_arena *arena);
/* What is left, in the arena, with a NUL behind it. */
char *fuzz_rest(struct fuzz_input *input, struct ink_arena *arena, size_t *ret_size);
