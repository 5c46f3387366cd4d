#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/transcode/stream.h"

static struct ink_buf out;

static int clear(void **state)
{
    (void)state;
    ink_buf_release(&out);
    return 0;
}

static void sse(const char *event, const char *id, const char *data, const char *expected)
{
    ink_buf_clear(&out);
    ink_stream_sse(&out, event, id, data, strlen(data));
    assert_string_equal(out.data, expected);
}

static void writes_lines(void **state)
{
    (void)state;
    ink_stream_ndjson(&out, "{\"a\":1}", 7);
    ink_stream_ndjson(&out, "{\n\"a\":\r\n2}", 10);
    ink_stream_ndjson(&out, "", 0);
    assert_string_equal(out.data, "{\"a\":1}\n{ \"a\":  2}\n\n");
}

static void writes_events(void **state)
{
    (void)state;
    sse(NULL, NULL, "{}", "data: {}\n\n");
    sse("notification", "7", "{}", "event: notification\nid: 7\ndata: {}\n\n");
    sse(NULL, "", "x", "id: \ndata: x\n\n");
    sse(NULL, NULL, "", "data: \n\n");
}

static void splits_data_at_line_breaks(void **state)
{
    (void)state;
    sse(NULL, NULL, "a\nb", "data: a\ndata: b\n\n");
    sse(NULL, NULL, "a\r\nb\rc\n", "data: a\ndata: b\ndata: c\ndata: \n\n");
    sse(NULL, NULL, "\n\n", "data: \ndata: \ndata: \n\n");
}

static void lets_no_name_break_the_frame(void **state)
{
    (void)state;
    sse("a\ndata: x", "1\r\n\r\nevent: y", "z", "event: adata: x\nid: 1event: y\ndata: z\n\n");
}

static void writes_heartbeats(void **state)
{
    (void)state;
    ink_stream_sse_comment(&out, NULL);
    ink_stream_sse_comment(&out, "still here\nnow");
    ink_stream_sse_retry(&out, 2000);
    assert_string_equal(out.data, ":\n\n: still herenow\n\nretry: 2000\n\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(writes_lines, clear),
        cmocka_unit_test_teardown(writes_events, clear),
        cmocka_unit_test_teardown(splits_data_at_line_breaks, clear),
        cmocka_unit_test_teardown(lets_no_name_break_the_frame, clear),
        cmocka_unit_test_teardown(writes_heartbeats, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
