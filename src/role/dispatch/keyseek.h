/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key for a recipient: from the keyring, and when there is none from where
 * keys are published, asked once a day at most. What is found joins the
 * keyring as a candidate after the sealer has read it.
 */
#ifndef POSTSEAL_DISPATCH_KEYSEEK_H
#define POSTSEAL_DISPATCH_KEYSEEK_H

#include "posture/keyfind.h"
#include "role/dispatch/dispatch.h"
#include "store/keyring.h"

/*
 * found false with ok: nobody knows one that may be used; why then says more
 * (in arena). A deferral: our trouble, or a directory that did not answer.
 */
struct status keyseek(struct dispatch *dispatch, struct str recipient,
                      enum key_kind kind, bool candidates, struct arena *arena,
                      struct keyring_key *out, bool *found, struct str *why);

/* The keys in what was published that name the owner, as candidates, up to max;
 * others are nobody's business (CM-06). sealer: its channel; stop_fd as in
 * errand_ask(). Refused when it is no key. */
struct status keyseek_read(int sealer, int stop_fd,
                           const struct found_key *found, struct str owner,
                           struct arena *arena, struct keyring_key *out,
                           size_t max, size_t *n);

#endif
