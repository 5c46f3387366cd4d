/* Dead letters as messages: what they keep, what they say, and which of them are one. */
#include <string.h>

#include "lib/events/letter.h"
#include "tests/support/arena_case.h"

static const struct ink_letter_reason reason = {"readers", "id-1", "it is too long"};

static struct ink_raw_message message(int64_t offset)
{
    static struct ink_header headers[] = {{"ce_id", "id-1", 4}, {"traceparent", "00-a", 4}};
    return (struct ink_raw_message){.topic = "blog-events",
                                    .partition = 3,
                                    .offset = offset,
                                    .time = 1700000000123,
                                    .key = "key",
                                    .key_size = 3,
                                    .payload = "{}",
                                    .payload_size = 2,
                                    .headers = headers,
                                    .header_count = INK_COUNT(headers)};
}

/* The message as it arrives at this offset of its topic. */
static struct ink_raw_message arrived(const struct ink_message *sent, int64_t offset)
{
    return (struct ink_raw_message){.topic = sent->topic,
                                    .partition = 0,
                                    .offset = offset,
                                    .time = 1700000001000 + offset,
                                    .key = sent->key,
                                    .key_size = sent->key_size,
                                    .payload = sent->payload,
                                    .payload_size = sent->payload_size,
                                    .headers = (struct ink_header *)sent->headers,
                                    .header_count = sent->header_count};
}

static struct ink_raw_message buried(int64_t original, int64_t offset)
{
    struct ink_raw_message raw = message(original);
    struct ink_message letter;
    ink_letter_write(&arena, &raw, &reason, true, &letter);
    return arrived(&letter, offset);
}

static void a_letter_tells_where_from_and_why(void **state)
{
    (void)state;
    struct ink_raw_message raw = buried(42, 7);
    struct ink_dead_letter letter;
    assert_string_equal(raw.topic, "blog-events.DLT");
    ink_letter_read(&arena, &raw, &letter);
    assert_int_equal(letter.offset, 7);
    assert_string_equal(letter.id, "id-1");
    assert_string_equal(letter.original_topic, "blog-events");
    assert_int_equal(letter.original_partition, 3);
    assert_int_equal(letter.original_offset, 42);
    assert_int_equal(letter.original_time, 1700000000123000);
    assert_string_equal(letter.group, "readers");
    assert_string_equal(letter.reason, "it is too long");
    assert_string_equal(letter.key, "key");
    assert_string_equal(letter.payload, "{}");
    assert_null(letter.settled);
    assert_int_equal(letter.left_out, 0);
}

static void a_replay_is_the_message_with_its_identity(void **state)
{
    (void)state;
    struct ink_raw_message raw = buried(42, 7);
    struct ink_dead_letter letter;
    struct ink_message back;
    ink_letter_read(&arena, &raw, &letter);
    ink_letter_restore(&arena, &raw, &letter, &back);
    assert_string_equal(back.topic, "blog-events");
    assert_string_equal(back.payload, "{}");
    assert_int_equal(back.header_count, 3);
    assert_string_equal(back.headers[0].name, "ce_id");
    assert_string_equal(back.headers[1].name, "traceparent");
    assert_string_equal(back.headers[2].name, INK_HEADER_EVENT_ID);
}

/* A message that somebody copied out of a dead-letter topic with its headers dies: they would
 * name the wrong place. */
static void old_headers_of_letters_do_not_count(void **state)
{
    (void)state;
    struct ink_raw_message copied = buried(42, 7);
    copied.topic = "blog-events";
    copied.partition = 1;
    copied.offset = 99;
    struct ink_message again;
    struct ink_dead_letter letter;
    ink_letter_write(&arena, &copied, &reason, true, &again);
    struct ink_raw_message raw = arrived(&again, 8);
    ink_letter_read(&arena, &raw, &letter);
    assert_int_equal(letter.original_partition, 1);
    assert_int_equal(letter.original_offset, 99);
}

