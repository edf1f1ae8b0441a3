/* SPDX-License-Identifier: Apache-2.0 */
/* One transferable key inside librnp, without a keyring on disk. Not for
 * others than the OpenPGP engine. */
#ifndef POSTSEAL_SEAL_PGP_RING_H
#define POSTSEAL_SEAL_PGP_RING_H

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

#include <rnp/rnp.h>
#include <rnp/rnp_err.h>

struct pgp_ring {
    rnp_ffi_t ffi;
    rnp_key_handle_t primary;
};

/* bytes: one binary transferable key. Refused when librnp cannot read it. */
struct status pgp_ring_open(struct str bytes, bool secret,
                            struct pgp_ring *out);
/* Appends the whole key, public or secret (RNP_KEY_EXPORT_*), binary. */
struct status pgp_ring_export(const struct pgp_ring *ring, uint32_t part,
                              struct buf *out);
void pgp_ring_close(struct pgp_ring *ring);

#endif
