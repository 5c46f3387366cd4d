/* What libpq is told besides the operator's connection text, and what the text may be. */
#include <string.h>

#include "lib/db/conn.h"
#include "tests/support/arena_case.h"

static const char *value_of(const struct ink_db_conninfo *info, const char *keyword)
{
    for (size_t i = 0; info->keywords[i] != NULL; i++) {
        if (strcmp(info->keywords[i], keyword) == 0)
            return info->values[i];
    }
    return NULL;
}

static void operators_options_win(void **state)
{
    (void)state;
    struct ink_db_conninfo info;
    const struct ink_db_settings settings = {
        .conninfo = "host=h dbname=d options='-c work_mem=1MB -c timezone=UTC'",
        .application_name = "user",
        .options = "-c work_mem=2MB"};
    struct ink_status status = ink_db_conninfo_init(&arena, &info, &settings);
    assert_int_equal(status.code, INK_OK);
    const char *options = value_of(&info, "options");
    assert_string_equal(options + strlen(options) - strlen(" -c work_mem=1MB -c timezone=UTC"),
                        " -c work_mem=1MB -c timezone=UTC");
    assert_non_null(strstr(options, "client_connection_check_interval"));
    assert_non_null(strstr(options, " -c work_mem=2MB -c work_mem=1MB"));
    assert_string_equal(value_of(&info, "fallback_application_name"), "user");
    assert_string_equal(value_of(&info, "client_encoding"), "UTF8");
    ink_db_conninfo_release(&info);
}

static void malformed_text_is_refused_without_its_password(void **state)
{
    (void)state;
    struct ink_db *db = NULL;
    static const char *const texts[] = {"postgresql://u:secret@h:port:x/%zz", "secret",
                                        "host=h passwort=secret"};
    for (size_t i = 0; i < INK_COUNT(texts); i++) {
        struct ink_db_settings settings = {.conninfo = texts[i]};
        struct ink_status status = ink_db_new(&arena, &settings, &db);
        assert_int_equal(status.code, INK_INVALID_ARGUMENT);
        assert_null(strstr(status.message, "secret"));
        assert_null(status.cause);
        assert_null(db);
    }
    ink_db_free(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators_options_win),
        cmocka_unit_test(malformed_text_is_refused_without_its_password),
    };
    return cmocka_run_group_tests(tests, arena_set_up, arena_tear_down);
}
