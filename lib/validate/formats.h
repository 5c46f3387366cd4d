/*
 * The string formats of buf.validate, with its verdicts. Pure functions over text of a given size;
 * the text must be valid UTF-8, and none of them accepts an empty one unless it says so.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The HTML standard's valid e-mail address. */
bool ink_is_email(const char *text, size_t size);
/* Labels of 1 to 63 letters, digits and inner hyphens, the last not only digits; 253 characters
 * besides an optional trailing dot. */
bool ink_is_hostname(const char *text, size_t size);
/* RFC 3986's IPv4address and IPv6address, the latter with an optional zone (RFC 4007). */
bool ink_is_ipv4(const char *text, size_t size);
bool ink_is_ipv6(const char *text, size_t size);
bool ink_is_ip(const char *text, size_t size);
/* A hostname or an IP address. */
bool ink_is_address(const char *text, size_t size);
/* ADDRESS/LENGTH; of a prefix, the bits beyond its length are zero. */
bool ink_is_ipv4_with_prefixlen(const char *text, size_t size);
bool ink_is_ipv6_with_prefixlen(const char *text, size_t size);
bool ink_is_ip_with_prefixlen(const char *text, size_t size);
bool ink_is_ipv4_prefix(const char *text, size_t size);
bool ink_is_ipv6_prefix(const char *text, size_t size);
bool ink_is_ip_prefix(const char *text, size_t size);
/* HOST:PORT; the host is a hostname, an IPv4 address or an IPv6 address in brackets, the port is
 * 0 to 65535 without leading zeros. */
bool ink_is_host_and_port(const char *text, size_t size);
/* RFC 3986's URI, with RFC 6874's zones. */
bool ink_is_uri(const char *text, size_t size);
/* A URI or a relative reference; the empty text is one. */
bool ink_is_uri_ref(const char *text, size_t size);
/* A UUID without its hyphens. */
bool ink_is_tuuid(const char *text, size_t size);
/* RFC 7230's field-name and field-value; the loose ones refuse NUL, CR and LF only. The values may
 * be empty. */
bool ink_is_header_name(const char *text, size_t size);
bool ink_is_header_name_loose(const char *text, size_t size);
bool ink_is_header_value(const char *text, size_t size);
bool ink_is_header_value_loose(const char *text, size_t size);
/* Bytes: an address in network order. */
bool ink_is_ipv4_bytes(const char *data, size_t size);
bool ink_is_ipv6_bytes(const char *data, size_t size);
bool ink_is_ip_bytes(const char *data, size_t size);

/* For the formats that contain addresses: 4 and 16 bytes in network order; false and untouched when
 * the text is no address. No zone. */
bool ink_parse_ipv4(const char *text, size_t size, uint8_t ret_address[4]);
bool ink_parse_ipv6(const char *text, size_t size, uint8_t ret_address[16]);
