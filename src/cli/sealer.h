/* SPDX-License-Identifier: Apache-2.0 */
/* A sealer of a command's own: what strangers made is read there, never in the
 * process a person started. It ends with the command. */
#ifndef POSTSEAL_CLI_SEALER_H
#define POSTSEAL_CLI_SEALER_H

#include "policy/config.h"
#include "seal/errand.h"

struct cli_sealer {
    int channel; /* for errand_ask() */
    int pid;
};

struct status cli_sealer_start(const struct config *config,
                               struct cli_sealer *out);
void cli_sealer_stop(struct cli_sealer *sealer);

/* One errand with octets from memory. */
struct status cli_sealer_ask(const struct cli_sealer *sealer,
                             const struct errand *errand, struct str octets,
                             struct arena *arena, struct errand_answer *out);

#endif
