/*
 * What an event tells a user: from the events of the other services to notifications. Pure.
 */
#pragma once

#include <stdbool.h>

#include "lib/base/arena.h"
#include "lib/events/event.h"
#include "services/notification/store.h"

/* The types that are known here; NULL-terminated. */
extern const char *const notification_event_types[];

/* True when the event gives a notification: user_id (in lower case), message and type of *ret_row,
 * which live in `arena`. False when it gives none; then event->rejected is set unless it is of a
 * type that never gives one. Fields that are not known are passed over. */
bool notification_told(struct ink_arena *arena, struct ink_event *event,
                       struct notification_row *ret_row) INK_MUST_CHECK;
