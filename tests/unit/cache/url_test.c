/* Redis URLs, well-formed and not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/arena.h"
#include "lib/cache/cache.h"
#include "lib/cache/url.h"

static void check(const char *text, const char *host, int port, int database, const char *user,
                  const char *password)
{
    struct ink_cache_url url;
    if (!ink_cache_url_parse(text, &url))
        fail_msg("refused %s", text);
    assert_string_equal(url.host, host);
    assert_int_equal(url.port, port);
    assert_int_equal(url.database, database);
    assert_string_equal(url.user != NULL ? url.user : "(none)", user != NULL ? user : "(none)");
    assert_string_equal(url.password != NULL ? url.password : "(none)",
                        password != NULL ? password : "(none)");
    ink_cache_url_release(&url);
}

static void well_formed(void **state)
{
    (void)state;
    check("redis://localhost", "localhost", 6379, 0, NULL, NULL);
    check("redis://localhost/", "localhost", 6379, 0, NULL, NULL);
    check("redis://10.0.0.1:6380/3", "10.0.0.1", 6380, 3, NULL, NULL);
    check("redis://:secret@cache:1/15", "cache", 1, 15, NULL, "secret");
    check("redis://app:se%3Acr%40et%2F@cache", "cache", 6379, 0, "app", "se:cr@et/");
    check("redis://:a:b@c@cache", "cache", 6379, 0, NULL, "a:b@c");
    check("redis://:@cache", "cache", 6379, 0, NULL, "");
    check("redis://[::1]", "::1", 6379, 0, NULL, NULL);
    check("redis://[fe80::2]:65535/1", "fe80::2", 65535, 1, NULL, NULL);
}

static void malformed(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "localhost",
        "http://localhost",
        "redis:/localhost",
        "redis://",
        "redis://:6379",
        "redis://host:",
        "redis://host:0",
        "redis://host:65536",
        "redis://host:12x",
        "redis://host:-1",
        "redis://host:99999999999999999999",
        "redis://host/x",
        "redis://host/1/2",
        "redis://host/1?a=b",
        "redis://host/99999999999",
        "redis://user@host",
        "redis://:%zz@host",
        "redis://:%4@host",
        "redis://:%@host",
        "redis://:%00@host",
        "redis://[::1",
        "redis://[::1]x",
        "redis://[]",
        "redis:// host",
    };
    for (size_t i = 0; i < INK_COUNT(texts); i++) {
        struct ink_cache_url url = {.port = -7};
        if (ink_cache_url_parse(texts[i], &url))
            fail_msg("took %s", texts[i]);
        assert_int_equal(url.port, -7);
    }
}

static void refusal_keeps_the_password(void **state)
{
    (void)state;
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct ink_cache *cache = NULL;
    struct ink_cache_settings settings = {.url = "redis://:secret@host:x"};
    struct ink_status status = ink_cache_new(&arena, &settings, &cache);
    assert_int_equal(status.code, INK_INVALID_ARGUMENT);
    assert_null(strstr(status.message, "secret"));
    assert_null(cache);
    ink_cache_free(cache);
    ink_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed),
        cmocka_unit_test(malformed),
        cmocka_unit_test(refusal_keeps_the_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
