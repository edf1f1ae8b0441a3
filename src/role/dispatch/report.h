/* SPDX-License-Identifier: Apache-2.0 */
/* Log events and counters of deliveries: one function per event. */
#ifndef POSTSEAL_DISPATCH_REPORT_H
#define POSTSEAL_DISPATCH_REPORT_H

#include "role/dispatch/settle.h"

/* After the settlement is on disk: what became of one recipient. */
void report_entry(const struct settlement *settlement,
                  const struct entry *entry);
void report_settle_failed(const struct settlement *settlement,
                          struct status why);
void report_clock_jump(int64_t by_ms);

#endif
