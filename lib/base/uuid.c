#include "lib/base/uuid.h"

#include <ctype.h>
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

bool ink_uuid_valid(const char *text, size_t size)
{
    if (size != 36)
        return false;
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
    }
    return true;
}

bool ink_uuid_normalize(const char *text, char out[INK_UUID_SIZE])
{
    if (!ink_uuid_valid(text, strlen(text)))
        return false;
    for (int i = 0; i < 36; i++)
        out[i] = (char)tolower((unsigned char)text[i]);
    out[36] = '\0';
    return true;
}
