/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands about the queue share: the store of the configuration, and
 * messages, deliveries and pickups as JSON (docs/operations.md). */
#ifndef POSTSEAL_CLI_RECORDS_H
#define POSTSEAL_CLI_RECORDS_H

#include "cli/cli.h"
#include "store/pickup.h"
#include "store/queue.h"

/* Opens the store; on failure NULL, the fault printed, *code set. */
struct store *records_open(const struct cli *cli, enum cli_exit *code);
/* Who acts, for the audit log: "root", or "uid 1000". */
struct str records_actor(struct arena *arena);

/* An id or the beginning of one, as the commands print them; false, and said
 * so, when text cannot be one. */
bool records_is_id(const struct cli *cli, const char *text);
/* A text of strangers on a terminal: control characters become "?". */
struct str records_safe(struct arena *arena, struct str s);

json_t *records_time(int64_t wall_ms); /* null for 0 */
json_t *records_delivery(const struct delivery *d);
json_t *records_attempt(const struct attempt *a);
/* The whole story: message, recipients, attempts. */
json_t *records_message(struct rx *rx, struct arena *arena,
                        const struct message *m, const struct delivery *d,
                        size_t n);

/* "2026-11-23 21:09:00" in arena, "" for 0. */
struct str records_when(struct arena *arena, int64_t wall_ms);

#endif
