/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time, in milliseconds. Deadlines and retry timers inside a process use the
 * monotonic clock, what is stored or shown uses the wall clock. A test may
 * replace both (years can pass in a moment).
 */
#ifndef POSTSEAL_BASE_CLOCK_H
#define POSTSEAL_BASE_CLOCK_H

#include "base/str.h"

#include <stdint.h>

/* Since the epoch, UTC. */
int64_t clock_wall_ms(void);
/* Since some fixed point; never goes back. */
int64_t clock_mono_ms(void);

/* Adds to what clock_wall_ms answers; tests only. */
void clock_shift_wall_ms(int64_t shift_ms);

enum { CLOCK_ISO_SIZE = 25, CLOCK_RFC5322_SIZE = 32 };
/* 2026-11-23T21:09:00.123Z into out[CLOCK_ISO_SIZE], NUL-terminated. */
struct str clock_iso(int64_t wall_ms, char out[CLOCK_ISO_SIZE]);
/* Mon, 23 Nov 2026 21:09:00 +0000 (RFC 5322, 3.3), NUL-terminated. */
struct str clock_rfc5322(int64_t wall_ms, char out[CLOCK_RFC5322_SIZE]);

#endif
