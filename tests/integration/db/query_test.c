/* Statements, their parameters and rows, transactions and errors against a real PostgreSQL. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "tests/integration/db/fixture.h"

static struct ink_db *db;

static const struct ink_db_statement create_users = {
    .name = "create_users",
    .sql =
        "CREATE TABLE users (id integer PRIMARY KEY, email text CONSTRAINT users_email_key UNIQUE "
        "DEFERRABLE INITIALLY IMMEDIATE, age integer CHECK (age > 0))"};
static const struct ink_db_statement empty_users = {.name = "empty_users",
                                                    .sql = "DELETE FROM users"};
static const struct ink_db_statement insert_user = {
    .name = "insert_user", .sql = "INSERT INTO users (id, email) VALUES ($1, $2)"};
static const struct ink_db_statement count_users = {.name = "count_users",
                                                    .sql = "SELECT count(*) FROM users"};

static int set_up(void **state)
{
    (void)state;
    db = fixture_pool((struct ink_db_settings){.size = 2, .connect_timeout_ms = 5000});
    fixture_run(db, &create_users);
    return 0;
}

static int empty(void **state)
{
    (void)state;
    fixture_run(db, &empty_users);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ink_db_free(db);
    return 0;
}

static int64_t user_count(void)
{
    INK_DB_ROWS struct ink_db_rows rows = {0};
    fixture_expect(ink_db_query(db, fixture_ctx(5000), &count_users, NULL, &rows), INK_OK);
    return ink_db_int64(&rows, 0, 0);
}

static struct ink_db_params user(const struct ink_ctx *ctx, int64_t id, const char *email)
{
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_int64(&params, id);
    ink_db_add_text(&params, email);
    return params;
}

static struct ink_status insert(int64_t id, const char *email)
{
    struct ink_ctx *ctx = fixture_ctx(5000);
    struct ink_db_params params = user(ctx, id, email);
    return ink_db_query(db, ctx, &insert_user, &params, NULL);
}

static struct ink_status tx_insert(struct ink_db_tx *tx, const struct ink_ctx *ctx, int64_t id,
                                   const char *email)
{
    struct ink_db_params params = user(ctx, id, email);
    return ink_db_tx_query(tx, &insert_user, &params, NULL);
}

static void every_type_comes_back(void **state)
{
    (void)state;
    static const struct ink_db_statement echo = {
        .name = "echo",
        .sql = "SELECT $1::text, $2::bigint, $3::bool, $4::timestamptz, $5::bytea, $6::text[], "
               "$7::text, $8::uuid"};
    static const char text[] = "tab\t, newline\n, quote ' \" \\, ä € 𝄞";
    static const char *const items[] = {"a \"b\" \\", "", "ä,}"};
    struct ink_ctx *ctx = fixture_ctx(5000);
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_text(&params, text);
    ink_db_add_int64(&params, INT64_MIN);
    ink_db_add_bool(&params, true);
    ink_db_add_time(&params, INT64_C(1700000000123456));
    ink_db_add_bytes(&params, "\0\1\xfe\xff", 4);
    ink_db_add_text_array(&params, items, 3);
    ink_db_add_null(&params);
    ink_db_add_text(&params, "0190F5D4-0000-7000-8000-0000000000AB");

    INK_DB_ROWS struct ink_db_rows rows = {0};
    fixture_expect(ink_db_query(db, ctx, &echo, &params, &rows), INK_OK);
    assert_int_equal(ink_db_row_count(&rows), 1);
    assert_string_equal(ink_db_text(&rows, 0, 0), text);
    assert_int_equal(ink_db_text_size(&rows, 0, 0), strlen(text));
    assert_true(ink_db_int64(&rows, 0, 1) == INT64_MIN);
    assert_true(ink_db_bool(&rows, 0, 2));
    assert_true(ink_db_time(&rows, 0, 3) == INT64_C(1700000000123456));
    size_t size = 0;
    const void *bytes = ink_db_bytes(&rows, ctx->arena, 0, 4, &size);
    assert_int_equal(size, 4);
    assert_memory_equal(bytes, "\0\1\xfe\xff", 4);
    assert_string_equal(ink_db_text(&rows, 0, 5), "{\"a \\\"b\\\" \\\\\",\"\",\"ä,}\"}");
    assert_true(ink_db_is_null(&rows, 0, 6));
    assert_null(ink_db_text(&rows, 0, 6));
    assert_int_equal(ink_db_int64(&rows, 0, 6), 0);
    assert_string_equal(ink_db_text(&rows, 0, 7), "0190f5d4-0000-7000-8000-0000000000ab");
}

/* More than socket buffers hold, both ways: neither side may wait for the other to read first. */
static void large_texts_pass(void **state)
{
    (void)state;
    static const struct ink_db_statement echo = {.name = "echo_large", .sql = "SELECT $1::text"};
    static char text[16 << 20];
    memset(text, 'x', sizeof(text) - 1);
    struct ink_ctx *ctx = fixture_ctx(20000);
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_text(&params, text);
    INK_DB_ROWS struct ink_db_rows rows = {0};
    fixture_expect(ink_db_query(db, ctx, &echo, &params, &rows), INK_OK);
    assert_int_equal(ink_db_text_size(&rows, 0, 0), sizeof(text) - 1);
}

