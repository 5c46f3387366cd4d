#include "lib/mesh/certificates.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "lib/base/alloc.h"
#include "lib/log/log.h"

#define MOST_USES 8
/* From here on every start and renewal says that it is about time. */
#define SOON_S (7 * 24 * 3600)

struct use {
    const char *name;
    ink_mesh_reload_fn *reload;
    void *self;
    _Atomic int64_t expires;
};

struct ink_mesh_certificates {
    struct ink_metrics *metrics;
    struct use uses[MOST_USES];
    size_t count;
};

struct ink_mesh_certificates *ink_mesh_certificates_new(struct ink_metrics *metrics)
{
    struct ink_mesh_certificates *certificates = ink_calloc(1, sizeof(*certificates));
    certificates->metrics = metrics;
    return certificates;
}

void ink_mesh_certificates_free(struct ink_mesh_certificates *certificates)
{
    free(certificates);
}

static double expiry(void *use)
{
    return (double)atomic_load(&((struct use *)use)->expires);
}

static void log_in_use(const struct use *use, const char *what)
{
    int64_t expires = atomic_load(&use->expires), left = expires == 0 ? 0 : expires - time(NULL);
    ink_log(expires != 0 && left < SOON_S ? INK_LOG_WARN : INK_LOG_INFO, NULL, what,
            INK_LOG_STR("use", use->name),
            INK_LOG_NUM("expires_in_days", (double)(left / 3600) / 24));
}

/* Returns whether TLS is used at all, as far as is known. */
static bool look(struct use *use, bool asked)
{
    struct ink_arena arena;
    struct ink_tls_state state = {.used = true};
    ink_arena_init(&arena);
    struct ink_status status = use->reload(use->self, &arena, &state);
    if (!ink_is_ok(status)) {
        ink_log(INK_LOG_ERROR, NULL, "new certificates cannot be used, the old ones stay",
                INK_LOG_STR("use", use->name), INK_LOG_STATUS(status));
    } else {
        atomic_store(&use->expires, state.expires);
        if (state.changed)
            log_in_use(use, "new certificates are in use");
        else if (asked)
            log_in_use(use, "the certificates are still the same");
    }
    ink_arena_release(&arena);
    return state.used;
}

void ink_mesh_certificates_add(struct ink_mesh_certificates *certificates, const char *name,
                               ink_mesh_reload_fn *reload, void *self)
{
    if (certificates->count == MOST_USES)
        abort();
    struct use *use = &certificates->uses[certificates->count];
    *use = (struct use){.name = name, .reload = reload, .self = self};
    if (!look(use, false))
        return;
    certificates->count++;
    if (atomic_load(&use->expires) == 0)
        return;
    struct ink_metric *gauge =
        ink_metrics_gauge(certificates->metrics, "tls_certificate_expires_timestamp_seconds",
                          "When the certificate in use expires, since 1970.", INK_LABELS("use"));
    ink_series_callback(ink_metric_series(gauge, INK_LABELS(name)), expiry, use);
    log_in_use(use, "a certificate is in use");
}

void ink_mesh_certificates_look(struct ink_mesh_certificates *certificates, bool asked)
{
    for (size_t i = 0; i < certificates->count; i++)
        (void)look(&certificates->uses[i], asked);
}

bool ink_mesh_certificates_any(const struct ink_mesh_certificates *certificates)
{
    return certificates->count > 0;
}
