/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may hand in mail: pure questions about an address, an account and a
 * listener. Nothing here is ever decided by what the client says of itself.
 */
#ifndef POSTSEAL_ROLE_INTAKE_ACCESS_H
#define POSTSEAL_ROLE_INTAKE_ACCESS_H

#include "policy/config.h"

/* The octets of an IPv4 or IPv6 text ("::ffff:192.0.2.1" counts as IPv4). */
bool access_parse_address(const char *text, uint8_t *family,
                          uint8_t octets[16]);
bool access_in_ranges(const char *address, const struct address_range *ranges,
                      size_t n);
/* sender ("local@domain", never "") matches one of the patterns. */
bool access_sender_allowed(struct str sender, const struct str *patterns,
                           size_t n);

#endif
