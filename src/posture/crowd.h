/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many calls are under way to one host or address, so that a look at many
 * domains of one provider stays polite. Thread-safe; holds its own lock, never
 * across I/O but its own waiting.
 */
#ifndef POSTSEAL_POSTURE_CROWD_H
#define POSTSEAL_POSTURE_CROWD_H

#include "base/str.h"

struct crowd;
/* most: calls under one key at a time. */
struct crowd *crowd_new(uint32_t most);
void crowd_free(struct crowd **crowd);
/* Waits until one more may call; false when until_mono_ms came first. */
bool crowd_enter(struct crowd *crowd, struct str key, int64_t until_mono_ms);
void crowd_leave(struct crowd *crowd, struct str key);
/* It said 421: from now on one call at a time. */
void crowd_strained(struct crowd *crowd, struct str key);

#endif
