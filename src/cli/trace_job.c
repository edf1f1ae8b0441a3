/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/trace_job.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void trace_job_write(struct trace_job *j)
{
    j->broken |= fwrite(j->out.p, 1, j->out.n, stdout) != j->out.n;
    buf_clear(&j->out);
}

void trace_job_count(struct trace_job *j, const struct trace *t)
{
    j->messages++;
    j->counts[t->verdict]++;
    j->hops += t->n;
    for (size_t i = 0; i < t->n; i++)
        j->states[t->hops[i].state]++;
}

enum cli_exit trace_job_exit(const struct trace_job *j)
{
    if (j->counts[TRACE_NOT_ENCRYPTED] > 0 || j->counts[TRACE_WEAK] > 0)
        return CLI_NO;
    return j->counts[TRACE_UNKNOWN] > 0 ? CLI_TEMPORARY : CLI_OK;
}

static bool is_stdin(const char *path)
{
    return strcmp(path, "-") == 0;
}

int trace_input_open(const struct cli *cli, const char *path)
{
    struct stat st;
    int fd = is_stdin(path) ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        cli_fail(cli, CLI_USAGE, "cannot read %s: %s", path, strerror(errno));
        return -1;
    }
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        cli_fail(cli, CLI_USAGE,
                 "%s is a folder; name the messages in it, such as %s/*.eml",
                 path, path);
        close(fd);
        return -1;
    }
    return fd;
}

void trace_input_close(int fd)
{
    if (fd != STDIN_FILENO)
        close(fd);
}

const char *trace_input_name(const char *path)
{
    return is_stdin(path) ? "the standard input" : path;
}
