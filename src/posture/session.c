/* SPDX-License-Identifier: Apache-2.0 */
#include "posture/session.h"

#include "base/clock.h"
#include "base/panic.h"
#include "posture/converse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fault fault_of(enum fault_kind kind, struct status why)
{
    return (struct fault){ kind, why };
}

static const struct fault no_fault = { FAULT_NONE, { STATUS_OK } };

static struct fault lasting(const char *enh, const char *text,
                            const struct session *s)
{
    return fault_of(FAULT_LASTING,
                    status_make(550, enh, "%.*s %s", STR_ARG(s->host), text));
}

static void tell(const struct session *s, enum session_step step,
                 const struct answer *answer)
{
    if (s->watch != NULL)
        s->watch->step(s->watch->context, step, s, answer);
}

/* A reply that is not the hoped-for one, before any message. */
static struct fault disliked(struct session *s, const struct answer *a)
{
    char prefix[300];

    snprintf(prefix, sizeof(prefix), "%.*s", STR_ARG(s->host));
    struct status st = answer_status(a, prefix);
    if (a->code == 421)
        return fault_of(FAULT_STRAIN, st);
    /* A host that turns everybody away today may be repaired tomorrow. */
    if (st.kind == STATUS_REFUSE)
        st.kind = STATUS_DEFER;
    return fault_of(FAULT_PASSING, st);
}

static bool ask(struct session *s, struct answer *a, struct fault *fault)
{
    struct status why;

    if (!converse_flush(s->stream, s->command_ms, &why) ||
        !answer_read(s->stream, s->command_ms, a, &why)) {
        s->spoilt = true;
        *fault = fault_of(FAULT_PASSING, why);
        return false;
    }
    return true;
}

static struct fault greet(struct session *s)
{
    struct answer a = { 0 };
    struct status why;

    if (!answer_read(s->stream, s->command_ms, &a, &why)) {
        s->spoilt = true;
        return fault_of(FAULT_DOWN, why);
    }
    tell(s, SESSION_GREETED, &a);
    return a.code / 100 == 2 ? no_fault : disliked(s, &a);
}

/* EHLO, or HELO where nothing more is asked for (RFC 5321, 3.2). */
static struct fault hello(struct session *s, struct str name)
{
    struct buf lines = { 0 };
    struct answer a = { .lines = &lines };
    struct fault fault = no_fault;

    s->caps = (struct smtp_caps){ 0 };
    converse_say(s->stream, "EHLO %.*s", STR_ARG(name));
    if (!ask(s, &a, &fault))
        goto done;
    if (a.code == 250) {
        smtp_caps_parse(buf_str(&lines), &s->caps);
        tell(s, SESSION_HELLO, &a);
        goto done;
    }
    if (a.code < 500 || s->need != TLS_NEED_MAY) {
        fault = disliked(s, &a);
        goto done;
    }
    a.lines = NULL;
    converse_say(s->stream, "HELO %.*s", STR_ARG(name));
    if (ask(s, &a, &fault) && a.code != 250)
        fault = disliked(s, &a);
done:
    buf_free(&lines);
    return fault;
}

static struct fault handshake(struct session *s,
                              const struct session_target *target)
{
    char name[256];
    int64_t begun = clock_mono_ms();

    snprintf(name, sizeof(name), "%.*s", STR_ARG(target->sni));
    stream_deadline(s->stream, begun + s->command_ms);
    enum stream_result r =
        stream_start_tls_client(s->stream, target->tls, name);
    s->tls_took_ms = (uint32_t)(clock_mono_ms() - begun);
    bool offered = s->seen.offered;
    tls_seen_of(s->stream, target->tls, &s->seen);
    s->seen.offered = offered;
    tell(s, SESSION_TLS, NULL);
    if (r == STREAM_OK)
        return no_fault;
    s->spoilt = true;
    struct status why = status_make(
        454, "4.7.5", "TLS with %.*s failed: %s", STR_ARG(s->host),
        s->seen.fault[0] != '\0' ? s->seen.fault : stream_fault(s->stream));
    return fault_of(
        tls_fault_is_lasting(&s->seen) ? FAULT_LASTING : FAULT_PASSING, why);
}

static struct fault start_tls(struct session *s,
                              const struct session_target *target)
{
    struct answer a = { 0 };
    struct fault fault = no_fault;

    converse_say(s->stream, "STARTTLS");
    if (!ask(s, &a, &fault))
        return fault;
    if (a.code != 220)
        return disliked(s, &a);
    /* Words behind the 220 were said in clear: somebody injects (SO-01). */
    if (stream_has_input(s->stream)) {
        s->spoilt = true;
        return fault_of(FAULT_PASSING,
                        status_make(454, "4.7.5",
                                    "%.*s sent clear text behind its 220 to "
                                    "STARTTLS",
                                    STR_ARG(s->host)));
    }
    fault = handshake(s, target);
    return fault.kind == FAULT_NONE ? hello(s, target->helo) : fault;
}

