/* SPDX-License-Identifier: Apache-2.0 */
/* What a verified floor demands of a host, from DNS and policy. Pure. */
#ifndef POSTSEAL_POSTURE_NEED_H
#define POSTSEAL_POSTURE_NEED_H

#include "posture/posture.h"

/* Is the record one that DANE for SMTP can use (RFC 7672, 3.1: usage 2 or 3,
 * known selector and matching type, whole digest)? */
bool tlsa_usable(const struct tlsa *record);
/* Reads one TLSA rdata; false when too short. */
bool tlsa_parse(struct str rdata, struct tlsa *out);

/*
 * Fills host->need and host->why. Order of authority: DANE, MTA-STS, public
 * CA; a failure of the stronger is never repaired by the weaker. sts may be
 * NULL; literal: the domain is an address literal, nothing can prove it.
 */
void need_of(struct mx_host *host, const struct sts_policy *sts, bool literal,
             struct arena *arena);

#endif
