/* SPDX-License-Identifier: Apache-2.0 */
/* Keys as people and scripts see them. */
#ifndef POSTSEAL_CLI_KEY_SHOW_H
#define POSTSEAL_CLI_KEY_SHOW_H

#include "cli/cli.h"
#include "store/keyring.h"

json_t *key_json(const struct keyring_key *key);
void key_print_table(const struct cli *cli, struct arena *arena,
                     const struct keyring_key *keys, size_t n);
void key_print(struct arena *arena, const struct keyring_key *key,
               const struct keyring_event *events, size_t n);
json_t *key_history_json(const struct keyring_event *events, size_t n);
/* PEM of a certificate, ASCII armour of an OpenPGP key. */
void key_armour(const struct key_facts *facts, struct buf *out);

#endif
