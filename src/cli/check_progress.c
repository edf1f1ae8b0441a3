/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/check_progress.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BAR = 30, DRAW_MS = 100, TRUST_MS = 500 };

static void write_left(int64_t left_s, struct buf *out)
{
    if (left_s >= 3600)
        buf_addf(out, "%d h %02d min left", (int)(left_s / 3600),
                 (int)(left_s / 60 % 60));
    else if (left_s >= 60)
        buf_addf(out, "%d min %02d s left", (int)(left_s / 60),
                 (int)(left_s % 60));
    else
        buf_addf(out, "%d s left", (int)left_s);
}

void check_progress_write(size_t done, size_t all, int64_t elapsed_ms,
                          struct buf *out)
{
    size_t filled = all == 0 ? BAR : done * BAR / all;

    buf_add_char(out, '[');
    for (size_t i = 0; i < BAR; i++)
        buf_add_char(out, i < filled ? '#' : '.');
    buf_addf(out, "] %zu of %zu  ", done, all);
    /* The first results say little about the rest. */
    if (done == 0 || elapsed_ms < TRUST_MS)
        return;
    write_left(
        (elapsed_ms * (int64_t)(all - done) / (int64_t)done + 999) / 1000, out);
}

struct check_progress check_progress_start(const struct cli *cli, size_t all)
{
    const char *terminal = getenv("TERM");
    struct check_progress p = { .all = all, .started_ms = clock_mono_ms() };

    p.on = all > 1 && !cli->quiet && isatty(STDERR_FILENO) &&
           (terminal == NULL || strcmp(terminal, "dumb") != 0);
    return p;
}

void check_progress_clear(const struct check_progress *progress)
{
    if (progress->on && progress->drawn_ms > 0)
        fputs("\r\033[K", stderr);
}

void check_progress_draw(struct check_progress *progress)
{
    int64_t now = clock_mono_ms();
    struct buf text = { 0 };

    if (!progress->on || now - progress->drawn_ms < DRAW_MS)
        return;
    progress->drawn_ms = now;
    check_progress_write(progress->done, progress->all,
                         now - progress->started_ms, &text);
    fprintf(stderr, "\r%s\033[K", buf_cstr(&text));
    fflush(stderr);
    buf_free(&text);
}
