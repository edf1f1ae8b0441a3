/* SPDX-License-Identifier: Apache-2.0 */
/* RSA keys that are too easy to break (NIST SP 800-131A; CVE-2017-15361). */
#ifndef POSTSEAL_SEAL_WEAK_RSA_H
#define POSTSEAL_SEAL_WEAK_RSA_H

#include "base/str.h"

/* modulus and exponent: big endian. NULL when there is nothing against the
 * key, else why not, in plain words. */
const char *weak_rsa(struct str modulus, struct str exponent);

#endif
