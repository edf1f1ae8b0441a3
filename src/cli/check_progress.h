/* SPDX-License-Identifier: Apache-2.0 */
/* A bar with the time left, on standard error and only on a terminal. Used
 * under the caller's lock. */
#ifndef POSTSEAL_CLI_CHECK_PROGRESS_H
#define POSTSEAL_CLI_CHECK_PROGRESS_H

#include "cli/cli.h"

struct check_progress {
    bool on;
    size_t done, all;
    int64_t started_ms, drawn_ms;
};

/* One thing alone needs no bar. */
struct check_progress check_progress_start(const struct cli *cli, size_t all);
/* Takes the bar away, so that something else can be written. */
void check_progress_clear(const struct check_progress *progress);
/* Draws it, ten times a second at most. */
void check_progress_draw(struct check_progress *progress);

/* The bar as it would be drawn after elapsed_ms; pure, for tests. */
void check_progress_write(size_t done, size_t all, int64_t elapsed_ms,
                          struct buf *out);

#endif
