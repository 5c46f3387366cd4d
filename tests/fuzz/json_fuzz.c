/* Any bytes as JSON for a message of every kind of field: whatever is read is written, read again
 * and written once more, and both texts and both messages must agree. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kinds_contract.h"
#include "lib/base/buf.h"
#include "lib/contract/contract.h"
#include "lib/transcode/from_json.h"
#include "lib/transcode/json_reader.h"
#include "lib/transcode/problem.h"
#include "lib/transcode/to_json.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/pack.h"

static struct ink_contract *contract;

static void load(void)
{
    static struct ink_arena forever;
    if (contract != NULL)
        return;
    ink_arena_init(&forever);
    CHECK(ink_is_ok(ink_contract_load(&kinds_contract, &forever, &contract)));
}

static bool equal(const struct ink_buf *a, const struct ink_buf *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/* A refusal says where in a way that every client can show. */
static void check_refusal(struct ink_arena *arena, const struct ink_message *type,
                          struct ink_status status)
{
    struct ink_buf text = INK_BUF_INIT;
    struct ink_problem problem = ink_problem_from_status(status);
    struct ink_problem_place place = {.instance = "/", .request_id = "1", .type = type};
    CHECK(status.code == INK_INVALID_ARGUMENT || status.code == INK_RESOURCE_EXHAUSTED);
    CHECK(status.code != INK_INVALID_ARGUMENT || status.violations != NULL);
    ink_problem_write(arena, &problem, &place, &text);
    struct ink_json_reader reader;
    ink_json_reader_init(&reader, arena, text.data, text.len);
    CHECK(ink_json_skip(&reader) && ink_json_finish(&reader));
    ink_buf_release(&text);
}

static void round_trip(struct ink_arena *arena, const struct ink_message *type,
                       const ProtobufCMessage *message, unsigned flags)
{
    struct ink_buf first = INK_BUF_INIT, second = INK_BUF_INIT;
    ProtobufCMessage *again;
    CHECK(ink_is_ok(ink_to_json(contract, arena, type, message, flags, &first)));
    struct ink_status status = ink_from_json(contract, arena, type, first.data, first.len, &again);
    if (!ink_is_ok(status)) { /* empty lists that were not there make it deeper */
        CHECK(strstr(status.message, "nested too deeply") != NULL);
        ink_buf_release(&first);
        return;
    }
    CHECK(ink_is_ok(ink_to_json(contract, arena, type, again, flags, &second)));
    CHECK(equal(&first, &second));
    struct ink_buf one = fuzz_pack(message), other = fuzz_pack(again);
    CHECK(equal(&one, &other));
    ink_buf_release(&first);
    ink_buf_release(&second);
    ink_buf_release(&one);
    ink_buf_release(&other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"Everything", "Scalars", "Lists",     "Maps",
                                        "Choice",     "Item",    "WellKnown", "Old"};
    if (size == 0)
        return 0;
    load();
    char name[64];
    snprintf(name, sizeof(name), "inkmesh.test.v1.%s", names[data[0] % INK_COUNT(names)]);
    const struct ink_message *type = ink_contract_message(contract, name);
    unsigned flags = data[0] / 8 % 4;
    struct ink_arena arena;
    struct ink_json_paths paths;
    ProtobufCMessage *message;
    ink_arena_init(&arena);
    struct ink_status status = ink_from_json_paths(contract, &arena, type, (const char *)data + 1,
                                                   size - 1, &paths, &message);
    if (ink_is_ok(status))
        round_trip(&arena, type, message, flags);
    else
        check_refusal(&arena, type, status);
    ink_arena_release(&arena);
    return 0;
}
