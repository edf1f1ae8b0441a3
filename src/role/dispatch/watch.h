/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps an eye on partners' domains (check { watch ... }): each is probed and
 * judged as `postseal check` does it, spread over the interval, and what
 * changed is written to the log as `domain.changed`. What was seen last is in
 * the store, so that a restart forgets nothing. A change counts only when a
 * second look a little later shows it too, and nothing counts that may be the
 * fault of our own side.
 */
#ifndef POSTSEAL_DISPATCH_WATCH_H
#define POSTSEAL_DISPATCH_WATCH_H

#include "posture/answers.h"
#include "role/dispatch/dispatch.h"

struct watch;

/* While the rights last: reads the CA file. NULL when nothing is watched. */
struct status watch_open(struct dispatch *dispatch, struct watch **out);
/* Accepts NULL. */
void watch_start(struct watch *watch);
/* False when a look at a slow server still hangs: then nothing that it uses
 * may be freed, and the process has to end at once. */
bool watch_stop(struct watch **watch);

/* The answer as one line, the same for the same facts; for tests. */
struct str watch_answer(const struct probe *probe,
                        const struct answers *answers, struct arena *arena);
/* When domain number i of n is due after now, all times in ms: every domain
 * has a place of its own in the interval. Pure. */
int64_t watch_due_ms(size_t i, size_t n, int64_t every_ms, int64_t start_ms,
                     int64_t now_ms);

#endif
