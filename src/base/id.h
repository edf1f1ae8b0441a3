/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of messages, deliveries and pickups: 128 bits shaped like UUIDv7
 * (RFC 9562, 5.7: 48 bits of time, a counter, then randomness), written as 26
 * letters and digits (Crockford's base 32, lower case) so that people can read
 * them out and sorting by name is sorting by time. An id is a name, never a
 * secret.
 */
#ifndef POSTSEAL_BASE_ID_H
#define POSTSEAL_BASE_ID_H

#include "base/str.h"

enum { ID_TEXT = 26 };

struct id {
    char text[ID_TEXT + 1]; /* NUL-terminated; empty text: no id */
};

struct id id_new(void);
/* True when s is an id as id_new makes them (upper case is folded). */
bool id_parse(struct str s, struct id *out);
static inline struct str id_str(const struct id *id)
{
    return str_from_cstr(id->text);
}

#endif
