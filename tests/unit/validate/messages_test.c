/* Lists, maps, well-known types, presence, nesting, and how violations are reported. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "rules.pb-c.h"
#include "tests/unit/validate/expect.h"

#define TYPE(name) Inkmesh__Test__Validate__##name
#define INIT(name) INKMESH__TEST__VALIDATE__##name##__INIT
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static void lists_are_counted(void **state)
{
    (void)state;
    int32_t items[4] = {0};
    TYPE(ListCount) m = INIT(LIST_COUNT);
    m.v = items;
    EXPECT(m, "v: must have at least 1 item");
    m.n_v = 1;
    EXPECT(m, "");
    m.n_v = 3;
    EXPECT(m, "");
    m.n_v = 4;
    EXPECT(m, "v: must have at most 3 items");
    TYPE(ListRequired) required = INIT(LIST_REQUIRED);
    EXPECT(required, "v: is required");
}

static void lists_can_be_unique(void **state)
{
    (void)state;
    char *words[] = {"a", "b", "", "A", "a"};
    TYPE(ListUnique) m = INIT(LIST_UNIQUE);
    m.v = words;
    m.n_v = 4;
    EXPECT(m, "");
    m.n_v = 5;
    EXPECT(m, "v: must have no item twice");
    double numbers[40];
    for (int i = 0; i < 40; i++)
        numbers[i] = i < 2 ? (double)NAN : i; /* NaN is equal to nothing */
    TYPE(ListUniqueDouble) n = INIT(LIST_UNIQUE_DOUBLE);
    n.v = numbers;
    n.n_v = 40;
    EXPECT(n, "");
    numbers[39] = 2;
    EXPECT(n, "v: must have no item twice");
}

static void items_have_rules(void **state)
{
    (void)state;
    char *words[] = {"ab", "a", "", "abc"};
    TYPE(ListItems) m = INIT(LIST_ITEMS);
    m.v = words;
    m.n_v = COUNT(words);
    EXPECT(m, "v[1]: must be at least 2 characters; v[2]: must be at least 2 characters");
    TYPE(ListItemsZero) zero = INIT(LIST_ITEMS_ZERO);
    zero.v = words;
    zero.n_v = COUNT(words);
    EXPECT(zero, "v[1]: must be at least 2 characters");
    TYPE(Color) colors[] = {1, 3};
    TYPE(ListEnum) enums = INIT(LIST_ENUM);
    enums.v = colors;
    enums.n_v = 2;
    EXPECT(enums, "v[1]: must be COLOR_RED");
    protobuf_c_boolean flags[] = {1, 0};
    TYPE(ListBool) bools = INIT(LIST_BOOL);
    bools.v = flags;
    bools.n_v = 2;
    EXPECT(bools, "v[1]: must be true");
    ProtobufCBinaryData parts[] = {{1, (uint8_t *)"x"}, {2, (uint8_t *)"xy"}};
    TYPE(ListBytes) bytes = INIT(LIST_BYTES);
    bytes.v = parts;
    bytes.n_v = 2;
    EXPECT(bytes, "v[1]: must be at most 1 byte");
}

static void items_can_be_messages(void **state)
{
    (void)state;
    TYPE(Inner) good = INIT(INNER), bad = INIT(INNER);
    good.name = "good";
    bad.name = "b";
    TYPE(Inner) * items[] = {&good, &bad, &bad};
    TYPE(ListMessages) m = INIT(LIST_MESSAGES);
    m.v = items;
    m.n_v = COUNT(items);
    EXPECT(m, "v[1].name: must be at least 2 characters; "
              "v[2].name: must be at least 2 characters");
    TYPE(ListItemsAlways) always = INIT(LIST_ITEMS_ALWAYS);
    EXPECT(always, "v: must have at least 1 item");
    always.v = items;
    always.n_v = COUNT(items);
    EXPECT(always, "");
    bad.name = "\xff"; /* which no option can allow */
    EXPECT(always, "v[1].name: must be valid UTF-8; v[2].name: must be valid UTF-8");
    Google__Protobuf__Int32Value one = GOOGLE__PROTOBUF__INT32_VALUE__INIT;
    one.value = 1;
    Google__Protobuf__Int32Value *numbers[] = {&one};
    TYPE(ListWrappers) wrappers = INIT(LIST_WRAPPERS);
    wrappers.v = numbers;
    wrappers.n_v = 1;
    EXPECT(wrappers, "v[0]: must be greater than 1");
}

