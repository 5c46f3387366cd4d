/*
 * Who publishes: the relay that holds an advisory lock of the database. The lock lives in a
 * transaction that reads and writes nothing, so it holds up neither VACUUM nor ALTER TABLE, and
 * that works through a transaction pooler, too. PostgreSQL ends it when its holder goes silent for
 * 10 s.
 *
 * A relay that lost the lock without knowing may publish for another second: what it publishes, the
 * next holder publishes as well, from the same first row on and in the same order, so that first
 * arrivals stay in order and repeats are what consumers are ready for.
 */
#include "lib/events/lease.h"
#include "lib/events/relay_internal.h"

#define CHECK_INTERVAL INK_SECOND

static const struct ink_db_statement take = {
    .name = "ink_relay_take",
    .sql = "SELECT pg_try_advisory_xact_lock(" INK_RELAY_LOCK "),"
           " set_config('idle_in_transaction_session_timeout', '10000', true)"};

static const struct ink_db_statement hold = {.name = "ink_relay_hold", .sql = "SELECT 1"};

static void set_active(struct ink_relay *relay, bool active)
{
    pthread_mutex_lock(&relay->lock);
    bool changed = relay->stats.active != active;
    relay->stats.active = active;
    pthread_mutex_unlock(&relay->lock);
    if (changed)
        ink_events_report(&relay->settings.kafka, false,
                          active ? "publishing the outbox" : "no longer publishing the outbox");
}

void ink_relay_resign(struct ink_relay *relay)
{
    ink_db_rollback(&relay->lease);
    ink_arena_release(&relay->lease_arena);
    set_active(relay, false);
}

/* The context must outlive the transaction, so it is the relay's. */
static struct ink_status ask(struct ink_relay *relay, bool *ret_ours)
{
    ink_arena_release(&relay->lease_arena);
    relay->lease_ctx = ink_ctx_background(&relay->lease_arena);
    struct ink_status status = ink_db_begin(relay->db, &relay->lease_ctx, &relay->lease);
    if (!ink_is_ok(status))
        return status;
    INK_DB_ROWS struct ink_db_rows rows = {0};
    status = ink_db_tx_query(relay->lease, &take, NULL, &rows);
    if (ink_is_ok(status))
        *ret_ours = ink_db_bool(&rows, 0, 0);
    return status;
}

static bool take_lock(struct ink_relay *relay)
{
    bool ours = false;
    struct ink_status status = ask(relay, &ours);
    if (!ink_is_ok(status))
        ink_relay_trouble(relay, status);
    if (!ours) {
        ink_relay_resign(relay);
        return false;
    }
    relay->lease_checked = ink_now();
    set_active(relay, true);
    return true;
}

bool ink_relay_lead(struct ink_relay *relay)
{
    if (relay->lease == NULL)
        return take_lock(relay);
    if (ink_now() - relay->lease_checked < CHECK_INTERVAL)
        return true;
    struct ink_status status = ink_db_tx_query(relay->lease, &hold, NULL, NULL);
    if (!ink_is_ok(status)) {
        ink_relay_trouble(relay, status);
        ink_relay_resign(relay);
        return false;
    }
    relay->lease_checked = ink_now();
    return true;
}
