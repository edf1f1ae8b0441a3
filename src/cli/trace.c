/* SPDX-License-Identifier: Apache-2.0 */
/* postseal trace: did this message travel encrypted? Needs no configuration
 * and no gateway. */
#include "mail/trace.h"

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/trace_mbox.h"
#include "cli/trace_show.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    OUTPUT_BLOCK = 1 << 20,
    PROGRESS_EVERY_MS = 200,
    VERDICTS = TRACE_UNKNOWN + 1
};

struct job {
    struct cli *cli;
    struct arena arena; /* of the whole run: --trust, files for --html */
    struct str *trust;
    size_t trust_n;
    int64_t now_ms;
    uint64_t counts[VERDICTS], messages, hops;
    uint64_t states[HOP_UNREADABLE + 1];
    struct buf out;
    bool broken; /* the output cannot be written */
};

/* --- output ----------------------------------------------------------------
 */

static void write_out(struct job *j)
{
    j->broken |= fwrite(j->out.p, 1, j->out.n, stdout) != j->out.n;
    buf_clear(&j->out);
}

static void count(struct job *j, const struct trace *t)
{
    j->messages++;
    j->counts[t->verdict]++;
    j->hops += t->n;
    for (size_t i = 0; i < t->n; i++)
        j->states[t->hops[i].state]++;
}

static enum cli_exit exit_code(const struct job *j)
{
    if (j->counts[TRACE_NOT_ENCRYPTED] > 0 || j->counts[TRACE_WEAK] > 0)
        return CLI_NO;
    return j->counts[TRACE_UNKNOWN] > 0 ? CLI_TEMPORARY : CLI_OK;
}

/* --- input -----------------------------------------------------------------
 */

static bool is_stdin(const char *path)
{
    return strcmp(path, "-") == 0;
}

static int open_input(const struct cli *cli, const char *path)
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

static void close_input(int fd)
{
    if (fd != STDIN_FILENO)
        close(fd);
}

/* All of a message as far as a header may reach; false, and said so, when it
 * cannot be read. */
static bool read_input(const struct cli *cli, const char *path,
                       struct buf *text)
{
    int fd = open_input(cli, path);
    ssize_t n = 1;

    if (fd < 0)
        return false;
    while (n > 0 && text->n < TRACE_HEADER_MAX) {
        n = read(fd, buf_room(text, 65536), 65536);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n > 0)
            text->n += (size_t)n;
    }
    if (n < 0)
        cli_fail(cli, CLI_USAGE, "cannot read %s: %s", path, strerror(errno));
    close_input(fd);
    return n >= 0;
}

static bool says_nothing(const struct trace *t)
{
    return t->n == 0 && t->from.n == 0 && t->to.n == 0 && t->date.n == 0 &&
           t->message_id.n == 0 && t->subject.n == 0;
}

/* False, and said so, when this cannot be a message. */
static bool judge_file(struct job *j, const char *path, struct arena *arena,
                       struct trace *out)
{
    struct buf text = { 0 };
    bool ok = read_input(j->cli, path, &text);
    const char *name = is_stdin(path) ? "the standard input" : path;

    if (ok && text.n == 0) {
        cli_fail(j->cli, CLI_USAGE, "%s is empty", name);
        ok = false;
    }
    if (ok)
        trace_read(str_keep(arena, buf_str(&text)), j->trust, j->trust_n,
                   j->now_ms, arena, out);
    if (ok && says_nothing(out)) {
        cli_fail(j->cli, CLI_USAGE,
                 "%s holds no mail header; save the message as a file "
                 "(\"show original\", \"view source\"), a copied text has lost "
                 "its headers",
                 name);
        ok = false;
    }
    buf_free(&text);
    return ok;
}

/* --- one by one ------------------------------------------------------------
 */

static enum cli_exit each_file(struct job *j)
{
    enum cli_exit code = CLI_OK;
    bool named = j->cli->arguments_n > 1;

    for (size_t i = 0; i < j->cli->arguments_n; i++) {
        struct arena arena = { 0 };
        struct str name = named ? str_from_cstr(j->cli->arguments[i]) : STR("");
        struct trace t;

        if (!judge_file(j, j->cli->arguments[i], &arena, &t)) {
            code = CLI_USAGE;
        } else {
            count(j, &t);
            if (j->cli->json) {
                trace_json(&t, name, &j->out);
                buf_add_char(&j->out, '\n');
            } else if (!j->cli->quiet) {
                trace_text(&t, name, j->cli->color, &j->out);
                if (i + 1 < j->cli->arguments_n)
                    buf_add_char(&j->out, '\n');
            }
            write_out(j);
        }
        arena_free(&arena);
    }
    return code == CLI_OK ? exit_code(j) : code;
}

static enum cli_exit one_page(struct job *j)
{
    size_t n = j->cli->arguments_n;
    struct trace *traces = arena_array(&j->arena, n, sizeof(*traces));
    struct str *names = arena_array(&j->arena, n, sizeof(*names));

    for (size_t i = 0; i < n; i++) {
        names[i] = str_from_cstr(j->cli->arguments[i]);
        if (!judge_file(j, j->cli->arguments[i], &j->arena, &traces[i]))
            return CLI_USAGE;
        count(j, &traces[i]);
    }
    trace_html(traces, names, n, &j->out);
    write_out(j);
    return exit_code(j);
}

/* --- many ------------------------------------------------------------------
 */

struct progress {
    bool shown;
    uint64_t of; /* octets; 0: not known */
    int64_t begun_ms, told_ms;
};

