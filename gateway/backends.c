#include "gateway/backends.h"

#include <stddef.h>

#include "lib/mesh/client.h"

/* How long a backend may take to say how it is. */
#define HEALTH_TIMEOUT_MS 900

static const struct {
    const char *service;
    const char *name;
    const char *setting; /* of the address */
    size_t address;      /* where that is among the settings */
    size_t tls_name;
} table[] = {
    {"inkmesh.user.v1.UserService", "user", "USER_SERVICE_ADDRESS",
     offsetof(struct gateway_settings, user_service), offsetof(struct gateway_settings, user_name)},
    {"inkmesh.blog.v1.BlogService", "blog", "BLOG_SERVICE_ADDRESS",
     offsetof(struct gateway_settings, blog_service), offsetof(struct gateway_settings, blog_name)},
    {"inkmesh.notification.v1.NotificationService", "notification", "NOTIFICATION_SERVICE_ADDRESS",
     offsetof(struct gateway_settings, notification_service),
     offsetof(struct gateway_settings, notification_name)},
};
_Static_assert(INK_COUNT(table) <= GATEWAY_MAX_BACKENDS, "GATEWAY_MAX_BACKENDS is too small");

static struct ink_status check(void *client, struct ink_arena *arena)
{
    (void)arena;
    if (ink_rpc_client_healthy(client, HEALTH_TIMEOUT_MS))
        return ink_ok();
    return ink_error(INK_UNAVAILABLE, "the service is away");
}

static const char *text_at(const struct gateway_settings *settings, size_t offset)
{
    return *(const char *const *)(const void *)((const char *)settings + offset);
}

void gateway_backends_init(struct gateway_backends *backends, struct ink_program *program,
                           const struct gateway_settings *settings)
{
    *backends = (struct gateway_backends){.count = INK_COUNT(table)};
    for (size_t i = 0; i < INK_COUNT(table); i++) {
        struct gateway_backend *backend = &backends->list[i];
        backend->service = table[i].service;
        backend->client =
            ink_program_client(program, &(struct ink_mesh_client_spec){
                                            .name = table[i].name,
                                            .setting = table[i].setting,
                                            .target = text_at(settings, table[i].address),
                                            .tls = &settings->rpc_tls,
                                            .server_name = text_at(settings, table[i].tls_name),
                                            .default_timeout_ms = settings->request_timeout_ms,
                                        });
        ink_program_check(program, table[i].name, true, check, backend->client);
    }
}

void gateway_backends_release(struct gateway_backends *backends)
{
    for (size_t i = 0; i < backends->count; i++)
        ink_rpc_client_free(backends->list[i].client);
}
