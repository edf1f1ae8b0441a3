/* SPDX-License-Identifier: Apache-2.0 */
/* postseal trace: did this message travel encrypted? Needs no configuration
 * and no gateway. */
#include "mail/trace.h"

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/trace_job.h"
#include "cli/trace_mbox.h"
#include "cli/trace_show.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* --- one message ---------------------------------------------------------- */

/* All of a message as far as a header may reach; false, and said so, when it
 * cannot be read. */
static bool read_input(const struct cli *cli, const char *path,
                       struct buf *text)
{
    int fd = trace_input_open(cli, path);
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
    trace_input_close(fd);
    return n >= 0;
}

static bool says_nothing(const struct trace *t)
{
    return t->n == 0 && t->from.n == 0 && t->to.n == 0 && t->date.n == 0 &&
           t->message_id.n == 0 && t->subject.n == 0;
}

static void tell_no_message(const struct cli *cli, const char *name,
                            struct str text)
{
    if (str_starts(text, STR("\xd0\xcf\x11\xe0")))
        cli_fail(cli, CLI_USAGE,
                 "%s is a file of Outlook (.msg), not the text of a message; "
                 "save it as .eml, or paste its \"Internet headers\" (File, "
                 "Properties) into: postseal trace -",
                 name);
    else
        cli_fail(cli, CLI_USAGE,
                 "%s holds no mail header; what is needed is the message as it "
                 "was received, saved as a file (.eml), or its source, copied "
                 "whole (\"show original\", \"view source\", \"Internet "
                 "headers\")",
                 name);
}

/* False, and said so, when this cannot be a message. */
static bool judge_file(struct trace_job *j, const char *path,
                       struct arena *arena, struct trace *out)
{
    struct buf text = { 0 };
    bool ok = read_input(j->cli, path, &text);
    const char *name = trace_input_name(path);

    if (ok && text.n == 0) {
        cli_fail(j->cli, CLI_USAGE, "%s is empty", name);
        ok = false;
    }
    if (ok)
        trace_read(str_keep(arena, buf_str(&text)), j->trust, j->trust_n,
                   j->now_ms, arena, out);
    if (ok && says_nothing(out)) {
        tell_no_message(j->cli, name, buf_str(&text));
        ok = false;
    }
    buf_free(&text);
    return ok;
}

static enum cli_exit each_file(struct trace_job *j)
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
            trace_job_count(j, &t);
            if (j->cli->json) {
                trace_json(&t, name, &j->out);
                buf_add_char(&j->out, '\n');
            } else if (!j->cli->quiet) {
                trace_text(&t, name, j->cli->color, &j->out);
                if (i + 1 < j->cli->arguments_n)
                    buf_add_char(&j->out, '\n');
            }
            trace_job_write(j);
        }
        arena_free(&arena);
    }
    return code == CLI_OK ? trace_job_exit(j) : code;
}

static enum cli_exit one_page(struct trace_job *j)
{
    size_t n = j->cli->arguments_n;
    struct trace *traces = arena_array(&j->arena, n, sizeof(*traces));
    struct str *names = arena_array(&j->arena, n, sizeof(*names));

    for (size_t i = 0; i < n; i++) {
        names[i] = str_from_cstr(j->cli->arguments[i]);
        if (!judge_file(j, j->cli->arguments[i], &j->arena, &traces[i]))
            return CLI_USAGE;
        trace_job_count(j, &traces[i]);
    }
    trace_html(traces, names, n, &j->out);
    trace_job_write(j);
    return trace_job_exit(j);
}

/* --- the command ---------------------------------------------------------- */

static bool is_domain(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!ascii_is_alnum(s.p[i]) && s.p[i] != '.' && s.p[i] != '-' &&
            s.p[i] != '_' && (unsigned char)s.p[i] < 0x80)
            return false;
    return s.n > 0 && s.n <= 253;
}

/* An address, or a range of them: "192.0.2.0/24", "2001:db8::/32". */
static bool is_range(struct str s)
{
    size_t slash = str_find_char(s, '/');
    char text[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    uint64_t bits;
    bool six = str_has_char(s, ':');

    if (slash >= sizeof(text))
        return false;
    memcpy(text, s.p, slash);
    text[slash] = '\0';
    if (inet_pton(six ? AF_INET6 : AF_INET, text, bytes) != 1)
        return false;
    return slash == s.n ||
           str_to_u64(str_from(s, slash + 1), six ? 128 : 32, &bits);
}

/* False, and said so, when a value names nothing: it would trust nobody. */
static bool read_trust(struct trace_job *j)
{
    const char *value;
    size_t n = 0;

    while (cli_repeated(j->cli, "trust", n) != NULL)
        n++;
    j->trust = arena_array(&j->arena, n, sizeof(*j->trust));
    while ((value = cli_repeated(j->cli, "trust", j->trust_n)) != NULL) {
        struct str s = str_from_cstr(value);

        if (!is_domain(s) && !is_range(s)) {
            cli_fail(j->cli, CLI_USAGE,
                     "--trust %s: name a domain (clinic.example), an address, "
                     "or a range (192.0.2.0/24, 2001:db8::/32)",
                     value);
            return false;
        }
        j->trust[j->trust_n++] = s;
    }
    return true;
}

static enum cli_exit run_job(struct trace_job *j)
{
    if (cli_value(j->cli, "mbox") != NULL)
        return trace_each_mbox(j);
    return cli_value(j->cli, "html") != NULL ? one_page(j) : each_file(j);
}

static enum cli_exit run_trace(struct cli *cli)
{
    static char dash[] = "-";
    static char *standard_input[] = { dash };
    struct trace_job j = { .cli = cli, .now_ms = clock_wall_ms() };
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
    code = read_trust(&j) ? run_job(&j) : CLI_USAGE;
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
        "total_s, and notes[] with id and text.",
    .examples = "postseal trace message.eml\n"
                "postseal trace --trust clinic.example < message.eml\n"
                "postseal trace --html message.eml > ticket.html\n"
                "postseal trace --mbox archive.mbox | tail -n 1\n",
    .exits = "0 encrypted, 1 not encrypted or weak, 2 not understood or not "
             "readable, 4 unknown",
    .least = 0,
    .most = 10000,
    .json = true,
    .options = options,
    .run = run_trace,
};
