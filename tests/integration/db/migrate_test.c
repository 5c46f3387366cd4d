/* Migrations against a real PostgreSQL: twice, by many at once, changed, failing. */
#include <stdatomic.h>
#include <string.h>

#include "lib/db/migrate.h"
#include "tests/integration/db/blog_migrations.h"
#include "tests/integration/db/fixture.h"

static struct ink_db *db;

static int set_up(void **state)
{
    (void)state;
    db = fixture_pool((struct ink_db_settings){.size = 2, .connect_timeout_ms = 5000});
    return 0;
}

static int wipe(void **state)
{
    (void)state;
    static const struct ink_db_statement drop = {.name = "drop",
                                                 .sql = "DROP SCHEMA public CASCADE"};
    static const struct ink_db_statement create = {.name = "create", .sql = "CREATE SCHEMA public"};
    fixture_run(db, &drop);
    fixture_run(db, &create);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ink_db_free(db);
    return 0;
}

static int64_t number(const struct ink_db_statement *statement)
{
    INK_DB_ROWS struct ink_db_rows rows = {0};
    fixture_expect(ink_db_query(db, fixture_ctx(5000), statement, NULL, &rows), INK_OK);
    return ink_db_int64(&rows, 0, 0);
}

static int64_t blog_count(void)
{
    static const struct ink_db_statement count = {.name = "count", .sql = "SELECT blog_count()"};
    return number(&count);
}

static int64_t recorded(void)
{
    static const struct ink_db_statement count = {.name = "recorded",
                                                  .sql = "SELECT count(*) FROM schema_migrations"};
    return number(&count);
}

static struct ink_status migrate(const struct ink_db_migrations *migrations, size_t *ret_applied)
{
    return ink_db_migrate(db, fixture_ctx(20000), migrations, ret_applied);
}

static void embedded_files_are_applied_once(void **state)
{
    (void)state;
    size_t applied = 99;
    fixture_expect(migrate(&blog_migrations, &applied), INK_OK);
    assert_int_equal(applied, 2);
    assert_int_equal(blog_count(), 2);
    fixture_expect(migrate(&blog_migrations, &applied), INK_OK);
    assert_int_equal(applied, 0);
    assert_int_equal(blog_count(), 2);
    assert_int_equal(recorded(), 2);
}

static atomic_size_t applied_by_all;

static void *replica(void *arg)
{
    (void)arg;
    size_t applied = 0;
    struct ink_db *own =
        fixture_pool((struct ink_db_settings){.size = 1, .connect_timeout_ms = 10000});
    fixture_expect(ink_db_migrate(own, fixture_ctx(20000), &blog_migrations, &applied), INK_OK);
    atomic_fetch_add(&applied_by_all, applied);
    ink_db_free(own);
    return NULL;
}

static void replicas_that_start_at_once_apply_once(void **state)
{
    (void)state;
    atomic_store(&applied_by_all, 0);
    fixture_threads(8, replica, NULL);
    assert_int_equal(atomic_load(&applied_by_all), 2);
    assert_int_equal(blog_count(), 2);
}

static void pool_serves_once_prepared(void **state)
{
    (void)state;
    static const struct ink_db_statement count = {.name = "count", .sql = "SELECT blog_count()"};
    struct ink_db *own =
        fixture_pool((struct ink_db_settings){.size = 1, .migrations = &blog_migrations});
    struct ink_db_tx *tx = NULL;
    fixture_expect(ink_db_query(own, fixture_ctx(5000), &count, NULL, NULL), INK_UNAVAILABLE);
    fixture_expect(ink_db_begin(own, fixture_ctx(5000), &tx), INK_UNAVAILABLE);
    size_t applied = 99;
    fixture_expect(ink_db_prepare(own, fixture_ctx(20000), &applied), INK_OK);
    assert_int_equal(applied, 2);
    fixture_expect(ink_db_query(own, fixture_ctx(5000), &count, NULL, NULL), INK_OK);
    fixture_expect(ink_db_prepare(own, fixture_ctx(5000), &applied), INK_OK);
    assert_int_equal(applied, 0);
    ink_db_free(own);
}

static void changed_file_stops_the_start(void **state)
{
    (void)state;
    fixture_expect(migrate(&blog_migrations, NULL), INK_OK);
    struct ink_db_migration items[] = {blog_migrations.items[0],
                                       blog_migrations.items[1],
                                       {3, "0003_new.sql", "cc", "INSERT INTO blogs VALUES (3)"}};
    items[0].sha256 = "changed";
    const struct ink_db_migrations changed = {items, 3};
    struct ink_status status = migrate(&changed, NULL);
    fixture_expect(status, INK_FAILED_PRECONDITION);
    assert_non_null(strstr(status.message, "0001_blogs.sql was changed"));
    assert_int_equal(blog_count(), 2); /* nothing after it was applied */
}

