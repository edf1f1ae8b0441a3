/* SPDX-License-Identifier: Apache-2.0 */
/* What a look is founded on: DNS, policies, and each address of each host. */
#ifndef POSTSEAL_CLI_CHECK_EVIDENCE_H
#define POSTSEAL_CLI_CHECK_EVIDENCE_H

#include "cli/cli.h"
#include "posture/probe.h"

void check_evidence(const struct cli *cli, const struct probe *probe);

#endif
