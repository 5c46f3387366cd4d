#include "gateway/explorer/explorer.h"

#include <string.h>

#include "gateway/explorer/explorer_files.h"

#define PAGE "/docs"
#define FOLDER PAGE "/"

/* Swagger UI has its icons as data: in its style sheet. */
const char gateway_explorer_policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static const struct gateway_file *find(const char *name)
{
    for (size_t i = 0; i < gateway_explorer_files.count; i++)
        if (strcmp(gateway_explorer_files.list[i].name, name) == 0)
            return &gateway_explorer_files.list[i];
    return NULL;
}

const struct gateway_file *gateway_explorer_file(const char *path)
{
    if (strcmp(path, PAGE) == 0)
        return find("index.html");
    return strncmp(path, FOLDER, strlen(FOLDER)) == 0 ? find(path + strlen(FOLDER)) : NULL;
}

bool gateway_explorer_is_page(const char *path)
{
    return strcmp(path, PAGE) == 0;
}
