/*
 * The blog service: blogs, over gRPC. This file puts it together.
 */
#include "inkmesh_contract.h"
#include "services/blog/blog_migrations.h"
#include "services/blog/service.h"
#include "services/blog/settings.h"

int main(int argc, char **argv)
{
    static const struct ink_program_spec spec = {
        .config = {.name = "blog",
                   .version = "0.1.0",
                   .summary = "The blog service of inkmesh: blogs, their pages and the search.",
                   .settings = blog_settings_table},
        .mesh_settings = offsetof(struct blog_settings, backing.mesh),
        .contract = &inkmesh_contract,
    };
    struct blog_settings settings = {0};
    struct ink_program *program = ink_program_new(&spec, argc, argv, &settings);
    struct ink_backing backing;
    ink_backing_open(program, &settings.backing, &blog_migrations, NULL, &backing);
    ink_backing_publish(&backing);
    struct blog_service_parts parts = {.db = backing.db,
                                       .cache = backing.cache,
                                       .relay = backing.relay,
                                       .secret = backing.seal_secret};
    struct blog_service *service = blog_service_new(&parts);
    ink_backing_serve(&backing, BLOG_SERVICE, blog_service_handlers, service);
    blog_service_free(service);
    ink_backing_close(&backing);
    return 0;
}
