/*
 * The contract as an OpenAPI 3.1 document: every route with its aliases, parameters, bodies,
 * headers, answers and problems, and the messages as JSON Schemas with the rules of buf.validate as
 * keywords. Nothing of it is written by hand but what the gateway itself does to each request: its
 * problems and its own paths.
 *
 *     struct gateway_openapi *document;
 *     status = gateway_openapi_new(contract, router, "1.0.0", &arena, &document);
 *
 * Made once, at start, and constant then; thread-safe. Its size is bounded by the contract's: a
 * message is written once for each role (in a request, in an answer) and referred to elsewhere.
 *
 * A route that OpenAPI has no word for (a method of its own kind, or any method) is left out.
 */
#pragma once

#include <stddef.h>

#include "lib/base/arena.h"
#include "lib/base/status.h"
#include "lib/contract/contract.h"
#include "lib/transcode/router.h"

struct gateway_openapi;

/* Describes the routes of `router`, which was made of `contract`. `version` is that of the API.
 * FAILED_PRECONDITION, with a message in `arena`, for a rule of a request that cannot be enforced
 * (lib/validate). Keeps no pointer to what it is given. */
struct ink_status gateway_openapi_new(const struct ink_contract *contract,
                                      const struct ink_router *router, const char *version,
                                      struct ink_arena *arena,
                                      struct gateway_openapi **ret_document) INK_MUST_CHECK;
/* Accepts NULL. */
void gateway_openapi_free(struct gateway_openapi *document);

/* The JSON text; NUL-terminated. */
const char *gateway_openapi_json(const struct gateway_openapi *document, size_t *ret_size);
/* Its entity tag, with quotes: the same for the same text. */
const char *gateway_openapi_etag(const struct gateway_openapi *document);
