/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of findings share. */
#ifndef POSTSEAL_POSTURE_FINDER_H
#define POSTSEAL_POSTURE_FINDER_H

#include "posture/findings.h"

#define SERVE_POLICY                                                           \
    "Publish the TXT record, and serve the text as "                           \
    "https://mta-sts.%.*s/.well-known/mta-sts.txt with a certificate for "     \
    "that name."

struct finder {
    const struct probe *probe;
    const struct selftest *self;
    struct arena *arena;
    struct answers *out;
};

/* What differs from finding to finding; the rest has a default. */
struct sight {
    const char *id;
    enum severity severity;
    enum answer_fault fault; /* NONE here: theirs */
    struct str host, text, step, record;
};

void finder_add(struct finder *finder, struct sight sight);

void find_in_policies(struct finder *finder);
void find_in_hosts(struct finder *finder);

#endif