static void maps_have_rules(void **state)
{
    (void)state;
    TYPE(MapRulesBoth__VEntry) a = INIT(MAP_RULES_BOTH__VENTRY), b = a, c = a;
    a.key = "fine";
    a.value = 1;
    b.key = "say \"x\"";
    b.value = 0;
    c.key = "c";
    c.value = 0;
    TYPE(MapRulesBoth__VEntry) * entries[] = {&a, &b, &c};
    TYPE(MapRulesBoth) m = INIT(MAP_RULES_BOTH);
    m.v = entries;
    m.n_v = 3;
    EXPECT(m, "v[\"say \\\"x\\\"\"]: must be greater than 0; "
              "v[\"c\"]: key must be at least 2 characters; v[\"c\"]: must be greater than 0");
    TYPE(MapCount) count = INIT(MAP_COUNT);
    EXPECT(count, "v: must have at least 1 entry");
    TYPE(MapCount__VEntry) entry = INIT(MAP_COUNT__VENTRY);
    entry.key = "\xff";
    TYPE(MapCount__VEntry) * three[] = {&entry, &entry, &entry};
    count.v = three;
    count.n_v = 3;
    EXPECT(count, "v: must have at most 2 entries; "
                  "v[\"\xef\xbf\xbd\"]: key must be valid UTF-8; "
                  "v[\"\xef\xbf\xbd\"]: key must be valid UTF-8; "
                  "v[\"\xef\xbf\xbd\"]: key must be valid UTF-8");
}

static void map_values_can_be_messages(void **state)
{
    (void)state;
    TYPE(Inner) bad = INIT(INNER);
    TYPE(MapMessages__VEntry) a = INIT(MAP_MESSAGES__VENTRY), b = a;
    a.key = -5;
    a.value = &bad;
    b.key = 6; /* and no value, which the wire allows */
    TYPE(MapMessages__VEntry) * entries[] = {&a, &b};
    TYPE(MapMessages) m = INIT(MAP_MESSAGES);
    m.v = entries;
    m.n_v = 2;
    EXPECT(m, "v[-5].name: must be at least 2 characters; v[6]: must have a value");
    TYPE(MapKeyBool__VEntry) c = INIT(MAP_KEY_BOOL__VENTRY);
    c.key = 1;
    TYPE(MapKeyBool__VEntry) * bools[] = {&c};
    TYPE(MapKeyBool) n = INIT(MAP_KEY_BOOL);
    n.v = bools;
    n.n_v = 1;
    EXPECT(n, "v[true]: must be at least 1 character");
}

static void timestamps_are_bounded(void **state)
{
    (void)state;
    Google__Protobuf__Timestamp t = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    TYPE(TimeBetween) m = INIT(TIME_BETWEEN);
    EXPECT(m, ""); /* absent */
    m.v = &t;
    const char *wrong = "v: must be at least 1970-01-01T00:01:40Z and less than "
                        "1970-01-01T00:03:20.500Z";
    t.seconds = 100;
    EXPECT(m, "");
    t.seconds = 200;
    t.nanos = 499999999;
    EXPECT(m, "");
    t.nanos = 500000000;
    EXPECT(m, wrong);
    t.seconds = 99;
    t.nanos = 999999999;
    EXPECT(m, wrong);
    t.seconds = 150;
    t.nanos = 1000000000;
    EXPECT(m, "v: must be a valid timestamp");
    TYPE(TimeConst) exact = INIT(TIME_CONST);
    exact.v = &t;
    t.seconds = 100;
    t.nanos = 5;
    EXPECT(exact, "");
    t.nanos = 6;
    EXPECT(exact, "v: must be 1970-01-01T00:01:40.000000005Z");
}

