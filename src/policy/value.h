/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single values of the configuration: text to number, time, size, address.
 * Pure, overflow-safe, whole slice or nothing. Each answers NULL when it
 * worked, or what was wanted ("a time such as 30s"), and then leaves *out
 * alone.
 */
#ifndef POSTSEAL_POLICY_VALUE_H
#define POSTSEAL_POLICY_VALUE_H

#include "base/buf.h"
#include "policy/config.h"

const char *value_number(struct str s, uint64_t *out);
/* 30s 5m 2h 5d 2w 6y, in milliseconds. A year has 366 days, so that what is
 * to be kept for years is never kept too short. */
const char *value_duration(struct str s, int64_t *out);
/* 4096, 64K, 25M, 2G; powers of 1024. */
const char *value_size(struct str s, uint64_t *out);
/* yes, no */
const char *value_yes_no(struct str s, bool *out);
/* 127.0.0.1:25, [::1]:25; port 1..65535. */
const char *value_address(struct str s, struct sockaddr_storage *out);
/* host, host:port, 10.0.0.5:25, [::1]:25; *port 0 when there is none. */
const char *value_host_port(struct str s, struct str *host, uint16_t *port);
/* 10.0.0.0/8, 2001:db8::/32, or one address; no bits beyond the mask. */
const char *value_range(struct str s, struct address_range *out);
/* gate.clinic.example: at least two labels (RFC 1123, 2.1), ASCII. */
const char *value_hostname(struct str s);
/* example.org, *.example.org or * */
const char *value_domain(struct str s);
/* local@domain, *@domain, *@*.domain, *.domain, domain */
const char *value_pattern(struct str s);
/* SHA-256 in hex (colons allowed) or base64, 32 octets. */
const char *value_sha256(struct str s, unsigned char out[32]);
/* 127.0.0.1, 127.0.0.1@5353, ::1@53 */
const char *value_resolver(struct str s);

void value_write_duration(int64_t ms, struct buf *out);
void value_write_size(uint64_t bytes, struct buf *out);
void value_write_address(const struct sockaddr_storage *a, struct buf *out);
void value_write_range(const struct address_range *range, struct buf *out);

#endif
