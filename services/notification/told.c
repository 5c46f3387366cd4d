#include "services/notification/told.h"

#include <string.h>

#include "lib/base/text.h"
#include "lib/transcode/json_reader.h"

/* In Unicode code points, as the contract allows for all notifications. */
#define MESSAGE_MAX 500

/* How the message is made of a name in the payload, and whom it is for. */
static const struct telling {
    const char *event;
    const char *user_field, *name_field;
    const char *before, *behind;
    const char *type;
} tellings[] = {
    {"user-registered", "userId", "username", "Welcome, ", "! Your account has been created.",
     "email"},
    {"blog-published", "authorId", "title", "Your blog ", " has been created.", "in-app"},
    {"blog-updated", "authorId", "title", "Your blog ", " has been updated.", "in-app"},
};

const char *const notification_event_types[] = {"user-registered", "blog-published", "blog-updated",
                                                "blog-deleted", NULL};

static bool is(struct ink_json_text text, const char *name)
{
    return text.size == strlen(name) && memcmp(text.data, name, text.size) == 0;
}

/* Reads a value into *ret_text if it is a string; anything else leaves it NULL. */
static bool read_text(struct ink_json_reader *reader, char **ret_text)
{
    struct ink_json_text text;
    if (ink_json_peek(reader) != INK_JSON_STRING)
        return ink_json_skip(reader);
    if (!ink_json_string(reader, &text))
        return false;
    *ret_text = ink_json_text_keep(reader, text);
    return true;
}

/* False when the payload is no JSON object. */
static bool read_payload(struct ink_arena *arena, const struct ink_event *event,
                         const struct telling *telling, char **ret_user, char **ret_name)
{
    struct ink_json_reader reader;
    struct ink_json_text member;
    ink_json_reader_init(&reader, arena, event->payload, event->payload_size);
    if (!ink_json_enter_object(&reader))
        return false;
    while (ink_json_next_name(&reader, &member)) {
        bool good = is(member, telling->user_field)   ? read_text(&reader, ret_user)
                    : is(member, telling->name_field) ? read_text(&reader, ret_name)
                                                      : ink_json_skip(&reader);
        if (!good)
            return false;
    }
    return ink_json_finish(&reader);
}

static const struct telling *find_telling(const char *event_type)
{
    for (size_t i = 0; i < INK_COUNT(tellings); i++)
        if (strcmp(tellings[i].event, event_type) == 0)
            return &tellings[i];
    return NULL;
}

bool notification_told(struct ink_arena *arena, struct ink_event *event,
                       struct notification_row *ret_row)
{
    const struct telling *telling = find_telling(event->type);
    char *user = NULL, *name = NULL, *user_id = ink_arena_alloc(arena, INK_UUID_SIZE);
    if (telling == NULL)
        return false;
    if (!read_payload(arena, event, telling, &user, &name))
        event->rejected = "the payload is not a JSON object";
    else if (user == NULL || !ink_uuid_normalize(user, user_id))
        event->rejected =
            ink_arena_printf(arena, "%s is missing or not a UUID", telling->user_field);
    else if (name == NULL)
        event->rejected =
            ink_arena_printf(arena, "%s is missing or not a text", telling->name_field);
    if (event->rejected != NULL)
        return false;
    char *message = ink_arena_printf(arena, "%s%s%s", telling->before, name, telling->behind);
    if (ink_utf8_length(message, strlen(message)) > MESSAGE_MAX) {
        event->rejected = "the message would be longer than 500 characters";
        return false;
    }
    *ret_row =
        (struct notification_row){.user_id = user_id, .message = message, .type = telling->type};
    return true;
}