static void timestamps_know_what_time_it_is(void **state)
{
    (void)state;
    Google__Protobuf__Timestamp t = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    TYPE(TimePast) past = INIT(TIME_PAST);
    TYPE(TimeFuture) future = INIT(TIME_FUTURE);
    TYPE(TimeWithin) within = INIT(TIME_WITHIN);
    past.v = future.v = within.v = &t;
    int64_t now = ink_wall_clock() / 1000000;
    t.seconds = now - 100;
    EXPECT(past, "");
    EXPECT(future, "v: must be in the future");
    EXPECT(within, "");
    t.seconds = now + 100;
    EXPECT(past, "v: must be in the past");
    EXPECT(future, "");
    EXPECT(within, "");
    t.seconds = now + 3700;
    EXPECT(within, "v: must be within 3600s of now");
    t.seconds = now - 3700;
    EXPECT(within, "v: must be within 3600s of now");
    t.seconds = INT64_MIN;
    EXPECT(within, "v: must be a valid timestamp; v: must be within 3600s of now");
}

static void durations_are_bounded(void **state)
{
    (void)state;
    Google__Protobuf__Duration d = GOOGLE__PROTOBUF__DURATION__INIT;
    TYPE(SpanBetween) m = INIT(SPAN_BETWEEN);
    m.v = &d;
    d.seconds = 10;
    EXPECT(m, "");
    d.nanos = 1;
    EXPECT(m, "v: must be greater than 1.5s and at most 10s");
    TYPE(SpanIn) in = INIT(SPAN_IN);
    in.v = &d;
    d.seconds = -1;
    d.nanos = -5;
    EXPECT(in, "");
    d.nanos = -4;
    EXPECT(in, "v: must be one of 1s, -1.000000005s");
    d.nanos = 4;
    EXPECT(in, "v: must be a valid duration; v: must be one of 1s, -1.000000005s");
    TYPE(SpanNotIn) not_in = INIT(SPAN_NOT_IN);
    not_in.v = &d;
    d.seconds = 1;
    d.nanos = 0;
    EXPECT(not_in, "v: must not be 1s");
    TYPE(SpanRequired) required = INIT(SPAN_REQUIRED);
    EXPECT(required, "v: is required");
    required.v = &d;
    EXPECT(required, "v: must be 3s");
}

static void any_is_told_by_its_type(void **state)
{
    (void)state;
    Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;
    TYPE(AnyIn) in = INIT(ANY_IN);
    TYPE(AnyNotIn) not_in = INIT(ANY_NOT_IN);
    in.v = not_in.v = &any;
    any.type_url = "x/b";
    EXPECT(in, "");
    EXPECT(not_in, "");
    any.type_url = "x/a";
    EXPECT(in, "");
    EXPECT(not_in, "v: must not be \"x/a\"");
    any.type_url = "";
    EXPECT(in, "v: must be one of \"x/a\", \"x/b\"");
}

static void wrappers_hold_values(void **state)
{
    (void)state;
    Google__Protobuf__StringValue text = GOOGLE__PROTOBUF__STRING_VALUE__INIT;
    TYPE(WrapString) m = INIT(WRAP_STRING);
    EXPECT(m, "");
    m.v = &text;
    EXPECT(m, "v: must be at least 2 characters");
    text.value = "\xc3";
    EXPECT(m, "v: must be valid UTF-8");
    Google__Protobuf__UInt64Value number = GOOGLE__PROTOBUF__UINT64_VALUE__INIT;
    TYPE(WrapRequired) n = INIT(WRAP_REQUIRED);
    EXPECT(n, "v: is required");
    n.v = &number;
    EXPECT(n, "v: must be greater than 5");
    number.value = UINT64_MAX;
    EXPECT(n, "");
    Google__Protobuf__DoubleValue real = GOOGLE__PROTOBUF__DOUBLE_VALUE__INIT;
    TYPE(WrapDouble) d = INIT(WRAP_DOUBLE);
    real.value = 1;
    d.v = &real;
    EXPECT(d, "v: must be less than 1");
    Google__Protobuf__BytesValue raw = GOOGLE__PROTOBUF__BYTES_VALUE__INIT;
    TYPE(WrapBytes) b = INIT(WRAP_BYTES);
    b.v = &raw;
    EXPECT(b, "v: must be exactly 1 byte");
}

