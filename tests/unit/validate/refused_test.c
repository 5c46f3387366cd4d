/* What cannot be enforced refuses the start, by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "refused.pb-c.h"
#include "tests/unit/validate/expect.h"

static struct ink_status compile(struct ink_arena *arena, const char *name)
{
    const char *full = ink_arena_printf(arena, "inkmesh.test.refused.%s", name);
    const struct ink_message *type = ink_contract_message(test_contract(), full);
    assert_non_null(type);
    struct ink_validator *validator = NULL;
    struct ink_status status = ink_validator_new_for(test_contract(), &type, 1, arena, &validator);
    if (!ink_is_ok(status))
        assert_null(validator);
    ink_validator_free(validator);
    return status;
}

static void refusals_name_message_field_and_rule(void **state)
{
    (void)state;
    static const struct {
        const char *message;
        const char *error; /* after "inkmesh.test.refused." */
    } cases[] = {
        {"FieldCel", "FieldCel.v: the rule cel is not supported"},
        {"MessageCel", "MessageCel: the rule cel is not supported"},
        {"ItemCel", "ItemCel.v.items: the rule cel is not supported"},
        {"Predefined", "Predefined.v: the rule with number 50000 of buf.validate.StringRules is "
                       "not supported"},
        {"WrongType", "WrongType.v: the rule int32 does not fit the field's type"},
        {"WrongShape", "WrongShape.v: the rule string does not fit the field's type"},
        {"WrongWrapper", "WrongWrapper.v: the rule bytes does not fit the field's type"},
        {"WrongMessage", "WrongMessage.v: the rule timestamp does not fit the field's type"},
        {"WrongKey", "WrongKey.v.keys: the rule string does not fit the field's type"},
        {"BadPattern", "BadPattern.v: the pattern a(b is not usable: missing closing parenthesis "
                       "at offset 3"},
        {"ForeignPattern", "ForeignPattern.v: the pattern a(?=b) is not usable: uses a group that "
                           "RE2 does not have"},
        {"UniqueMessages", "UniqueMessages.v: the rule unique does not fit messages"},
        {"ChoiceUnknown", "ChoiceUnknown: the rule oneof names nope, which is no field"},
        {"ChoiceTwice", "ChoiceTwice: the rule oneof names a twice"},
        {"ChoiceEmpty", "ChoiceEmpty: the rule oneof names no field"},
        {"NotANumber", "NotANumber.v: the rule gt is not a number"},
        {"Nested", "FieldCel.v: the rule cel is not supported"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ink_arena arena;
        ink_arena_init(&arena);
        struct ink_status status = compile(&arena, cases[i].message);
        assert_int_equal(status.code, INK_FAILED_PRECONDITION);
        assert_string_equal(status.message,
                            ink_arena_printf(&arena, "inkmesh.test.refused.%s", cases[i].error));
        ink_arena_release(&arena);
    }
}

static void what_is_ignored_is_not_compiled(void **state)
{
    (void)state;
    struct ink_arena arena;
    ink_arena_init(&arena);
    assert_true(ink_is_ok(compile(&arena, "NestedIgnored")));
    ink_arena_release(&arena);
}

static void proto2_has_presence(void **state)
{
    (void)state;
    Inkmesh__Test__Refused__Presence m = INKMESH__TEST__REFUSED__PRESENCE__INIT;
    EXPECT(m, "needed: is required; always: must be greater than 5");
    m.has_needed = 1;
    m.always = 6;
    EXPECT(m, "");
    m.text = "";
    m.has_number = 1;
    EXPECT(m, "text: must be at least 2 characters; number: must be greater than 5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_name_message_field_and_rule),
        cmocka_unit_test(what_is_ignored_is_not_compiled),
        cmocka_unit_test(proto2_has_presence),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_contract_release();
    return failed;
}
