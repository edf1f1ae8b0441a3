/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words of strangers made inert: what servers and zones say is shown to people
 * and put into files. No control characters (ESC, CR, C1), no marks that turn
 * the direction of writing, no invalid UTF-8; each becomes "?".
 */
#ifndef POSTSEAL_CLI_CHECK_SAFE_H
#define POSTSEAL_CLI_CHECK_SAFE_H

#include "base/buf.h"

#include <jansson.h>
#include <stdio.h>

/* Octets of what stands at the front of s and must not be shown; 0: the
 * character there is harmless. s is not empty. */
size_t safe_hidden(struct str s);

void safe_write(struct str s, struct buf *out);
/* The same as a JSON text; valid whatever s holds. */
json_t *safe_json(struct str s);
/* NULL for an empty one. */
json_t *safe_json_or_null(struct str s);

/* Text in lines of at most width columns: the first goes on where the cursor
 * is (at column `indent`), the others are indented so far. */
void safe_wrap(struct str s, size_t indent, size_t width, FILE *out);
/* The same when the cursor is at another column. */
void safe_wrap_from(struct str s, size_t column, size_t indent, size_t width,
                    FILE *out);

#endif
