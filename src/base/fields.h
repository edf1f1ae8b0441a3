/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A value as a row of tagged fields, for what one process tells another:
 * tag(1) length(4, big endian) octets. Order matters, a tag may come again.
 */
#ifndef POSTSEAL_BASE_FIELDS_H
#define POSTSEAL_BASE_FIELDS_H

#include "base/arena.h"
#include "base/buf.h"

struct field {
    uint8_t tag;
    struct str value; /* of the text that was read */
};

void field_add(struct buf *out, uint8_t tag, struct str value);
/* A number as eight octets. */
void field_add_int(struct buf *out, uint8_t tag, int64_t value);

/* The next field of *rest; false at the end and for what is none: then rest is
 * not empty. */
bool field_next(struct str *rest, struct field *out);
/* False when the value is not eight octets. */
bool field_int(const struct field *field, int64_t *out);
/* The same, from 0 to most; and 0 or 1. */
bool field_number(const struct field *field, int64_t most, int64_t *out);
bool field_flag(const struct field *field, bool *out);
/* A copy in the arena; false when it is longer than max. */
bool field_keep(const struct field *field, size_t max, struct arena *arena,
                struct str *out);

#endif
