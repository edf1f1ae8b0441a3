/* SPDX-License-Identifier: Apache-2.0 */
/* What the ways to run postseal trace share: one run, its input and output. */
#ifndef POSTSEAL_CLI_TRACE_JOB_H
#define POSTSEAL_CLI_TRACE_JOB_H

#include "base/arena.h"
#include "base/buf.h"
#include "cli/cli.h"
#include "mail/trace.h"

enum { TRACE_VERDICTS = TRACE_UNKNOWN + 1 };

struct trace_job {
    struct cli *cli;
    struct arena arena; /* of the whole run: --trust, files for --html */
    struct str *trust;
    size_t trust_n;
    int64_t now_ms;
    uint64_t counts[TRACE_VERDICTS], messages, hops;
    uint64_t states[HOP_UNREADABLE + 1];
    struct buf out;
    bool broken; /* the output cannot be written */
};

/* Writes and empties job->out. */
void trace_job_write(struct trace_job *job);
void trace_job_count(struct trace_job *job, const struct trace *trace);
/* The worst verdict counted, as an exit code. */
enum cli_exit trace_job_exit(const struct trace_job *job);

/* "-" is the standard input. -1, and said so, when it cannot be read. */
int trace_input_open(const struct cli *cli, const char *path);
void trace_input_close(int fd);
/* For messages: the path, or "the standard input". */
const char *trace_input_name(const char *path);

/* --mbox: every file of the command line. */
enum cli_exit trace_each_mbox(struct trace_job *job);

#endif