static void without_content_it_says_what_is_missing(void **state)
{
    (void)state;
    struct ink_raw_message raw = message(42);
    struct ink_message sent;
    struct ink_dead_letter letter;
    ink_letter_write(&arena, &raw, &reason, false, &sent);
    raw = arrived(&sent, 7);
    ink_letter_read(&arena, &raw, &letter);
    assert_int_equal(letter.left_out, 2);
    assert_int_equal(letter.payload_size, 0);
    assert_string_equal(letter.id, "id-1");
    assert_int_equal(letter.original_offset, 42);
}

static void somebody_elses_goes_back_by_its_topics_name(void **state)
{
    (void)state;
    struct ink_raw_message raw = message(5);
    struct ink_dead_letter letters[2];
    struct ink_message back, note;
    raw.topic = "blog-events.DLT";
    ink_letter_read(&arena, &raw, &letters[0]);
    ink_letter_restore(&arena, &raw, &letters[0], &back);
    assert_string_equal(back.topic, "blog-events");
    ink_letter_settle(&arena, &raw, &letters[0], INK_DEAD_LETTER_REPLAYED, &note);
    struct ink_raw_message noted = arrived(&note, 6);
    ink_letter_read(&arena, &noted, &letters[1]);
    assert_int_equal(ink_letters_merge(letters, 2), 1);
    assert_string_equal(letters[0].settled, "replayed");
}

static void copies_and_what_settles_them_are_one(void **state)
{
    (void)state;
    struct ink_dead_letter letters[7];
    struct ink_message note;
    size_t count = 0;
    /* 10: three copies, discarded after the second. 11: waits. 12: only its note is left. */
    static const struct {
        int64_t original, offset;
        bool note;
    } log[] = {{10, 0, false}, {11, 1, false}, {10, 2, false},
               {10, 3, true},  {10, 4, false}, {12, 5, true}};
    for (size_t i = 0; i < INK_COUNT(log); i++) {
        struct ink_raw_message raw = buried(log[i].original, log[i].offset);
        ink_letter_read(&arena, &raw, &letters[count]);
        if (log[i].note) {
            ink_letter_settle(&arena, &raw, &letters[count], INK_DEAD_LETTER_DISCARDED, &note);
            raw = arrived(&note, log[i].offset);
            ink_letter_read(&arena, &raw, &letters[count]);
            assert_int_equal(letters[count].payload_size, 0);
        }
        count++;
    }
    assert_int_equal(ink_letters_merge(letters, count), 2);
    assert_int_equal(letters[0].offset, 0);
    assert_int_equal(letters[0].copies, 3);
    assert_string_equal(letters[0].settled, "discarded");
    assert_int_equal(letters[0].settled_time, (1700000001000 + 3) * 1000);
    assert_int_equal(letters[1].offset, 1);
    assert_int_equal(letters[1].copies, 1);
    assert_null(letters[1].settled);
    assert_int_equal(ink_letters_merge(letters, 0), 0);
}

/* It can be discarded like any other. */
static void one_from_an_impossible_time_can_be_settled(void **state)
{
    (void)state;
    struct ink_raw_message raw = message(10);
    struct ink_message letter, note;
    struct ink_dead_letter letters[2];
    raw.time = INT64_MAX;
    ink_letter_write(&arena, &raw, &reason, true, &letter);
    raw = arrived(&letter, 0);
    ink_letter_read(&arena, &raw, &letters[0]);
    ink_letter_settle(&arena, &raw, &letters[0], INK_DEAD_LETTER_DISCARDED, &note);
    raw = arrived(&note, 1);
    ink_letter_read(&arena, &raw, &letters[1]);
    assert_int_equal(ink_letters_merge(letters, 2), 1);
    assert_string_equal(letters[0].settled, "discarded");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_letter_tells_where_from_and_why),
        cmocka_unit_test(a_replay_is_the_message_with_its_identity),
        cmocka_unit_test(old_headers_of_letters_do_not_count),
        cmocka_unit_test(without_content_it_says_what_is_missing),
        cmocka_unit_test(somebody_elses_goes_back_by_its_topics_name),
        cmocka_unit_test(copies_and_what_settles_them_are_one),
        cmocka_unit_test(one_from_an_impossible_time_can_be_settled),
    };
    return cmocka_run_group_tests_name("letter", tests, arena_set_up, arena_tear_down);
}
