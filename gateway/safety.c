#include "gateway/safety.h"

#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/base/buf.h"

/* For what is no page: nothing in it is to be run, loaded, or shown in a frame. */
#define DATA_POLICY "default-src 'none'; frame-ancestors 'none'"

/* X-XSS-Protection is off because the filter of old browsers could be used to break pages. */
#define COMMON                                                                                     \
    "Cross-Origin-Opener-Policy: same-origin\r\n"                                                  \
    "Cross-Origin-Resource-Policy: same-origin\r\n"                                                \
    "Origin-Agent-Cluster: ?1\r\n"                                                                 \
    "Referrer-Policy: no-referrer\r\n"                                                             \
    "X-Content-Type-Options: nosniff\r\n"                                                          \
    "X-DNS-Prefetch-Control: off\r\n"                                                              \
    "X-Download-Options: noopen\r\n"                                                               \
    "X-Frame-Options: DENY\r\n"                                                                    \
    "X-Permitted-Cross-Domain-Policies: none\r\n"                                                  \
    "X-XSS-Protection: 0\r\n"

struct gateway_safety {
    struct ink_buf lines[2][2]; /* by page, by tls */
};

static void make(struct ink_buf *lines, const struct gateway_safety_options *options, bool page,
                 bool tls)
{
    ink_buf_printf(lines, "Content-Security-Policy: %s\r\n" COMMON,
                   page ? options->page_policy : DATA_POLICY);
    if (tls && options->hsts_max_age > 0)
        ink_buf_printf(lines, "Strict-Transport-Security: max-age=%u%s\r\n", options->hsts_max_age,
                       options->hsts_subdomains ? "; includeSubDomains" : "");
    if (options->by_origin)
        ink_buf_puts(lines, "Vary: Origin\r\n");
}

struct gateway_safety *gateway_safety_new(const struct gateway_safety_options *options)
{
    struct gateway_safety *safety = ink_calloc(1, sizeof(*safety));
    for (int page = 0; page < 2; page++)
        for (int tls = 0; tls < 2; tls++)
            make(&safety->lines[page][tls], options, page, tls);
    return safety;
}

void gateway_safety_free(struct gateway_safety *safety)
{
    if (safety == NULL)
        return;
    for (int page = 0; page < 2; page++)
        for (int tls = 0; tls < 2; tls++)
            ink_buf_release(&safety->lines[page][tls]);
    free(safety);
}

const char *gateway_safety_lines(const struct gateway_safety *safety, bool page, bool tls)
{
    return safety->lines[page][tls].data;
}
