/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The organisation's private keys at rest: sealed to the sealer's own key, so
 * that the store and whoever reads it hold nothing that signs.
 */
#ifndef POSTSEAL_SEALER_OWN_H
#define POSTSEAL_SEALER_OWN_H

#include "role/sealer/reader.h"

struct status own_key_wrap(const struct reader_tools *tools,
                           struct str fingerprint, struct str secret,
                           struct arena *arena, struct str *out);
/* Appends the secret; the caller wipes it. context: "own-key:FINGERPRINT". */
struct status own_key_open(const struct reader_tools *tools, struct str context,
                           struct str wrapped, struct buf *out);

#endif
