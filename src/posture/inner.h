/* SPDX-License-Identifier: Apache-2.0 */
/* What a posture has, for the modules of this folder only. */
#ifndef POSTSEAL_POSTURE_INNER_H
#define POSTSEAL_POSTURE_INNER_H

#include "posture/posture.h"

struct fetcher *posture_fetcher(struct posture *posture);

#endif
