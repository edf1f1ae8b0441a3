/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key for a recipient: from the keyring, and when there is none from where
 * keys are published, asked once a day at most. What is found joins the
 * keyring as a candidate after the sealer has read it.
 */
#ifndef POSTSEAL_DISPATCH_KEYSEEK_H
#define POSTSEAL_DISPATCH_KEYSEEK_H

#include "role/dispatch/dispatch.h"
#include "store/keyring.h"

/*
 * found false with ok: nobody knows one that may be used; why then says more
 * (in arena). A deferral: our trouble, or a directory that did not answer.
 */
struct status keyseek(struct dispatch *dispatch, struct str recipient,
                      enum key_kind kind, bool candidates, struct arena *arena,
                      struct keyring_key *out, bool *found, struct str *why);

#endif