static struct fault below_need(const struct session *s)
{
    if (!s->seen.up)
        return lasting("5.7.10", "offers no STARTTLS", s);
    if (s->seen.fault[0] != '\0')
        return fault_of(FAULT_LASTING,
                        status_make(550, "5.7.5", "%.*s: %s", STR_ARG(s->host),
                                    s->seen.fault));
    if (!s->seen.approved)
        return fault_of(FAULT_LASTING,
                        status_make(550, "5.7.5", "%.*s speaks only %s %s",
                                    STR_ARG(s->host), s->seen.version,
                                    s->seen.cipher));
    return lasting("5.7.5", "could not be verified", s);
}

/* Brings the connection to what the need demands, or says why it cannot be. */
static struct fault secure(struct session *s,
                           const struct session_target *target)
{
    struct fault fault = no_fault;

    s->seen.offered = s->caps.starttls && !target->no_tls;
    if (!s->seen.up && tls_next(s->need, &s->seen) == TLS_START)
        fault = start_tls(s, target);
    if (fault.kind != FAULT_NONE)
        return fault;
    switch (tls_next(s->need, &s->seen)) {
    case TLS_SEND:
    case TLS_SEND_OPEN:
        return no_fault;
    case TLS_START:
    case TLS_NEXT_HOST:
        break;
    }
    return below_need(s);
}

static struct fault introduce(struct session *s,
                              const struct session_target *target)
{
    struct fault fault = no_fault;

    if (target->wrapped) {
        s->seen.offered = true;
        fault = handshake(s, target);
    }
    if (fault.kind == FAULT_NONE)
        fault = greet(s);
    if (fault.kind == FAULT_NONE)
        fault = hello(s, target->helo);
    if (fault.kind == FAULT_NONE)
        fault = secure(s, target);
    return fault;
}

static struct session *session_new(const struct session_target *target,
                                   struct stream *stream)
{
    struct session *s = calloc(1, sizeof(*s));
    char *host = malloc(target->host.n + 1);

    if (s == NULL || host == NULL)
        panic("out of memory");
    memcpy(host, target->host.p, target->host.n);
    host[target->host.n] = '\0';
    s->host = str_of(host, target->host.n);
    s->stream = stream;
    s->need = target->need;
    s->command_ms = target->command_ms;
    s->data_ms = target->data_ms;
    s->watch = target->watch;
    snprintf(s->address, sizeof(s->address), "%s", stream_peer(stream));
    return s;
}

struct fault session_open(const struct session_target *target,
                          struct tls_seen *seen, struct session **out)
{
    struct stream *stream = NULL;
    int64_t begun = clock_mono_ms();
    struct status st = stream_connect(&target->address, target->connect_ms,
                                      target->stop_fd, &stream);

    *out = NULL;
    *seen = (struct tls_seen){ 0 };
    if (!status_is_ok(st)) {
        if (target->watch != NULL)
            target->watch->step(target->watch->context, SESSION_UNREACHED, NULL,
                                NULL);
        return fault_of(FAULT_DOWN, st);
    }
    struct session *s = session_new(target, stream);
    s->opened_ms = clock_mono_ms();
    s->connect_took_ms = (uint32_t)(s->opened_ms - begun);
    stream_timeout(stream, target->command_ms);
    tell(s, SESSION_CONNECTED, NULL);
    struct fault fault = introduce(s, target);
    *seen = s->seen;
    s->watch = NULL;
    if (fault.kind == FAULT_NONE)
        *out = s;
    else
        session_quit(&s);
    return fault;
}

bool session_is_quiet(const struct session *session)
{
    return !session->spoilt && !stream_has_input(session->stream) &&
           !stream_wait_input(session->stream, 0);
}

void session_drop(struct session **session)
{
    struct session *s = *session;

    *session = NULL;
    if (s == NULL)
        return;
    stream_free(&s->stream);
    free((void *)(uintptr_t)s->host.p);
    free(s);
}

void session_quit(struct session **session)
{
    struct status why;

    if (*session != NULL && !(*session)->spoilt) {
        converse_say((*session)->stream, "QUIT");
        /* Politeness must not cost a second. */
        if (converse_flush((*session)->stream, 200, &why))
            stream_shutdown((*session)->stream);
    }
    session_drop(session);
}
