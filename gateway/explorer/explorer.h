/*
 * The API explorer at /docs: a page that shows /openapi.json and makes calls from it (Swagger UI).
 * Its files are part of the program, so nothing of it comes from another host. Constant.
 */
#pragma once

#include <stddef.h>

#include "gateway/explorer/files.h"

/* The file at this path of a request; NULL when there is none. */
const struct gateway_file *gateway_explorer_file(const char *path);

/* The Content-Security-Policy of a path: what the page may load and whom it may ask is the gateway
 * alone, and what is no page may nothing. */
const char *gateway_explorer_policy(const char *path);
