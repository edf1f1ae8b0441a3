/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdict: about the legs between organisations. A leg that is only
 * claimed can make it worse, never better than the trusted ones.
 */
#include "mail/trace_inner.h"

struct counts {
    size_t legs, encrypted, weak, clear, unsure, claimed;
    size_t inner_encrypted, inner_other;
    const struct hop *first_clear, *first_weak, *first_unsure;
};

static bool is_leg(const struct hop *hop)
{
    return !hop->internal;
}

static const struct hop *first_of(const struct hop *have, const struct hop *hop)
{
    return have == NULL || (hop->trusted && !have->trusted) ? hop : have;
}

static void count_leg(struct counts *c, const struct hop *hop)
{
    c->legs++;
    c->claimed += !hop->trusted;
    if (hop->state == HOP_ENCRYPTED) {
        c->encrypted++;
    } else if (hop->state == HOP_WEAK) {
        c->weak++;
        c->first_weak = first_of(c->first_weak, hop);
    } else if (hop->state == HOP_CLEAR) {
        c->clear++;
        c->first_clear = first_of(c->first_clear, hop);
    } else {
        c->unsure++;
        c->first_unsure = first_of(c->first_unsure, hop);
    }
}

static void count_inner(struct counts *c, const struct hop *hop)
{
    if (hop->state == HOP_ENCRYPTED)
        c->inner_encrypted++;
    else if (hop->state != HOP_LOCAL && hop->state != HOP_NOT_SMTP)
        c->inner_other++;
}

static struct str from_of(const struct hop *hop)
{
    struct str name = trace_plain(hop->name, STR(""));

    if (name.n == 0)
        name = trace_plain(hop->helo, STR(""));
    if (name.n == 0)
        name = trace_plain(hop->ip, STR("an unnamed sender"));
    return name;
}

static struct str by_of(const struct hop *hop)
{
    return trace_plain(hop->by, STR("an unnamed receiver"));
}

static struct str claim_of(const struct hop *hop)
{
    return hop->trusted ? STR("") : STR(", as that server itself claims");
}

static bool is_last_leg(const struct trace_work *w, const struct hop *hop)
{
    for (size_t i = hop->index + 1; i < w->out->n; i++)
        if (is_leg(&w->out->hops[i]))
            return false;
    return true;
}

/* The domain to ask about: of the last leg the recipient's, else the receiving
 * host's name. */
static struct str domain_of(const struct trace_work *w, const struct hop *hop)
{
    struct str rcpt = is_last_leg(w, hop) ? hop->rcpt : STR("");
    struct str domain = STR("");

    for (size_t i = rcpt.n; i-- > 0;)
        if (rcpt.p[i] == '@') {
            domain = str_from(rcpt, i + 1);
            break;
        }
    if (str_has_char(domain, ':'))
        domain = STR("");
    return trace_plain(domain, trace_plain(hop->by, STR("DOMAIN")));
}

static void judge_unsure(struct trace_work *w, const struct hop *hop)
{
    struct str domain = domain_of(w, hop);

    w->out->verdict = TRACE_UNKNOWN;
    if (hop->state == HOP_UNREADABLE)
        w->out->summary = STR("A line of the header could not be understood, "
                              "so nobody can tell whether the message "
                              "travelled encrypted on that leg.");
    else
        w->out->summary = arena_printf(
            w->arena,
            "%.*s did not record whether the leg from %.*s to it was "
            "encrypted, so the header cannot tell.",
            STR_ARG(by_of(hop)), STR_ARG(from_of(hop)));
    w->out->advice =
        arena_printf(w->arena,
                     "To learn whether the receiving domain takes mail "
                     "encrypted, run: postseal check %.*s",
                     STR_ARG(domain));
}

