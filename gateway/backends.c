#include "gateway/backends.h"

#include <stddef.h>

/* How long a backend may take to say how it is. */
#define HEALTH_TIMEOUT_MS 900

static const struct {
    const char *service;
    const char *name;
    const char *use; /* says which setting is wrong, if one is */
    size_t setting;  /* of the address */
} table[] = {
    {"inkmesh.user.v1.UserService", "user", "use USER_SERVICE_ADDRESS",
     offsetof(struct gateway_settings, user_service)},
    {"inkmesh.blog.v1.BlogService", "blog", "use BLOG_SERVICE_ADDRESS",
     offsetof(struct gateway_settings, blog_service)},
    {"inkmesh.notification.v1.NotificationService", "notification",
     "use NOTIFICATION_SERVICE_ADDRESS", offsetof(struct gateway_settings, notification_service)},
};
_Static_assert(INK_COUNT(table) <= GATEWAY_MAX_BACKENDS, "GATEWAY_MAX_BACKENDS is too small");

static struct ink_status check(void *client, struct ink_arena *arena)
{
    (void)arena;
    if (ink_rpc_client_healthy(client, HEALTH_TIMEOUT_MS))
        return ink_ok();
    return ink_error(INK_UNAVAILABLE, "the service is away");
}

void gateway_backends_init(struct gateway_backends *backends, struct ink_program *program,
                           const struct gateway_settings *settings)
{
    *backends = (struct gateway_backends){.count = INK_COUNT(table)};
    for (size_t i = 0; i < INK_COUNT(table); i++) {
        const char *const *address = (const void *)((const char *)settings + table[i].setting);
        struct ink_rpc_client_options options = {
            .target = *address,
            .tls = settings->rpc_tls.ca_file == NULL ? NULL : &settings->rpc_tls,
            .default_timeout_ms = settings->request_timeout_ms,
        };
        struct gateway_backend *backend = &backends->list[i];
        backend->service = table[i].service;
        ink_program_must(program, table[i].use,
                         ink_rpc_client_new(ink_program_contract(program), &options,
                                            ink_program_arena(program), &backend->client));
        ink_program_check(program, table[i].name, true, check, backend->client);
    }
}

void gateway_backends_release(struct gateway_backends *backends)
{
    for (size_t i = 0; i < backends->count; i++)
        ink_rpc_client_free(backends->list[i].client);
}
