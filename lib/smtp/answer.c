#include "lib/smtp/answer.h"

#include <string.h>

void ink_smtp_answer_take(char out[INK_SMTP_ANSWER_SIZE], const char *data, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < size && used < INK_SMTP_ANSWER_SIZE - 1 && data[i] != '\n'; i++)
        if (data[i] >= ' ' && data[i] <= '~')
            out[used++] = data[i];
    out[used] = '\0';
}

const char *ink_smtp_answer_tell(struct ink_arena *arena, const char *answer, const char *to)
{
    char *told = ink_arena_strdup(arena, answer);
    size_t size = strlen(to);
    /* What stands in for it cannot make another: an address has no brackets. */
    for (char *found; (found = strcasestr(told, to)) != NULL;) {
        *found = '\0';
        told = ink_arena_printf(arena, "%s[recipient]%s", told, found + size);
    }
    return told;
}
