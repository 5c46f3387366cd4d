/*
 * The reason phrases of HTTP status codes (RFC 9110, section 15; RFC 6585 for 428 to 431): in
 * status lines and as titles of problems. Pure.
 */
#pragma once

/* "Not Found" for 404; "Unknown" for a status that is not in use here. */
const char *ink_http_status_text(int status);
