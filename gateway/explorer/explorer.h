/*
 * The API explorer at /docs: a page that shows /openapi.json and makes calls from it (Swagger UI).
 * Its files are part of the program, so nothing of it comes from another host. Constant.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "gateway/explorer/files.h"

/* The file at this path of a request; NULL when there is none. */
const struct gateway_file *gateway_explorer_file(const char *path);

/* Whether it is the page at this path. */
bool gateway_explorer_is_page(const char *path);

/* The page's Content-Security-Policy: what it may load and whom it may ask is the gateway alone. */
extern const char gateway_explorer_policy[];
