/* SPDX-License-Identifier: Apache-2.0 */
/* One errand, from request to answer. */
#ifndef POSTSEAL_SEALER_ERRANDS_H
#define POSTSEAL_SEALER_ERRANDS_H

#include "role/sealer/reader.h"

/* Takes fd over. */
void errand_serve(const struct reader_tools *tools, int fd);

#endif
