/* The order and the checksums of embedded migrations, and what is to be applied. */
#include <string.h>

#include "lib/db/plan.h"
#include "tests/support/arena_case.h"
#include "tests/unit/db/sample_migrations.h"

static const struct ink_db_migration three[] = {
    {1, "0001_a.sql", "aaaa", "SELECT 1"},
    {2, "0002_b.sql", "bbbb", "SELECT 2"},
    {3, "0003_c.sql", "cccc", "SELECT 3"},
};
static const struct ink_db_migrations migrations = {three, 3};

static void embedded_files_come_in_order(void **state)
{
    (void)state;
    assert_int_equal(sample_migrations.count, 2);
    const struct ink_db_migration *first = &sample_migrations.items[0];
    assert_int_equal(first->number, 1);
    assert_string_equal(first->name, "0001_first.sql");
    assert_string_equal(
        first->sql,
        "-- Quotes \"double\", 'single', a backslash \\ and a trigraph ?\?/ survive: ä € 𝄞\n"
        "CREATE TABLE first (id integer PRIMARY KEY);\n"
        "INSERT INTO first VALUES (1);\n\n");
    assert_int_equal(sample_migrations.items[1].number, 2);
}

/* sha256sum of "SELECT 2;\n" */
static void embedded_checksum_is_of_the_file(void **state)
{
    (void)state;
    assert_string_equal(sample_migrations.items[1].sha256,
                        "a41109d24069b4822ddc5f367b25d484dc7e839bff338ce7a3e5da641caacda0");
}

static void nothing_applied_means_all(void **state)
{
    (void)state;
    size_t first = 99;
    assert_int_equal(ink_db_plan(&arena, &migrations, NULL, 0, &first).code, INK_OK);
    assert_int_equal(first, 0);
}

static void only_the_rest_is_applied(void **state)
{
    (void)state;
    const struct ink_db_applied applied[] = {{1, "0001_a.sql", "aaaa"}, {2, "0002_b.sql", "bbbb"}};
    size_t first = 99;
    assert_int_equal(ink_db_plan(&arena, &migrations, applied, 2, &first).code, INK_OK);
    assert_int_equal(first, 2);
}

static void newer_rows_are_fine(void **state)
{
    (void)state;
    const struct ink_db_applied applied[] = {{1, "0001_a.sql", "aaaa"},
                                             {2, "0002_b.sql", "bbbb"},
                                             {3, "0003_c.sql", "cccc"},
                                             {4, "0004_d.sql", "dddd"}};
    size_t first = 99;
    assert_int_equal(ink_db_plan(&arena, &migrations, applied, 4, &first).code, INK_OK);
    assert_int_equal(first, 3);
}

static void refuses(const struct ink_db_migrations *own, const struct ink_db_applied *applied,
                    size_t count, const char *message)
{
    size_t first = 99;
    struct ink_status status = ink_db_plan(&arena, own, applied, count, &first);
    assert_int_equal(status.code, INK_FAILED_PRECONDITION);
    assert_string_equal(status.message, message);
    assert_int_equal(first, 99);
}

static void changed_file_is_named(void **state)
{
    (void)state;
    const struct ink_db_applied applied[] = {{1, "0001_a.sql", "aaaa"}, {2, "0002_b.sql", "b0b0"}};
    refuses(&migrations, applied, 2, "migration 0002_b.sql was changed after it had been applied");
}

static void renamed_file_is_named(void **state)
{
    (void)state;
    const struct ink_db_applied applied[] = {{1, "0001_z.sql", "aaaa"}};
    refuses(&migrations, applied, 1, "migration 0001_a.sql was applied under the name 0001_z.sql");
}

static void gap_in_the_table_is_refused(void **state)
{
    (void)state;
    const struct ink_db_applied applied[] = {{1, "0001_a.sql", "aaaa"}, {3, "0003_c.sql", "cccc"}};
    refuses(&migrations, applied, 2, "schema_migrations has no migration 2 but has 0003_c.sql");
}

static void gap_in_the_program_is_refused(void **state)
{
    (void)state;
    const struct ink_db_migration items[] = {{1, "0001_a.sql", "aaaa", ""},
                                             {3, "0003_c.sql", "cccc", ""}};
    const struct ink_db_migrations own = {items, 2};
    refuses(&own, NULL, 0, "migration 0003_c.sql should have number 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(embedded_files_come_in_order),
        cmocka_unit_test(embedded_checksum_is_of_the_file),
        cmocka_unit_test(nothing_applied_means_all),
        cmocka_unit_test(only_the_rest_is_applied),
        cmocka_unit_test(newer_rows_are_fine),
        cmocka_unit_test(changed_file_is_named),
        cmocka_unit_test(renamed_file_is_named),
        cmocka_unit_test(gap_in_the_table_is_refused),
        cmocka_unit_test(gap_in_the_program_is_refused),
    };
    return cmocka_run_group_tests(tests, arena_set_up, arena_tear_down);
}