static void tell_progress(struct progress *p, const struct job *j,
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

static void add_totals(const struct job *j, struct buf *out)
{
    buf_addf(out, "{\"totals\":{\"messages\":%llu,\"hops\":%llu",
             (unsigned long long)j->messages, (unsigned long long)j->hops);
    for (size_t v = 0; v < VERDICTS; v++)
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

static void judge_mbox(struct job *j, struct mbox *mbox, struct progress *p)
{
    struct arena arena = { 0 };
    struct str header;

    while (!j->broken && mbox_next(mbox, &header)) {
        struct trace t;

        arena_reset(&arena);
        trace_read(header, j->trust, j->trust_n, j->now_ms, &arena, &t);
        count(j, &t);
        if (!j->cli->quiet) {
            trace_json(&t, STR(""), &j->out);
            buf_add_char(&j->out, '\n');
        }
        if (j->out.n >= OUTPUT_BLOCK)
            write_out(j);
        if (p->shown && j->messages % 256 == 0)
            tell_progress(p, j, mbox);
    }
    arena_free(&arena);
}

static enum cli_exit one_mbox(struct job *j, const char *path)
{
    struct mbox mbox = { .fd = open_input(j->cli, path) };
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
                        is_stdin(path) ? "the standard input" : path);
    if (progress.shown)
        fputs("\r\033[K", stderr);
    if (mbox.failed)
        code = cli_fail(j->cli, CLI_INTERNAL, "cannot read all of %s: %s", path,
                        strerror(errno));
    mbox_free(&mbox);
    close_input(mbox.fd);
    return code;
}

static enum cli_exit each_mbox(struct job *j)
{
    enum cli_exit code = CLI_OK;

    for (size_t i = 0; i < j->cli->arguments_n && code == CLI_OK; i++)
        code = one_mbox(j, j->cli->arguments[i]);
    if (code == CLI_OK)
        add_totals(j, &j->out);
    write_out(j);
    return code == CLI_OK ? exit_code(j) : code;
}

/* --- the command -----------------------------------------------------------
 */

static void read_trust(struct job *j)
{
    const char *value;
    size_t n = 0;

    while (cli_repeated(j->cli, "trust", n) != NULL)
        n++;
    j->trust = arena_array(&j->arena, n, sizeof(*j->trust));
    while ((value = cli_repeated(j->cli, "trust", j->trust_n)) != NULL)
        j->trust[j->trust_n++] = str_from_cstr(value);
}

static enum cli_exit run_job(struct job *j)
{
    if (cli_value(j->cli, "mbox") != NULL)
        return each_mbox(j);
    return cli_value(j->cli, "html") != NULL ? one_page(j) : each_file(j);
}

static enum cli_exit run_trace(struct cli *cli)
{
    static char dash[] = "-";
    static char *standard_input[] = { dash };
    struct job j = { .cli = cli, .now_ms = clock_wall_ms() };
    bool html = cli_value(cli, "html") != NULL;
    enum cli_exit code;

    if (cli->arguments_n == 0 && isatty(STDIN_FILENO))
        return cli_fail(cli, CLI_USAGE,
                        "name a message saved as a file, or - to paste its "
                        "headers and end with Ctrl-D");
    if (html && (cli->json || cli_value(cli, "mbox") != NULL))
        return cli_fail(cli, CLI_USAGE,
                        "--html makes one page; it does not go with --json or "
                        "--mbox");
    if (cli->arguments_n == 0) {
        cli->arguments = standard_input;
        cli->arguments_n = 1;
    }
    read_trust(&j);
    code = run_job(&j);
    if (j.broken)
        code = cli_fail(cli, CLI_INTERNAL, "cannot write the answer");
    buf_free(&j.out);
    arena_free(&j.arena);
    return code;
}

static const struct cli_option options[] = {
    { "trust", "DOMAIN|ADDRESS", false,
      "A receiver whose lines count as written by yourselves: a name with all "
      "below it, an address or a range. May be given several times. Without "
      "it the topmost receiver is taken as yours.",
      true },
    { "mbox", NULL, false,
      "FILE holds many messages (mbox). One JSON line each, then the totals." },
    { "html", NULL, false,
      "One page that holds everything, to attach to a ticket." },
    { NULL, NULL, false, NULL },
};

const struct cli_command cli_trace = {
    .name = "trace",
    .arguments = "[FILE...|-]",
    .summary = "Tell from its headers whether a message travelled encrypted",
    .details =
        "Reads a message, or only its headers, also when copied out of a mail "
        "program, and judges every hop from its Received lines. States: "
        "encrypted (the receiver recorded TLS 1.2 or newer, or TLS of unstated "
        "version), weak (older TLS or a broken suite), clear (no TLS, by a "
        "receiver that records it), not-recorded (nobody can know), local, "
        "not-smtp, unreadable. The verdict speaks about the legs between "
        "organisations. A line is the claim of whoever wrote it: lines of "
        "receivers named by --trust count, all below is only claimed. Names a "
        "sender may choose (HELO, reverse DNS, certificates, ids) are never "
        "evidence, and no Received line proves that the sender checked the "
        "receiver's certificate. Needs no configuration and asks nobody. "
        "JSON: verdict, summary, advice, message_id, trust_boundary{index, "
        "assumed, text}, hops[] (oldest first) with index, from{helo, name, "
        "ip}, by, with, state, evidence (clause, keyword, side-header, none), "
        "why, tls{version, version_range, cipher, bits, client_certificate}, "
        "time, delay_s, skew, internal, trusted, family, contradiction, raw, "
        "and notes[] with id and text. Exit 0 encrypted, 1 not encrypted or "
        "weak, 4 unknown.",
    .examples = "postseal trace message.eml\n"
                "postseal trace --trust clinic.example < message.eml\n"
                "postseal trace --html message.eml > ticket.html\n"
                "postseal trace --mbox archive.mbox | tail -n 1",
    .least = 0,
    .most = 10000,
    .json = true,
    .options = options,
    .run = run_trace,
};
