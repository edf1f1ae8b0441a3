/* SPDX-License-Identifier: Apache-2.0 */
/* A look as JSON; the fields are documented in docs/operations.md and stay. */
#ifndef POSTSEAL_CLI_CHECK_JSON_H
#define POSTSEAL_CLI_CHECK_JSON_H

#include "cli/check_look.h"
#include "posture/replies.h"

json_t *check_json(const struct check_result *result);
json_t *check_json_replies(const struct replies *replies);
json_t *check_json_self(const struct selftest *self);
/* One line, written through at once; takes the reference. */
void check_json_line(json_t *value);

#endif