static void messages_can_be_required_or_ignored(void **state)
{
    (void)state;
    TYPE(Inner) bad = INIT(INNER);
    TYPE(RequiredMessage) m = INIT(REQUIRED_MESSAGE);
    EXPECT(m, "v: is required");
    m.v = &bad;
    EXPECT(m, "v.name: must be at least 2 characters");
    TYPE(IgnoreAlways) ignored = INIT(IGNORE_ALWAYS);
    EXPECT(ignored, "");
    ignored.v = &bad;
    EXPECT(ignored, "");
    bad.name = "\xff";
    EXPECT(ignored, "v.name: must be valid UTF-8");
}

static void oneofs_can_be_required(void **state)
{
    (void)state;
    TYPE(OneofRequired) m = INIT(ONEOF_REQUIRED);
    EXPECT(m, "choice: must have one of a, b, c");
    m.choice_case = INKMESH__TEST__VALIDATE__ONEOF_REQUIRED__CHOICE_A;
    m.a = "a";
    EXPECT(m, "a: must be at least 2 characters");
    m.choice_case = INKMESH__TEST__VALIDATE__ONEOF_REQUIRED__CHOICE_B;
    m.b = 0;
    EXPECT(m, "b: must be greater than 3");
    TYPE(Inner) bad = INIT(INNER);
    m.choice_case = INKMESH__TEST__VALIDATE__ONEOF_REQUIRED__CHOICE_C;
    m.c = &bad;
    EXPECT(m, "c.name: must be at least 2 characters");
    TYPE(OneofMemberRequired) member = INIT(ONEOF_MEMBER_REQUIRED);
    EXPECT(member, "a: is required");
    member.choice_case = INKMESH__TEST__VALIDATE__ONEOF_MEMBER_REQUIRED__CHOICE_B;
    member.b = "b";
    EXPECT(member, "a: is required");
}

static void choices_of_a_message(void **state)
{
    (void)state;
    TYPE(ChoiceRequired) m = INIT(CHOICE_REQUIRED);
    EXPECT(m, ": must have one of a, b, c");
    m.b = 1;
    EXPECT(m, ""); /* and `a`, being unset, has no rule to break */
    m.a = "a";
    EXPECT(m, ": must have only one of a, b, c; a: must be at least 2 characters");
    char *words[] = {""};
    m.a = "";
    m.c = words;
    m.n_c = 1;
    EXPECT(m, ": must have only one of a, b, c");
    TYPE(ChoiceOptional) optional = INIT(CHOICE_OPTIONAL);
    EXPECT(optional, "");
    TYPE(Inner) good = INIT(INNER);
    good.name = "good";
    optional.a = "a";
    optional.b = &good;
    EXPECT(optional, ": must have only one of a, b");
}

