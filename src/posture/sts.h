/* SPDX-License-Identifier: Apache-2.0 */
/* MTA-STS texts (RFC 8461): the TXT record and the policy. Pure parsers. */
#ifndef POSTSEAL_POSTURE_STS_H
#define POSTSEAL_POSTURE_STS_H

#include "posture/posture.h"

enum {
    STS_BODY_MAX = 65536,
    STS_MX_MAX = 200,
    STS_AGE_MAX_S = 31557600 /* RFC 8461, 3.2 */
};

/* "v=STSv1; id=..." (RFC 8461, 3.1); one TXT record's strings joined. */
bool sts_record_parse(struct str text, struct str *id);
/* A policy file (3.2). Unknown keys are passed over; a file without a known
 * mode, max_age, or (unless none) mx is refused. Slices point into body. */
struct status sts_policy_parse(struct str body, struct arena *arena,
                               struct sts_policy *out);
/* Does the host name match one of the policy's patterns (4.1)? "*." stands
 * for exactly one label. */
bool sts_lists(const struct sts_policy *policy, struct str host);
/* No name in common: the sign of a taken-over policy host (TP-12). */
bool sts_disjoint(const struct sts_policy *a, const struct sts_policy *b);

#endif
