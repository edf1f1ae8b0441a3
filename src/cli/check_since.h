/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What changed against an earlier run, in words. The earlier run is what
 * --json wrote; of each domain only the facts that matter are kept, as pairs
 * of texts, so that two looks can be compared without knowing their meaning.
 */
#ifndef POSTSEAL_CLI_CHECK_SINCE_H
#define POSTSEAL_CLI_CHECK_SINCE_H

#include "cli/check_list.h"

#include <jansson.h>

struct check_since;

/* NULL with a complaint when the file is not what --json writes. */
struct check_since *check_since_read(const struct cli *cli, const char *path);
void check_since_free(struct check_since **since);
/* The domains of the earlier run are the list. */
void check_since_list(const struct check_since *since, struct check_list *list);

/*
 * A list of {what, was, now}, empty when nothing changed; was is null for what
 * is new, now for what is gone. now: as check_json() makes it. *when: the time
 * of the earlier look, NULL when it is not in the earlier run.
 */
json_t *check_since_changes(const struct check_since *since, json_t *now,
                            const char **when);

/* The facts of one look: an object of texts. Pure; for tests. */
json_t *check_since_facts(json_t *look);

#endif