static void affected_rows_are_counted(void **state)
{
    (void)state;
    fixture_expect(insert(1, "a"), INK_OK);
    fixture_expect(insert(2, "b"), INK_OK);
    INK_DB_ROWS struct ink_db_rows rows = {0};
    fixture_expect(ink_db_query(db, fixture_ctx(5000), &empty_users, NULL, &rows), INK_OK);
    assert_int_equal(ink_db_affected(&rows), 2);
    assert_int_equal(ink_db_row_count(&rows), 0);
}

static void unique_violation_names_its_constraint(void **state)
{
    (void)state;
    fixture_expect(insert(1, "ada@example.org"), INK_OK);
    struct ink_status status = insert(2, "ada@example.org");
    fixture_expect(status, INK_ALREADY_EXISTS);
    assert_true(ink_db_violates(status, "users_email_key"));
    assert_false(ink_db_violates(status, "users_pkey"));
    assert_null(strstr(status.cause, "ada@")); /* nobody's address goes to the log */
    status = insert(1, "bob@example.org");
    assert_true(ink_db_violates(status, "users_pkey"));
    assert_int_equal(user_count(), 1);
}

static void errors_keep_the_connection(void **state)
{
    (void)state;
    static const struct ink_db_statement divide = {.name = "divide", .sql = "SELECT 1 / $1::int"};
    static const struct ink_db_statement nonsense = {.name = "nonsense", .sql = "SELEKT 1"};
    uint64_t connects = ink_db_stats(db).connects;
    for (int i = 0; i < 3; i++) {
        struct ink_ctx *ctx = fixture_ctx(5000);
        struct ink_db_params params = ink_db_params(ctx->arena);
        ink_db_add_int64(&params, 0);
        struct ink_status status = ink_db_query(db, ctx, &divide, &params, NULL);
        fixture_expect(status, INK_INTERNAL);
        assert_string_equal(status.message, "internal error");
        assert_string_equal(status.cause, "22012: division by zero");
        fixture_expect(ink_db_query(db, ctx, &nonsense, NULL, NULL), INK_INTERNAL);
    }
    fixture_expect(ink_db_ping(db, fixture_ctx(5000)), INK_OK);
    assert_int_equal(ink_db_stats(db).connects, connects);
}

static void bad_text_is_the_callers_fault(void **state)
{
    (void)state;
    struct ink_ctx *ctx = fixture_ctx(5000);
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_int64(&params, 1);
    ink_db_add_string(&params, "cut\0here", 8);
    struct ink_status status = ink_db_query(db, ctx, &insert_user, &params, NULL);
    fixture_expect(status, INK_INVALID_ARGUMENT);
    assert_true(status.undone);
    status = insert(1, "not UTF-8: \xff");
    fixture_expect(status, INK_INVALID_ARGUMENT);
    assert_true(status.undone);
    assert_int_equal(user_count(), 0);
}

static void transaction_commits_as_one(void **state)
{
    (void)state;
    struct ink_ctx *ctx = fixture_ctx(5000);
    INK_DB_TX struct ink_db_tx *tx = NULL;
    fixture_expect(ink_db_begin(db, ctx, &tx), INK_OK);
    fixture_expect(tx_insert(tx, ctx, 1, "a"), INK_OK);
    fixture_expect(tx_insert(tx, ctx, 2, "b"), INK_OK);
    assert_int_equal(ink_db_stats(db).in_use, 1);
    fixture_expect(ink_db_commit(&tx), INK_OK);
    assert_null(tx);
    assert_int_equal(ink_db_stats(db).in_use, 0);
    assert_int_equal(user_count(), 2);
}

static void leave_scope_without_commit(void)
{
    struct ink_ctx *ctx = fixture_ctx(5000);
    INK_DB_TX struct ink_db_tx *tx = NULL;
    fixture_expect(ink_db_begin(db, ctx, &tx), INK_OK);
    fixture_expect(tx_insert(tx, ctx, 1, "a"), INK_OK);
}

