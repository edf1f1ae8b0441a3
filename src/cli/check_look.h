/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One look at one domain: probed and judged by src/posture. When something of
 * ours may be at fault, our own side is tested first and the domain judged
 * once more with what that found. Many threads share one eye.
 */
#ifndef POSTSEAL_CLI_CHECK_LOOK_H
#define POSTSEAL_CLI_CHECK_LOOK_H

#include "cli/cli.h"
#include "posture/answers.h"

struct check_eye;

struct check_result {
    struct probe probe;
    struct answers answers;
    const struct selftest *self; /* NULL: there was no need to test */
    enum cli_exit code;
};

/* config must outlive it. timeout_ms: for one domain, 0: the usual. */
struct status check_eye_open(const struct config *config, int64_t timeout_ms,
                             struct check_eye **out);
void check_eye_close(struct check_eye **eye);
/* The result lives in arena and not longer than the eye. */
struct check_result *check_look(struct check_eye *eye, struct str domain,
                                struct arena *arena);

/* What is wrong on our side, the cause before its effects, or NULL. */
const struct self_fact *check_own_fault(const struct selftest *self);
/* So wrong that no further domain can be judged: the resolver or what is
 * needed to trust it, the CAs, the clock. */
bool check_is_blind(const struct selftest *self);

/* Domains whose servers are called to see whether port 25 is open. */
extern const struct str check_port_targets[];
extern const size_t check_port_targets_n;

#endif
