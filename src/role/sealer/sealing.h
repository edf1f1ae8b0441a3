/* SPDX-License-Identifier: Apache-2.0 */
/* Locking one message for one reader. */
#ifndef POSTSEAL_SEALER_SEALING_H
#define POSTSEAL_SEALER_SEALING_H

#include "role/sealer/reader.h"
#include "role/sealer/wire.h"

struct status sealing_run(const struct reader_tools *tools,
                          const struct errand *errand, struct wire *wire);
#endif
