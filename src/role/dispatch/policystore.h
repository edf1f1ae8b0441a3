/* SPDX-License-Identifier: Apache-2.0 */
/* MTA-STS policies kept in the store, so that they bind across restarts. */
#ifndef POSTSEAL_DISPATCH_POLICYSTORE_H
#define POSTSEAL_DISPATCH_POLICYSTORE_H

#include "role/dispatch/dispatch.h"

/* dispatch->store may be opened later, before the first question. */
struct posture_store policy_store_of(struct dispatch *dispatch);

#endif
