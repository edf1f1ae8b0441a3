/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be mended at a domain, with the step that mends it: one function
 * per stable id, found in this order of subjects: our own side, the domain,
 * its policies, each host. Pure. For answers.c.
 */
#ifndef POSTSEAL_POSTURE_FINDINGS_H
#define POSTSEAL_POSTURE_FINDINGS_H

#include "posture/answers.h"

/* Fills out->findings (worst first) and out->worst; out->floor is filled. */
void findings_of(const struct probe *probe, const struct selftest *self,
                 struct arena *arena, struct answers *out);

/* --- records ready to paste, in arena --------------------------------------
 */

/* "_25._tcp.mx1.example. IN TLSA 3 1 1 ..." of the certificate seen; "" when
 * none was. */
struct str record_tlsa(const struct mx_host *host,
                       const struct probe_address *address,
                       struct arena *arena);
/* The TXT record of MTA-STS; its id is the moment of the look. */
struct str record_sts(const struct probe *probe, struct arena *arena);
/* The policy file with every MX host. mode: "enforce", "testing". */
struct str record_sts_policy(const struct probe *probe, const char *mode,
                             struct arena *arena);
struct str record_tlsrpt(const struct probe *probe, struct arena *arena);

#endif
