/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value of a Content-Type field (RFC 2045, 5.1), read in one way only: a
 * parameter that comes twice or in pieces (RFC 2231) could be two things to two
 * readers and makes the whole unreadable. Pure.
 */
#ifndef POSTSEAL_MAIL_CONTENT_TYPE_H
#define POSTSEAL_MAIL_CONTENT_TYPE_H

#include "base/arena.h"
#include "base/str.h"

enum { CONTENT_TYPE_PARAMETERS_MAX = 16 };

struct content_type {
    struct str type, subtype; /* as written; compare without case */
    struct content_parameter {
        struct str name, value;
    } parameters[CONTENT_TYPE_PARAMETERS_MAX];
    size_t n;
};

/* body: behind the colon, folds included. Values without their quotes, in
 * arena. False: not of this form, or of two forms. */
bool content_type_read(struct str body, struct arena *arena,
                       struct content_type *out);
bool content_type_is(const struct content_type *type, const char *main,
                     const char *sub);
/* "" when it is not there. */
struct str content_type_get(const struct content_type *type, const char *name);

#endif
