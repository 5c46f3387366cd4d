#include "lib/base/uuid.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/random.h"
#include "lib/base/text.h"

void ink_uuid_v7(char out[INK_UUID_SIZE])
{
    unsigned char bytes[16];
    ink_random_id(bytes + 6, 10);
    uint64_t ms = (uint64_t)ink_wall_clock() / 1000;
    for (int i = 0; i < 6; i++)
        bytes[i] = (unsigned char)(ms >> (40 - 8 * i) & 0xFF);
    bytes[6] = (unsigned char)(0x70 | (bytes[6] & 0x0F));
    bytes[8] = (unsigned char)(0x80 | (bytes[8] & 0x3F));
    char hex[33];
    ink_hex(bytes, sizeof(bytes), hex);
    const char *from = hex;
    for (int i = 0; i < 36; i++)
        out[i] = i == 8 || i == 13 || i == 18 || i == 23 ? '-' : *from++;
    out[36] = '\0';
}

static bool are_hex(const char *text, size_t count)
{
    bool all = true;
    for (size_t i = 0; i < count; i++) {
        unsigned char digit = (unsigned char)(text[i] - '0');
        unsigned char letter = (unsigned char)((text[i] | 0x20) - 'a');
        all &= (digit < 10) | (letter < 6);
    }
    return all;
}

bool ink_uuid_valid(const char *text, size_t size)
{
    return size == 36 && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-' &&
           are_hex(text, 8) && are_hex(text + 9, 4) && are_hex(text + 14, 4) &&
           are_hex(text + 19, 4) && are_hex(text + 24, 12);
}

bool ink_uuid_normalize(const char *text, char out[INK_UUID_SIZE])
{
    if (!ink_uuid_valid(text, strlen(text)))
        return false;
    for (int i = 0; i < 36; i++)
        out[i] =
            (char)(text[i] | 0x20); /* letters become lower case; digits and '-' have the bit */
    out[36] = '\0';
    return true;
}