static void only_new_files_are_applied(void **state)
{
    (void)state;
    const struct ink_db_migrations first = {blog_migrations.items, 1};
    size_t applied = 99;
    fixture_expect(migrate(&first, &applied), INK_OK);
    assert_int_equal(applied, 1);
    fixture_expect(migrate(&blog_migrations, &applied), INK_OK);
    assert_int_equal(applied, 1);
    fixture_expect(migrate(&first, &applied), INK_OK); /* an older program after a newer one */
    assert_int_equal(applied, 0);
    assert_int_equal(recorded(), 2);
}

static void refuses_and_keeps_the_first(const char *sql, const char *cause)
{
    struct ink_db_migration items[] = {blog_migrations.items[0], {2, "0002_bad.sql", "b", sql}};
    const struct ink_db_migrations bad = {items, 2};
    struct ink_status status = migrate(&bad, NULL);
    fixture_expect(status, INK_INTERNAL);
    assert_string_equal(status.message, "migration 0002_bad.sql failed");
    assert_non_null(strstr(status.cause, cause));
    assert_int_equal(recorded(), 1);
}

static void failing_file_leaves_nothing(void **state)
{
    (void)state;
    refuses_and_keeps_the_first("INSERT INTO blogs VALUES (9); SELECT 1 / 0", "division by zero");
    assert_int_equal(blog_count(), 1);
    size_t applied = 0;
    fixture_expect(migrate(&blog_migrations, &applied), INK_OK); /* repaired, it goes on */
    assert_int_equal(applied, 1);
}

static void file_must_not_end_its_transaction(void **state)
{
    (void)state;
    refuses_and_keeps_the_first("SELECT 1; COMMIT;", "ended the transaction");
}

static void copy_in_a_file_does_not_hang(void **state)
{
    (void)state;
    refuses_and_keeps_the_first("COPY blogs FROM STDIN", "COPY");
}

static void waiting_for_the_lock_ends_with_the_deadline(void **state)
{
    (void)state;
    static const struct ink_db_statement lock = {
        .name = "lock",
        .sql = "SELECT pg_advisory_xact_lock(hashtextextended('ink_schema_migrations', 0))"};
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct ink_ctx holder = ink_ctx_background(&arena);
    INK_DB_TX struct ink_db_tx *tx = NULL;
    fixture_expect(ink_db_begin(db, &holder, &tx), INK_OK);
    fixture_expect(ink_db_tx_query(tx, &lock, NULL, NULL), INK_OK);
    int64_t start = ink_now();
    fixture_expect(ink_db_migrate(db, fixture_ctx(300), &blog_migrations, NULL),
                   INK_DEADLINE_EXCEEDED);
    assert_true(fixture_elapsed_ms(start) < 2000);
    ink_db_rollback(&tx);
    fixture_expect(migrate(&blog_migrations, NULL), INK_OK);
    ink_arena_release(&arena);
}

static void away_is_told_at_once_and_can_be_tried_again(void **state)
{
    (void)state;
    test_control("stop", "postgres");
    int64_t start = ink_now();
    struct ink_status status = migrate(&blog_migrations, NULL);
    fixture_expect(status, INK_UNAVAILABLE);
    assert_true(status.retry_after_ms > 0);
    assert_true(fixture_elapsed_ms(start) < 900);
    test_control("start", "postgres");
    fixture_expect(migrate(&blog_migrations, NULL), INK_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(embedded_files_are_applied_once, wipe),
        cmocka_unit_test_setup(replicas_that_start_at_once_apply_once, wipe),
        cmocka_unit_test_setup(pool_serves_once_prepared, wipe),
        cmocka_unit_test_setup(changed_file_stops_the_start, wipe),
        cmocka_unit_test_setup(only_new_files_are_applied, wipe),
        cmocka_unit_test_setup(failing_file_leaves_nothing, wipe),
        cmocka_unit_test_setup(file_must_not_end_its_transaction, wipe),
        cmocka_unit_test_setup(copy_in_a_file_does_not_hang, wipe),
        cmocka_unit_test_setup(waiting_for_the_lock_ends_with_the_deadline, wipe),
        cmocka_unit_test_setup(away_is_told_at_once_and_can_be_tried_again, wipe),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