static void what_is_not_committed_is_rolled_back(void **state)
{
    (void)state;
    leave_scope_without_commit();
    assert_int_equal(ink_db_stats(db).in_use, 0);
    assert_int_equal(user_count(), 0);
}

static void failed_transaction_cannot_commit(void **state)
{
    (void)state;
    struct ink_ctx *ctx = fixture_ctx(5000);
    INK_DB_TX struct ink_db_tx *tx = NULL;
    fixture_expect(ink_db_begin(db, ctx, &tx), INK_OK);
    fixture_expect(tx_insert(tx, ctx, 1, "a"), INK_OK);
    fixture_expect(tx_insert(tx, ctx, 1, "b"), INK_ALREADY_EXISTS);
    struct ink_status status = ink_db_commit(&tx);
    fixture_expect(status, INK_ABORTED);
    assert_true(status.undone);
    assert_null(tx);
    assert_int_equal(user_count(), 0);
    fixture_expect(insert(1, "a"), INK_OK); /* the connection is fine */
}

static void violation_found_by_commit_is_told(void **state)
{
    (void)state;
    static const struct ink_db_statement defer = {.name = "defer",
                                                  .sql = "SET CONSTRAINTS ALL DEFERRED"};
    struct ink_ctx *ctx = fixture_ctx(5000);
    INK_DB_TX struct ink_db_tx *tx = NULL;
    fixture_expect(ink_db_begin(db, ctx, &tx), INK_OK);
    fixture_expect(ink_db_tx_query(tx, &defer, NULL, NULL), INK_OK);
    fixture_expect(tx_insert(tx, ctx, 1, "a"), INK_OK);
    fixture_expect(tx_insert(tx, ctx, 2, "a"), INK_OK);
    struct ink_status status = ink_db_commit(&tx);
    fixture_expect(status, INK_ALREADY_EXISTS);
    assert_true(ink_db_violates(status, "users_email_key"));
    assert_true(status.undone);
    assert_int_equal(user_count(), 0);
}

static void unknown_completion_is_not_undone(void **state)
{
    (void)state;
    static const struct ink_db_statement raise = {
        .name = "raise", .sql = "DO $$BEGIN RAISE 'who knows' USING ERRCODE = '40003'; END$$"};
    struct ink_status status = ink_db_query(db, fixture_ctx(5000), &raise, NULL, NULL);
    fixture_expect(status, INK_ABORTED);
    assert_false(status.undone);
}

static void empty_transaction_costs_nothing(void **state)
{
    (void)state;
    INK_DB_TX struct ink_db_tx *tx = NULL;
    fixture_expect(ink_db_begin(db, fixture_ctx(5000), &tx), INK_OK);
    fixture_expect(ink_db_commit(&tx), INK_OK);
    assert_int_equal(ink_db_stats(db).in_use, 0);
}

static const struct ink_db_statement sleep_long = {.name = "sleep_long",
                                                   .sql = "SELECT pg_sleep(20)"};

static void slow_statement_ends_with_its_deadline(void **state)
{
    (void)state;
    struct ink_db_stats before = ink_db_stats(db);
    int64_t start = ink_now();
    struct ink_status status = ink_db_query(db, fixture_ctx(3000), &sleep_long, NULL, NULL);
    fixture_expect(status, INK_DEADLINE_EXCEEDED);
    assert_true(status.undone); /* the server ended it */
    assert_in_range(fixture_elapsed_ms(start), 2700, 3500);
    /* The server ended it in time, so the connection lives on. */
    assert_int_equal(ink_db_stats(db).discarded, before.discarded);
    fixture_expect(ink_db_ping(db, fixture_ctx(5000)), INK_OK);
    assert_int_equal(ink_db_stats(db).connects, before.connects);
}

static void statement_limit_bounds_what_has_no_deadline(void **state)
{
    (void)state;
    struct ink_db *limited = fixture_pool((struct ink_db_settings){.statement_limit_ms = 200});
    struct ink_ctx *ctx = fixture_ctx(0);
    ctx->deadline = INK_NO_DEADLINE;
    int64_t start = ink_now();
    fixture_expect(ink_db_query(limited, ctx, &sleep_long, NULL, NULL), INK_DEADLINE_EXCEEDED);
    assert_true(fixture_elapsed_ms(start) < 3000);
    ink_db_free(limited);
}

