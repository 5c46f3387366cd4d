/*
 * Any bytes as a protobuf message, as a service gets them. What is let through must be all there
 * once protobuf-c unpacked it: texts as long as they were on the wire (a NUL would hide the rest of
 * one), in UTF-8 as iconv has it, nested no deeper than 64; and it must come back the same when it
 * is packed and read again. A refusal says what is wrong.
 */
#include <iconv.h>
#include <stdbool.h>
#include <string.h>

#include "kinds_contract.h"
#include "lib/contract/contract.h"
#include "lib/rpc/wire.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/pack.h"

#define DEEPEST 64

static const char *const names[] = {"Everything", "Scalars", "Lists",     "Maps",
                                    "Choice",     "Item",    "WellKnown", "Old"};
static const struct ink_message *types[INK_COUNT(names)];

static void load(void)
{
    static struct ink_arena forever;
    static struct ink_contract *contract;
    if (contract != NULL)
        return;
    ink_arena_init(&forever);
    CHECK(ink_is_ok(ink_contract_load(&kinds_contract, &forever, &contract)));
    for (size_t i = 0; i < INK_COUNT(names); i++) {
        types[i] = ink_contract_message(contract,
                                        ink_arena_printf(&forever, "inkmesh.test.v1.%s", names[i]));
        CHECK(types[i] != NULL);
    }
}

/* protobuf-c's memory, with the size of each piece in front of it. */
struct piece {
    _Alignas(max_align_t) size_t size;
    char data[];
};

static void *take(void *arena, size_t size)
{
    struct piece *piece = ink_arena_alloc(arena, sizeof(*piece) + size);
    piece->size = size;
    return piece->data;
}

static void give_back(void *arena, void *data)
{
    (void)arena;
    (void)data;
}

static ProtobufCMessage *unpack(struct ink_arena *arena, const struct ink_message *type,
                                const uint8_t *data, size_t size)
{
    ProtobufCAllocator allocator = {.alloc = take, .free = give_back, .allocator_data = arena};
    return protobuf_c_message_unpack(type->c, &allocator, size, data);
}

static bool is_utf8(const char *text, size_t size)
{
    static iconv_t iconv_handle;
    char *in = (char *)text, out[256];
    size_t in_left = size;
    if (iconv_handle == NULL)
        iconv_handle = iconv_open("UTF-32LE", "UTF-8");
    CHECK(iconv_handle != (iconv_t)-1);
    (void)iconv(iconv_handle, NULL, NULL, NULL, NULL);
    while (in_left > 0) {
        char *to = out;
        size_t out_left = sizeof(out), before = in_left;
        (void)iconv(iconv_handle, &in, &in_left, &to, &out_left);
        if (in_left == before)
            return false;
    }
    return true;
}

static void check_text(const ProtobufCFieldDescriptor *field, const char *text)
{
    if (text == NULL || text == field->default_value || text == protobuf_c_empty_string)
        return;
    const struct piece *piece = INK_CONTAINER_OF(text, struct piece, data);
    CHECK(piece->size == strlen(text) + 1);
    CHECK(is_utf8(text, strlen(text)));
}

static void check_message(const ProtobufCMessage *message, unsigned depth);

static void check_value(const ProtobufCFieldDescriptor *field, const void *value, unsigned depth)
{
    if (field->type == PROTOBUF_C_TYPE_STRING)
        check_text(field, *(const char *const *)value);
    if (field->type == PROTOBUF_C_TYPE_MESSAGE && *(void *const *)value != NULL)
        check_message(*(const ProtobufCMessage *const *)value, depth + 1);
}

/* Whether the field is there; a member of a oneof shares its place with the others. */
static bool is_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0)
        return true;
    return *(const uint32_t *)((const char *)message + field->quantifier_offset) == field->id;
}

static void check_message(const ProtobufCMessage *message, unsigned depth)
{
    CHECK(depth <= DEEPEST);
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        const char *at = (const char *)message + field->offset;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            size_t count = *(const size_t *)((const char *)message + field->quantifier_offset);
            bool pointers =
                field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;
            for (size_t n = 0; pointers && n < count; n++)
                check_value(field, *(const char *const *)at + n * sizeof(void *), depth);
        } else if (is_set(message, field)) {
            check_value(field, at, depth);
        }
    }
}

static void check_again(struct ink_arena *arena, const struct ink_message *type,
                        const ProtobufCMessage *message)
{
    struct ink_buf first = fuzz_pack(message);
    CHECK(ink_is_ok(ink_wire_check(arena, type, (const uint8_t *)first.data, first.len)));
    const ProtobufCMessage *again = unpack(arena, type, (const uint8_t *)first.data, first.len);
    CHECK(again != NULL);
    struct ink_buf second = fuzz_pack(again);
    CHECK(first.len == second.len);
    CHECK(first.len == 0 || memcmp(first.data, second.data, first.len) == 0);
    ink_buf_release(&first);
    ink_buf_release(&second);
}

static void check_refusal(struct ink_status status)
{
    CHECK(status.code == INK_INVALID_ARGUMENT);
    CHECK(status.message != NULL && status.message[0] != '\0');
    for (const struct ink_violation *v = status.violations; v != NULL; v = v->next)
        CHECK(v->field[0] != '\0' && v->message[0] != '\0');
}

/* The first byte chooses the type. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    load();
    const struct ink_message *type = types[data[0] % INK_COUNT(names)];
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct ink_status status = ink_wire_check(&arena, type, data + 1, size - 1);
    if (ink_is_ok(status)) {
        const ProtobufCMessage *message = unpack(&arena, type, data + 1, size - 1);
        if (message != NULL) { /* protobuf-c refuses some more, and says so */
            check_message(message, 1);
            check_again(&arena, type, message);
        }
    } else {
        check_refusal(status);
    }
    ink_arena_release(&arena);
    return 0;
}
