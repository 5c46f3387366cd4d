/* Inside lib/events only. */
#pragma once

/* The advisory lock whose holder publishes the outbox; SQL. */
#define INK_RELAY_LOCK "116092405048692"
