/*
 * The C side of json_peer_test.py: reads one request a line from stdin and answers each with a line
 * on stdout.
 *
 *   J TYPE HEX     JSON to binary         OK HEX  or  ERR MESSAGE
 *   B TYPE HEX     binary to JSON         OK HEX  or  ERR CAUSE
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kinds_contract.h"
#include "lib/base/alloc.h"
#include "lib/base/buf.h"
#include "lib/base/text.h"
#include "lib/contract/contract.h"
#include "lib/transcode/from_json.h"
#include "lib/transcode/to_json.h"

static size_t unhex(const char *hex, char *out)
{
    size_t size = 0;
    unsigned byte;
    for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
        out[size++] = (char)byte;
    return size;
}

static void answer(const void *data, size_t size)
{
    char *hex = ink_malloc(2 * size + 1);
    ink_hex(data, size, hex);
    printf("OK %s\n", hex);
    free(hex);
}

/* As a JSON string: the message may quote names that hold line breaks. */
static void refuse(const char *message)
{
    struct ink_buf out = INK_BUF_INIT;
    ink_buf_json_string(&out, message, strlen(message));
    printf("ERR %s\n", out.data);
    ink_buf_release(&out);
}

static void to_binary(const struct ink_contract *contract, struct ink_arena *arena,
                      const struct ink_message *type, const char *json, size_t size)
{
    ProtobufCMessage *message;
    struct ink_status status = ink_from_json(contract, arena, type, json, size, &message);
    if (!ink_is_ok(status)) {
        refuse(status.message);
        return;
    }
    uint8_t *data = ink_arena_alloc(arena, protobuf_c_message_get_packed_size(message));
    answer(data, protobuf_c_message_pack(message, data));
}

static void to_json(const struct ink_contract *contract, struct ink_arena *arena,
                    const struct ink_message *type, const char *data, size_t size)
{
    ProtobufCMessage *message =
        protobuf_c_message_unpack(type->c, ink_arena_allocator(arena), size, (const uint8_t *)data);
    struct ink_buf out = INK_BUF_INIT;
    if (message == NULL) {
        refuse("cannot be unpacked");
        return;
    }
    struct ink_status status = ink_to_json(contract, arena, type, message, 0, &out);
    if (ink_is_ok(status))
        answer(out.data, out.len);
    else
        refuse(status.cause);
    ink_buf_release(&out);
}

static void handle(const struct ink_contract *contract, char *line)
{
    struct ink_arena arena;
    char *save, *verb = strtok_r(line, " \n", &save), *name = strtok_r(NULL, " \n", &save);
    char *hex = strtok_r(NULL, " \n", &save);
    const struct ink_message *type = ink_contract_message(contract, name);
    if (type == NULL)
        abort();
    /* Exactly as large as the text, so that a sanitizer sees who reads on. */
    size_t size = hex == NULL ? 0 : strlen(hex) / 2;
    char *text = ink_malloc(size + (size == 0));
    if (hex != NULL)
        unhex(hex, text);
    ink_arena_init(&arena);
    if (*verb == 'J')
        to_binary(contract, &arena, type, text, size);
    else
        to_json(contract, &arena, type, text, size);
    fflush(stdout);
    ink_arena_release(&arena);
    free(text);
}

int main(void)
{
    struct ink_arena arena;
    struct ink_contract *contract;
    ink_arena_init(&arena);
    struct ink_status status = ink_contract_load(&kinds_contract, &arena, &contract);
    if (!ink_is_ok(status)) {
        fprintf(stderr, "%s: %s\n", status.message, status.cause);
        return 1;
    }
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0)
        handle(contract, line);
    free(line);
    ink_contract_free(contract);
    ink_arena_release(&arena);
    return 0;
}
