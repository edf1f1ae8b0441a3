/* SPDX-License-Identifier: Apache-2.0 */
/* postseal trace --mbox: one line for each message, memory flat. */
#include "cli/trace_job.h"

#include "base/clock.h"
#include "cli/trace_mbox.h"
#include "cli/trace_show.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OUTPUT_BLOCK = 1 << 20, PROGRESS_EVERY_MS = 200 };

struct progress {
    bool shown;
    uint64_t of; /* octets; 0: not known */
    int64_t begun_ms, told_ms;
};

static void tell_progress(struct progress *p, const struct trace_job *j,
                          const struct mbox *mbox)
{
    int64_t now = clock_mono_ms(), took = now - p->begun_ms;
    uint64_t done = mbox_position(mbox);

    if (!p->shown || now - p->told_ms < PROGRESS_EVERY_MS)
        return;
    p->told_ms = now;
    fprintf(stderr, "\r\033[K%llu messages", (unsigned long long)j->messages);
    if (took > 0)
        fprintf(stderr, ", %llu a second",
                (unsigned long long)(j->messages * 1000 / (uint64_t)took));
    if (p->of > 0 && done > 0) {
        unsigned part = (unsigned)(done * 20 / p->of);
        int64_t left = (int64_t)((double)took * (double)(p->of - done) /
                                 (double)done / 1000);

        fprintf(stderr, "  [%-20.*s] %u %%, %lld s left",
                (int)(part > 20 ? 20 : part), "####################",
                (unsigned)(done * 100 / p->of), (long long)left);
    }
    fflush(stderr);
}

static void add_totals(const struct trace_job *j, struct buf *out)
{
    buf_addf(out, "{\"totals\":{\"messages\":%llu,\"hops\":%llu",
             (unsigned long long)j->messages, (unsigned long long)j->hops);
    for (size_t v = 0; v < TRACE_VERDICTS; v++)
        buf_addf(out, ",\"%.*s\":%llu",
                 STR_ARG(trace_verdict_name((enum trace_verdict)v)),
                 (unsigned long long)j->counts[v]);
    buf_add_cstr(out, ",\"states\":{");
    for (size_t s = 0; s <= HOP_UNREADABLE; s++)
        buf_addf(out, "%s\"%.*s\":%llu", s > 0 ? "," : "",
                 STR_ARG(hop_state_name((enum hop_state)s)),
                 (unsigned long long)j->states[s]);
    buf_add_cstr(out, "}}}\n");
}

static void judge_mbox(struct trace_job *j, struct mbox *mbox,
                       struct progress *p)
{
    struct arena arena = { 0 };
    struct str header;

    while (!j->broken && mbox_next(mbox, &header)) {
        struct trace t;

        arena_reset(&arena);
        trace_read(header, j->trust, j->trust_n, j->now_ms, &arena, &t);
        trace_job_count(j, &t);
        if (!j->cli->quiet) {
            trace_json(&t, STR(""), &j->out);
            buf_add_char(&j->out, '\n');
        }
        if (j->out.n >= OUTPUT_BLOCK)
            trace_job_write(j);
        if (p->shown && j->messages % 256 == 0)
            tell_progress(p, j, mbox);
    }
    arena_free(&arena);
}

static enum cli_exit one_mbox(struct trace_job *j, const char *path)
{
    struct mbox mbox = { .fd = trace_input_open(j->cli, path) };
    struct progress progress = { .shown = isatty(STDERR_FILENO) &&
                                          !isatty(STDOUT_FILENO) &&
                                          !j->cli->quiet,
                                 .begun_ms = clock_mono_ms() };
    enum cli_exit code = CLI_OK;
    struct stat st;

    if (mbox.fd < 0)
        return CLI_USAGE;
    if (fstat(mbox.fd, &st) == 0 && S_ISREG(st.st_mode))
        progress.of = (uint64_t)st.st_size;
    if (mbox_begins_well(&mbox))
        judge_mbox(j, &mbox, &progress);
    else
        code = cli_fail(j->cli, CLI_USAGE,
                        "%s is no mbox: its first line does not begin with "
                        "\"From \"; for single messages leave --mbox out",
                        trace_input_name(path));
    if (progress.shown)
        fputs("\r\033[K", stderr);
    if (mbox.failed)
        code = cli_fail(j->cli, CLI_INTERNAL, "cannot read all of %s: %s", path,
                        strerror(errno));
    mbox_free(&mbox);
    trace_input_close(mbox.fd);
    return code;
}

enum cli_exit trace_each_mbox(struct trace_job *j)
{
    enum cli_exit code = CLI_OK;

    for (size_t i = 0; i < j->cli->arguments_n && code == CLI_OK; i++)
        code = one_mbox(j, j->cli->arguments[i]);
    if (code == CLI_OK)
        add_totals(j, &j->out);
    trace_job_write(j);
    return code == CLI_OK ? trace_job_exit(j) : code;
}
