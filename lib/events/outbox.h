/*
 * Events that are never lost (the transactional outbox): a service writes an event into its own
 * database, in the very statement that changes the business row, and lib/events/relay.h publishes
 * it afterwards. Nothing on the request's path speaks to Kafka.
 *
 * The table comes as migrations of the service (lib/events/outbox.sql, outbox_waiting.sql):
 *
 *     load("//lib/events:schema.bzl", "event_table")
 *     sql_migrations(name = "blog_migrations",
 *                    srcs = [..., event_table("outbox", 3), event_table("outbox_waiting", 4)])
 *
 * One statement changes the row and writes the event; no row changed means no event:
 *
 *     "WITH blog AS (UPDATE blogs SET title = $2 WHERE id = $1 RETURNING *),"
 *     " event AS (" INK_OUTBOX_INSERT
 *     "  SELECT $3::uuid, $4::json, 'blog', id, 'blog-updated',"
 *     "         (SELECT row_to_json(e) FROM (SELECT 'blog-updated' AS type, id AS \"blogId\","
 *     "                                             title, author_id AS \"authorId\") AS e)"
 *     "  FROM blog)"
 *     "SELECT id, title FROM blog"
 *
 *     ink_db_add_text(&params, id);           // $1
 *     ink_db_add_text(&params, title);        // $2
 *     ink_outbox_add(&params, ctx);           // $3 and $4: the event's id and headers
 *     status = ink_db_query(db, ctx, &update_blog, &params, &rows);
 *     if (ink_is_ok(status))
 *         ink_outbox_wake(relay);
 *
 * The event must be selected FROM the changed row, as here: its sequence number is then drawn after
 * the row's lock was taken, so that the events of one aggregate are in the order of their changes.
 * The id names one event: a statement that may touch several rows needs one pair of parameters for
 * each of them (a second row with the same id is refused as ALREADY_EXISTS, never lost).
 */
#pragma once

#include "lib/base/ctx.h"
#include "lib/db/db.h"

struct ink_relay;

/* The columns, in the order: id, headers, aggregatetype, aggregateid, type, payload. */
#define INK_OUTBOX_INSERT                                                                          \
    "INSERT INTO outbox (id, headers, aggregatetype, aggregateid, type, payload) "

/* Adds two parameters: the event's id (a new UUIDv7) and its headers, JSON with the request's
 * traceparent. They live in the arena of `params`. */
void ink_outbox_add(struct ink_db_params *params, const struct ink_ctx *ctx);

/* Tells the relay of this process that a row was committed, so that it need not wait for its next
 * poll. Costs next to nothing, never blocks, may be called from any thread; NULL is fine. */
void ink_outbox_wake(struct ink_relay *relay);

struct ink_outbox_stats {
    int64_t depth;      /* rows that wait to be published */
    double age_seconds; /* of the oldest of these; 0 when there is none */
    int64_t refused;    /* rows that Kafka will never take */
};

/* Counts; takes as long as PostgreSQL takes to count. */
struct ink_status ink_outbox_measure(struct ink_db *db, const struct ink_ctx *ctx,
                                     struct ink_outbox_stats *ret_stats) INK_MUST_CHECK;

/* Whether the database has an outbox, and whether a relay publishes it now. For tools. */
struct ink_status ink_outbox_inspect(struct ink_db *db, const struct ink_ctx *ctx, bool *ret_exists,
                                     bool *ret_published) INK_MUST_CHECK;
