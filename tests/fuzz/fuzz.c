#include "tests/fuzz/fuzz.h"

#include <string.h>

unsigned char fuzz_byte(struct fuzz_input *input)
{
    if (input->size == 0)
        return 0;
    input->size--;
    return (unsigned char)*input->data++;
}

char *fuzz_until(struct fuzz_input *input, struct ink_arena *arena, char end, size_t *ret_size)
{
    const char *found = input->size == 0 ? NULL : memchr(input->data, end, input->size);
    size_t size = found == NULL ? input->size : (size_t)(found - input->data);
    char *piece = ink_arena_strndup(arena, input->size == 0 ? "" : input->data, size);
    *ret_size = size;
    size += found != NULL;
    input->data += size;
    input->size -= size;
    return piece;
}

char *fuzz_line(struct fuzz_input *input, struct ink_arena *arena)
{
    size_t size;
    char *line = fuzz_until(input, arena, '\n', &size);
    for (size_t i = 0; i < size; i++)
        if (line[i] == '\0')
            line[i] = '\n'; /* so that a text can have line ends, too */
    return line;
}

char *fuzz_rest(struct fuzz_input *input, struct ink_arena *arena, size_t *ret_size)
{
    char *rest = ink_arena_strndup(arena, input->size == 0 ? "" : input->data, input->size);
    *ret_size = input->size;
    *input = (struct fuzz_input){NULL, 0};
    return rest;
}
