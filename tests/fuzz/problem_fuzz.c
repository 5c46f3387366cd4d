/* lib/transcode/problem.h: whatever a status says, its problem is JSON that says the same; what is
 * for the log alone stays out. The input: code, type and more as bytes; then lines: the message,
 * reason, instance, request id, and pairs of a path and what is wrong there. */
#include <string.h>

#include "kinds_contract.h"
#include "lib/base/text.h"
#include "lib/contract/contract.h"
#include "lib/transcode/json_reader.h"
#include "lib/transcode/problem.h"
#include "tests/fuzz/fuzz.h"

/* U+E000 is in no input that counts. */
#define MARK "\xee\x80\x80"

static struct ink_contract *contract;

static void set_up(void)
{
    static struct ink_arena arena;
    ink_arena_init(&arena);
    CHECK(ink_is_ok(ink_contract_load(&kinds_contract, &arena, &contract)));
}

/* As the contract has it: valid UTF-8. */
static char *text(struct fuzz_input *input, struct ink_arena *arena)
{
    char *line = fuzz_line(input, arena);
    return ink_utf8_valid(line, strlen(line)) && strstr(line, MARK) == NULL ? line : "";
}

static struct ink_status read_status(struct fuzz_input *input, struct ink_arena *arena)
{
    struct ink_status status = {.code = fuzz_byte(input) % 18, .cause = MARK};
    status.retry_after_ms =
        (int64_t)(signed char)fuzz_byte(input) * (INT64_C(1) << fuzz_byte(input) % 56);
    status.message = text(input, arena);
    status.reason = text(input, arena);
    return status;
}

static void read_violations(struct fuzz_input *input, struct ink_arena *arena,
                            struct ink_status *status)
{
    while (input->size > 0) {
        const char *path = text(input, arena);
        ink_violation_add(arena, &status->violations, path, text(input, arena));
    }
}

/* Whether the object's member is this text; it occurs once. */
static bool says(struct ink_arena *arena, const struct ink_buf *json, const char *name,
                 const char *wanted)
{
    struct ink_json_reader reader;
    struct ink_json_text found;
    size_t times = 0;
    bool same = false;
    ink_json_reader_init(&reader, arena, json->data, json->len);
    CHECK(ink_json_enter_object(&reader));
    while (ink_json_next_name(&reader, &found)) {
        if (found.size != strlen(name) || memcmp(found.data, name, found.size) != 0) {
            CHECK(ink_json_skip(&reader));
            continue;
        }
        CHECK(ink_json_string(&reader, &found));
        same = found.size == strlen(wanted) && memcmp(found.data, wanted, found.size) == 0;
        times++;
    }
    CHECK(ink_json_finish(&reader) && times <= 1);
    return same;
}

/* What a library may have worded is never shown. */
static bool is_fixed(enum ink_code code)
{
    return code == INK_INTERNAL || code == INK_UNKNOWN || code == INK_DATA_LOSS ||
           code == INK_UNAVAILABLE || code > INK_UNAUTHENTICATED;
}

static void check(struct ink_arena *arena, const struct ink_status *status,
                  const struct ink_problem_place *place)
{
    struct ink_buf json = INK_BUF_INIT;
    struct ink_problem problem = ink_problem_from_status(*status);
    ink_problem_write(arena, &problem, place, &json);
    CHECK(ink_utf8_valid(json.data, json.len) && strstr(json.data, MARK) == NULL);
    for (size_t i = 0; i < json.len; i++)
        CHECK((unsigned char)json.data[i] >= ' ');
    CHECK(says(arena, &json, "instance", place->instance));
    CHECK(says(arena, &json, "requestId", place->request_id));
    CHECK(says(arena, &json, "error", problem.detail) || status->violations != NULL);
    if (is_fixed(status->code))
        CHECK(problem.detail != status->message && problem.http_status >= 500);
    else if (status->violations == NULL)
        CHECK(says(arena, &json, "detail", status->message));
    bool again = problem.http_status == 429 || problem.http_status == 503;
    CHECK(again ? problem.retry_after >= 1 && problem.retry_after <= 86400
                : problem.retry_after == 0);
    ink_buf_release(&json);
}

static void check_paths(struct ink_arena *arena, const struct ink_status *status,
                        const struct ink_message *type)
{
    for (const struct ink_violation *v = status->violations; v != NULL; v = v->next) {
        const char *path = ink_path_to_json(arena, type, v->field);
        CHECK(ink_utf8_valid(path, strlen(path)));
        CHECK(strcmp(ink_path_to_json(arena, type, path), path) == 0); /* they are names, too */
        CHECK(strcmp(ink_path_to_json(arena, NULL, v->field), v->field) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {(const char *)data, size};
    struct ink_arena arena;
    size_t n_types;
    if (contract == NULL)
        set_up();
    ink_arena_init(&arena);
    const struct ink_message *const *types = ink_contract_messages(contract, &n_types);
    const struct ink_message *type = types[fuzz_byte(&input) % n_types];
    struct ink_status status = read_status(&input, &arena);
    struct ink_problem_place place = {text(&input, &arena), text(&input, &arena), type};
    read_violations(&input, &arena, &status);
    check(&arena, &status, &place);
    check_paths(&arena, &status, type);
    ink_arena_release(&arena);
    return 0;
}