static void judge_clear(struct trace_work *w, const struct hop *hop)
{
    w->out->verdict = TRACE_NOT_ENCRYPTED;
    w->out->summary = arena_printf(
        w->arena,
        "The message was not encrypted on its way from %.*s to %.*s%.*s.",
        STR_ARG(from_of(hop)), STR_ARG(by_of(hop)), STR_ARG(claim_of(hop)));
    w->out->advice = arena_printf(
        w->arena,
        "Treat its content as readable by others on that leg, and find out "
        "why: postseal check %.*s tells whether that side offers encryption.",
        STR_ARG(domain_of(w, hop)));
}

static void judge_weak(struct trace_work *w, const struct hop *hop)
{
    struct str what = hop->tls.version.n > 0 ? hop->tls.version : STR("TLS");
    struct str cipher = trace_plain(hop->tls.cipher, STR("a broken cipher"));

    w->out->verdict = TRACE_WEAK;
    w->out->summary = arena_printf(
        w->arena,
        "The message was encrypted from %.*s to %.*s, but with %.*s%s%.*s, "
        "which is not acceptable for protected data%.*s.",
        STR_ARG(from_of(hop)), STR_ARG(by_of(hop)), STR_ARG(what),
        hop->tls.cipher.n > 0 ? " and " : "",
        STR_ARG(hop->tls.cipher.n > 0 ? cipher : STR("")),
        STR_ARG(claim_of(hop)));
    w->out->advice = STR("Ask both sides to use TLS 1.2 or newer with current "
                         "cipher suites.");
}

static void judge_encrypted(struct trace_work *w, const struct counts *c)
{
    size_t sure = c->legs - c->claimed;

    if (sure == 0) {
        w->out->summary = STR("Every leg between organisations is claimed to "
                              "have been encrypted, but no such line was "
                              "written by a receiver you trust.");
        w->out->advice = STR("Name the receivers whose lines count with "
                             "--trust.");
        return;
    }
    w->out->verdict = TRACE_ENCRYPTED;
    if (c->legs == 1)
        w->out->summary = STR("The message was encrypted on the only leg "
                              "between organisations.");
    else if (c->claimed == 0)
        w->out->summary = arena_printf(
            w->arena,
            "The message was encrypted on every leg between organisations "
            "(%zu).",
            c->legs);
    else
        w->out->summary = arena_printf(
            w->arena,
            "The message was encrypted on every leg between organisations "
            "(%zu): %zu by a line you trust, %zu only claimed.",
            c->legs, sure, c->claimed);
    w->out->advice =
        STR("It shows that the way was encrypted, not that the sending side "
            "checked the receiver's certificate: no header can tell that.");
}

static void judge_inside(struct trace_work *w, const struct counts *c)
{
    if (w->out->n == 0) {
        w->out->summary = STR("There is no Received line: nothing can be told "
                              "about the way of the message.");
        w->out->advice = STR("Give the whole header of the message as it was "
                             "received, not as it was sent.");
        return;
    }
    if (c->inner_encrypted > 0 && c->inner_other == 0) {
        w->out->verdict = TRACE_ENCRYPTED;
        w->out->summary = STR("The message went between no organisations; "
                              "inside, every hop over a network was "
                              "encrypted.");
        return;
    }
    w->out->summary = STR("The header shows no leg between organisations, only "
                          "steps inside one.");
    w->out->advice = STR("Look at the message in the mailbox of its last "
                         "receiver: its header has all hops.");
}

void trace_judge(struct trace_work *w)
{
    struct counts c = { 0 };

    for (size_t i = 0; i < w->out->n; i++) {
        const struct hop *hop = &w->out->hops[i];

        if (is_leg(hop))
            count_leg(&c, hop);
        else
            count_inner(&c, hop);
    }
    if (c.clear > 0)
        judge_clear(w, c.first_clear);
    else if (c.weak > 0)
        judge_weak(w, c.first_weak);
    else if (c.unsure > 0)
        judge_unsure(w, c.first_unsure);
    else if (w->out->hops_cut > 0)
        w->out->summary = STR("There are more Received lines than can be "
                              "judged.");
    else if (c.legs > 0)
        judge_encrypted(w, &c);
    else
        judge_inside(w, &c);
}