static void rollback_forgets_the_timeout_it_undid(void **state)
{
    (void)state;
    static const struct ink_db_statement show = {.name = "show", .sql = "SHOW statement_timeout"};
    struct ink_ctx *ctx = fixture_ctx(20000);
    INK_DB_TX struct ink_db_tx *tx = NULL;
    fixture_expect(ink_db_begin(db, ctx, &tx), INK_OK);
    fixture_expect(tx_insert(tx, ctx, 1, "a"), INK_OK);
    ctx->deadline = ink_now() + 900 * INK_MILLISECOND; /* sets another timeout, inside */
    fixture_expect(ink_db_tx_query(tx, &sleep_long, NULL, NULL), INK_DEADLINE_EXCEEDED);
    ink_db_rollback(&tx);
    INK_DB_ROWS struct ink_db_rows rows = {0};
    fixture_expect(ink_db_query(db, fixture_ctx(900), &show, NULL, &rows), INK_OK);
    int64_t told = strtoll(ink_db_text(&rows, 0, 0), NULL, 10);
    assert_in_range(told, 500, 900);
}

static void cancelled_context_ends_the_wait(void **state)
{
    (void)state;
    atomic_bool cancelled = true;
    struct ink_ctx *ctx = fixture_ctx(5000);
    ctx->cancelled = &cancelled;
    fixture_expect(ink_db_ping(db, ctx), INK_CANCELLED);
}

static void passed_deadline_sends_nothing(void **state)
{
    (void)state;
    struct ink_ctx *ctx = fixture_ctx(-1);
    struct ink_db_params params = user(ctx, 1, "a");
    fixture_expect(ink_db_query(db, ctx, &insert_user, &params, NULL), INK_DEADLINE_EXCEEDED);
    assert_int_equal(user_count(), 0);
}

/* A call waits for a row of a transaction that ends after it was sent; its answer is taken when its
 * deadline is over. */
static void a_call_in_two_halves(void **state)
{
    (void)state;
    static const struct ink_db_statement rename = {
        .name = "rename", .sql = "UPDATE users SET email = 'b' WHERE id = 1 RETURNING email"};
    fixture_expect(insert(1, "a"), INK_OK);
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct ink_ctx ctx = ink_ctx_background(&arena);
    ctx.deadline = ink_now() + 2 * INK_SECOND;
    struct ink_db_call call = {0};
    INK_DB_ROWS struct ink_db_rows rows = {0};
    INK_DB_TX struct ink_db_tx *tx = NULL;
    fixture_expect(ink_db_begin(db, &ctx, &tx), INK_OK);
    fixture_expect(ink_db_tx_query(tx, &empty_users, NULL, NULL), INK_OK);
    fixture_expect(ink_db_send(db, &ctx, &rename, NULL, &call), INK_OK);
    assert_int_equal(ink_db_stats(db).in_use, 2);
    ink_db_rollback(&tx);
    while (ink_now() < ctx.deadline)
        fixture_expect(ink_db_ping(db, fixture_ctx(5000)), INK_OK);
    fixture_expect(ink_db_receive(&call, &rows), INK_OK);
    assert_string_equal(ink_db_text(&rows, 0, 0), "b");
    assert_null(call.db);
    assert_int_equal(ink_db_stats(db).in_use, 0);
    ink_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_type_comes_back, empty),
        cmocka_unit_test_setup(large_texts_pass, empty),
        cmocka_unit_test_setup(affected_rows_are_counted, empty),
        cmocka_unit_test_setup(unique_violation_names_its_constraint, empty),
        cmocka_unit_test_setup(errors_keep_the_connection, empty),
        cmocka_unit_test_setup(bad_text_is_the_callers_fault, empty),
        cmocka_unit_test_setup(transaction_commits_as_one, empty),
        cmocka_unit_test_setup(what_is_not_committed_is_rolled_back, empty),
        cmocka_unit_test_setup(failed_transaction_cannot_commit, empty),
        cmocka_unit_test_setup(violation_found_by_commit_is_told, empty),
        cmocka_unit_test_setup(unknown_completion_is_not_undone, empty),
        cmocka_unit_test_setup(empty_transaction_costs_nothing, empty),
        cmocka_unit_test_setup(slow_statement_ends_with_its_deadline, empty),
        cmocka_unit_test_setup(statement_limit_bounds_what_has_no_deadline, empty),
        cmocka_unit_test_setup(rollback_forgets_the_timeout_it_undid, empty),
        cmocka_unit_test_setup(cancelled_context_ends_the_wait, empty),
        cmocka_unit_test_setup(passed_deadline_sends_nothing, empty),
        cmocka_unit_test_setup(a_call_in_two_halves, empty),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
