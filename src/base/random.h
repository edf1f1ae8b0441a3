/* SPDX-License-Identifier: Apache-2.0 */
/* Randomness from the operating system; a test build may seed it. */
#ifndef POSTSEAL_BASE_RANDOM_H
#define POSTSEAL_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* n unpredictable bytes; failure of the system's source is a panic. */
void random_bytes(void *out, size_t n);
/* Uniform in 0..below-1; below > 0. */
uint32_t random_below(uint32_t below);

#endif