static void violations_come_in_the_order_of_the_fields(void **state)
{
    (void)state;
    TYPE(Inner) bad = INIT(INNER);
    TYPE(Inner) * items[] = {&bad};
    TYPE(Order__LabelsEntry) entry = INIT(ORDER__LABELS_ENTRY);
    entry.key = "a";
    entry.value = &bad;
    TYPE(Order__LabelsEntry) * labels[] = {&entry};
    Google__Protobuf__Value value = GOOGLE__PROTOBUF__VALUE__INIT;
    value.kind_case = GOOGLE__PROTOBUF__VALUE__KIND_STRING_VALUE;
    value.string_value = "\xff";
    Google__Protobuf__Struct__FieldsEntry field = GOOGLE__PROTOBUF__STRUCT__FIELDS_ENTRY__INIT;
    field.key = "k";
    field.value = &value;
    Google__Protobuf__Struct__FieldsEntry *fields[] = {&field};
    Google__Protobuf__Struct extra = GOOGLE__PROTOBUF__STRUCT__INIT;
    extra.fields = fields;
    extra.n_fields = 1;
    TYPE(Order) m = INIT(ORDER);
    m.items = items;
    m.labels = labels;
    m.n_items = m.n_labels = 1;
    m.extra = &extra;
    EXPECT(m, "id: must be a valid UUID; items[0].name: must be at least 2 characters; "
              "labels[\"a\"].name: must be at least 2 characters; owner: is required; "
              "extra.fields[\"k\"].string_value: must be valid UTF-8");
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    TYPE(Chain) links[INK_VALIDATE_MAX_DEPTH + 1];
    for (size_t i = 0; i < COUNT(links); i++) {
        links[i] = (TYPE(Chain))INIT(CHAIN);
        links[i].next = i + 1 < COUNT(links) ? &links[i + 1] : NULL;
    }
    EXPECT(links[1], "");
    struct ink_arena arena;
    ink_arena_init(&arena);
    char *path = ink_arena_strdup(&arena, "next");
    for (int i = 1; i < INK_VALIDATE_MAX_DEPTH; i++)
        path = ink_arena_printf(&arena, "%s.next", path);
    EXPECT(links[0], ink_arena_printf(&arena, "%s: is nested too deeply", path));
    ink_arena_release(&arena);
}

static void recursive_messages_are_followed(void **state)
{
    (void)state;
    TYPE(Tree) leaf = INIT(TREE), root = leaf;
    TYPE(Tree) * children[] = {&leaf, &leaf};
    root.name = "root";
    root.children = children;
    root.n_children = 2;
    root.left = &leaf;
    EXPECT(root, "children[0].name: must be at least 1 character; "
                 "children[1].name: must be at least 1 character; "
                 "left.name: must be at least 1 character");
}

static void violations_are_bounded(void **state)
{
    (void)state;
    struct ink_arena arena;
    ink_arena_init(&arena);
    char *words[1000];
    for (size_t i = 0; i < COUNT(words); i++)
        words[i] = "";
    TYPE(ListItems) m = INIT(LIST_ITEMS);
    m.v = words;
    m.n_v = COUNT(words);
    const struct ink_message *type = ink_contract_message_of(test_contract(), m.base.descriptor);
    struct ink_validator *validator;
    assert_true(ink_is_ok(ink_validator_new_for(test_contract(), &type, 1, &arena, &validator)));
    struct ink_status status = ink_validate(validator, &arena, type, &m.base);
    size_t count = 0;
    for (const struct ink_violation *v = status.violations; v != NULL; v = v->next)
        count++;
    assert_int_equal(count, INK_VALIDATE_MAX_VIOLATIONS);
    assert_string_equal(status.message, "v[0]: must be at least 2 characters (and 99 more)");

    TYPE(Inner) other = INIT(INNER);
    const struct ink_message *stranger =
        ink_contract_message_of(test_contract(), other.base.descriptor);
    status = ink_validate(validator, &arena, stranger, &other.base);
    assert_int_equal(status.code, INK_INTERNAL); /* not checked is not passed */
    ink_validator_free(validator);
    ink_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_counted),
        cmocka_unit_test(lists_can_be_unique),
        cmocka_unit_test(items_have_rules),
        cmocka_unit_test(items_can_be_messages),
        cmocka_unit_test(maps_have_rules),
        cmocka_unit_test(map_values_can_be_messages),
        cmocka_unit_test(timestamps_are_bounded),
        cmocka_unit_test(timestamps_know_what_time_it_is),
        cmocka_unit_test(durations_are_bounded),
        cmocka_unit_test(any_is_told_by_its_type),
        cmocka_unit_test(wrappers_hold_values),
        cmocka_unit_test(messages_can_be_required_or_ignored),
        cmocka_unit_test(oneofs_can_be_required),
        cmocka_unit_test(choices_of_a_message),
        cmocka_unit_test(violations_come_in_the_order_of_the_fields),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(recursive_messages_are_followed),
        cmocka_unit_test(violations_are_bounded),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_contract_release();
    return failed;
}
