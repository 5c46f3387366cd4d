/*
 * Dead letters as Kafka messages: see dead_letters.h for what they look like. Pure functions,
 * inside lib/events only. What they give lives in the arena and in the message that it is made of.
 */
#pragma once

#include "lib/events/dead_letters.h"
#include "lib/events/message.h"

/* Of a letter that Kafka would not take whole: how long the payload is that was left out. */
#define INK_HEADER_LEFT_OUT "ink_payload-left-out"

/* Whether a topic is one of dead letters, by its name. */
bool ink_letter_topic(const char *topic);

/* What became of a message that a consumer could not deal with. */
struct ink_letter_reason {
    const char *group;
    const char *event_id;
    const char *text;
};

/* The message that puts `raw` aside; without key, payload and foreign headers if not `whole`. */
void ink_letter_write(struct ink_arena *arena, const struct ink_raw_message *raw,
                      const struct ink_letter_reason *reason, bool whole,
                      struct ink_message *ret_message);

/* A message of a dead-letter topic as a letter with one copy; `settled` is set when the message
 * settles a letter of this origin. */
void ink_letter_read(struct ink_arena *arena, const struct ink_raw_message *raw,
                     struct ink_dead_letter *ret_letter);

/* The message as it was before it died, but recognisable: with the identity that the consumer gave
 * it. */
void ink_letter_restore(struct ink_arena *arena, const struct ink_raw_message *raw,
                        const struct ink_dead_letter *letter, struct ink_message *ret_message);

/* The message that settles the letter. */
void ink_letter_settle(struct ink_arena *arena, const struct ink_raw_message *raw,
                       const struct ink_dead_letter *letter, enum ink_dead_letter_fate fate,
                       struct ink_message *ret_message);

/* Makes one letter of all copies of an origin and of what settles it; the rest stays in the order
 * of partition and offset. Returns how many letters there are then. */
size_t ink_letters_merge(struct ink_dead_letter *letters, size_t count);
