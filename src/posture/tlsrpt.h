/* SPDX-License-Identifier: Apache-2.0 */
/* The TLSRPT record (RFC 8460, 3): where senders may report failures. Pure. */
#ifndef POSTSEAL_POSTURE_TLSRPT_H
#define POSTSEAL_POSTURE_TLSRPT_H

#include "base/str.h"

/* "v=TLSRPTv1; rua=mailto:..."; one TXT record's strings joined. *rua is the
 * comma-separated list of mailto: and https: addresses, a slice of text. */
bool tlsrpt_parse(struct str text, struct str *rua);

#endif
