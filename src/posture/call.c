/* SPDX-License-Identifier: Apache-2.0 */
#include "posture/call.h"

#include "base/clock.h"
#include "posture/converse.h"
#include "posture/need.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum {
    CONNECT_MS = 10000,
    COMMAND_MS = 30000,
    EHLO_LINE_MAX = 200,
    STACK_BYTES = 256 * 1024,
    BESIDE = PROBE_TLS13 /* versions tried while the main call goes on */
};

struct trial {
    struct line *line;
    enum probe_version version;
    pthread_t thread;
    bool running;
};

/* The main call and what goes on beside it. */
struct line {
    struct call *call;
    struct probe_address *out;
    struct trial trials[PROBE_VERSIONS];
    bool begun; /* the trials */
};

/* --- time and manners ----------------------------------------------------- */

static int64_t left_ms(const struct call *c, int64_t most)
{
    int64_t left = c->until_ms - clock_mono_ms();

    return left < 0 ? 0 : left < most ? left : most;
}

static void set_times(const struct call *c, struct session_target *target)
{
    target->connect_ms = left_ms(c, CONNECT_MS);
    /* A few phases follow each other: none may eat all the time. */
    target->command_ms = left_ms(c, COMMAND_MS * 2) / 2;
    target->data_ms = target->command_ms;
}

static bool enter(const struct call *c, const struct probe_address *a)
{
    if (atomic_load(c->strained) ||
        !crowd_enter(c->hosts, c->dial.host->name, c->until_ms))
        return false;
    if (crowd_enter(c->addresses, str_from_cstr(a->text), c->until_ms) &&
        !atomic_load(c->strained))
        return true;
    crowd_leave(c->hosts, c->dial.host->name);
    return false;
}

static void leave(const struct call *c, const struct probe_address *a)
{
    crowd_leave(c->addresses, str_from_cstr(a->text));
    crowd_leave(c->hosts, c->dial.host->name);
}

static void note_strain(const struct call *c, const struct probe_address *a,
                        struct fault fault)
{
    if (fault.kind != FAULT_STRAIN)
        return;
    atomic_store(c->strained, true);
    crowd_strained(c->hosts, c->dial.host->name);
    crowd_strained(c->addresses, str_from_cstr(a->text));
}

/* --- one version alone ------------------------------------------------------
 */

static bool is_weak(const char *cipher)
{
    static const char *const signs[] = { "NULL",   "anon",  "RC4", "3DES",
                                         "EXPORT", "_DES_", "MD5" };

    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
        if (strstr(cipher, signs[i]) != NULL)
            return true;
    return false;
}

static void accepted(struct probe_version_facts *f, const char *cipher)
{
    f->result = TRIAL_ACCEPTED;
    f->why[0] = '\0';
    snprintf(f->cipher, sizeof(f->cipher), "%s", cipher);
    f->weak = is_weak(cipher);
}

static void judge_trial(struct probe_version_facts *f, struct fault fault,
                        const struct tls_seen *seen, bool in_time)
{
    if (seen->up) {
        accepted(f, seen->cipher);
        return;
    }
    f->result = seen->offered && tls_fault_is_lasting(seen) ? TRIAL_REFUSED
                                                            : TRIAL_UNKNOWN;
    f->cut = seen->fault[0] != '\0' && in_time;
    snprintf(f->why, sizeof(f->why), "%s",
             seen->fault[0] != '\0' ? seen->fault
             : !seen->offered && fault.kind == FAULT_NONE
                 ? "offered no STARTTLS this time"
                 : fault.why.why);
}

static void try_version(struct line *line, enum probe_version version)
{
    struct call *c = line->call;
    struct probe_address *a = line->out;
    struct probe_version_facts *f = &a->version[version];
    struct arena scratch = { 0 };
    struct session *session = NULL;
    struct tls_seen seen = { 0 };

    f->result = TRIAL_UNKNOWN;
    snprintf(f->why, sizeof(f->why), "not tried: the host wants fewer calls");
    if (!enter(c, a))
        return;
    struct session_target target =
        dial_target(&c->dial, TLS_NEED_MAY, a->address, 0, &scratch);
    set_times(c, &target);
    target.tls->trial = c->trials[version];
    int64_t begun = clock_mono_ms();
    struct fault fault = session_open(&target, &seen, &session);
    session_quit(&session);
    leave(c, a);
    note_strain(c, a, fault);
    judge_trial(f, fault, &seen, clock_mono_ms() - begun < target.command_ms);
    arena_free(&scratch);
}

static void *trial_thread(void *argument)
{
    struct trial *trial = argument;

    try_version(trial->line, trial->version);
    return NULL;
}

static void begin_trials(struct line *line)
{
    pthread_attr_t attr;

    if (line->begun)
        return;
    line->begun = true;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    for (int v = 0; v < BESIDE; v++) {
        struct trial *t = &line->trials[v];

        *t = (struct trial){ .line = line, .version = (enum probe_version)v };
        t->running = pthread_create(&t->thread, &attr, trial_thread, t) == 0;
        if (!t->running)
            try_version(line, t->version);
    }
    pthread_attr_destroy(&attr);
}

static void end_trials(struct line *line)
{
    for (int v = 0; v < BESIDE; v++)
        if (line->trials[v].running) {
            pthread_join(line->trials[v].thread, NULL);
            line->trials[v].running = false;
        }
}

/* --- what the main call shows ----------------------------------------------
 */

static enum probe_reach reach_of(int error)
{
    switch (error) {
    case ECONNREFUSED:
    case ECONNRESET:
        return REACH_REFUSED;
    case ETIMEDOUT:
        return REACH_TIMEOUT;
    case ENETUNREACH:
    case EAFNOSUPPORT:
    case EADDRNOTAVAIL:
    case EACCES:
    case EPERM:
        return REACH_NO_ROUTE;
    default:
        return REACH_OTHER;
    }
}

static struct str clean_line(struct str in, struct arena *arena)
{
    char *out;

    in = str_first(in, EHLO_LINE_MAX);
    out = arena_alloc(arena, in.n + 1);
    for (size_t i = 0; i < in.n; i++) {
        unsigned char c = (unsigned char)in.p[i];

        out[i] = c < ' ' || c >= 127 ? '?' : (char)c;
    }
    return str_of(out, in.n);
}

/* Some firewalls blot out what they do not like (Cisco's "fixup"). */
static bool is_blot(struct str line)
{
    return str_starts(line, STR("XXXXXXX"));
}

static void take_hello(struct line *line, const struct session *s,
                       const struct answer *answer)
{
    struct probe_address *a = line->out;
    struct str rest = buf_str(answer->lines), one;

    if (s->seen.up) {
        a->caps_tls = s->caps;
        return;
    }
    a->caps = s->caps;
    if (a->ehlo_n > 0)
        return;
    struct str *list =
        arena_array(line->call->arena, PROBE_EHLO_LINES_MAX, sizeof(*list));
    str_split(&rest, '\n', &one);
    while (a->ehlo_n < PROBE_EHLO_LINES_MAX && str_split(&rest, '\n', &one)) {
        if (one.n == 0)
            continue;
        a->mangled |= is_blot(one);
        list[a->ehlo_n++] = clean_line(one, line->call->arena);
    }
    a->ehlo = list;
}

static bool record_matches(const struct tlsa *r, X509 *x509)
{
    unsigned char *der = NULL, hash[64];
    unsigned n = 0;
    int size = r->selector == 0
                   ? i2d_X509(x509, &der)
                   : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der);
    bool same = false;

    if (size <= 0)
        return false;
    if (r->matching == 0)
        same = str_eq(r->data, str_of(der, (size_t)size));
    else if (EVP_Digest(der, (size_t)size, hash, &n,
                        r->matching == 1 ? EVP_sha256() : EVP_sha512(),
                        NULL) == 1)
        same = str_eq(r->data, str_of(hash, n));
    OPENSSL_free(der);
    return same;
}

static int matching_record(const struct mx_host *host, STACK_OF(X509) * chain)
{
    for (size_t i = 0; i < host->tlsa_n; i++) {
        const struct tlsa *r = &host->tlsa[i];
        int first = r->usage == 3 ? 0 : 1;
        int end = r->usage == 3 ? 1 : sk_X509_num(chain);

        for (int k = first; tlsa_usable(r) && k < end; k++)
            if (record_matches(r, sk_X509_value(chain, k)))
                return (int)i;
    }
    return -1;
}

/* Once: from the first handshake that came to its end. */
static void take_chain(struct line *line, const struct session *s)
{
    struct probe_address *a = line->out;
    struct call *c = line->call;
    SSL *ssl = stream_ssl(s->stream);
    STACK_OF(X509) *chain = ssl == NULL ? NULL : SSL_get_peer_cert_chain(ssl);
    int n = chain == NULL ? 0 : sk_X509_num(chain);
    struct tls_seen judged = { 0 };

    if (!s->seen.up || a->chain_n > 0 || n == 0)
        return;
    if (n > CERTIFICATE_CHAIN_MAX)
        n = CERTIFICATE_CHAIN_MAX;
    struct certificate *list = arena_array(c->arena, (size_t)n, sizeof(*list));
    for (int i = 0; i < n; i++)
        certificate_of(sk_X509_value(chain, i), c->arena, &list[i]);
    a->chain = list;
    a->chain_n = (size_t)n;
    a->tlsa_match = matching_record(c->dial.host, chain);
    a->trusted =
        tls_trusts(c->dial.trust, s->stream, c->dial.host->name, &judged);
    a->trusted_name = a->trusted ? c->dial.host->name : STR("");
    a->trust_fault = str_keep(c->arena, str_from_cstr(judged.fault));
    snprintf(a->trust_code, sizeof(a->trust_code), "%s", judged.fault_code);
}

static void watched(void *context, enum session_step step,
                    const struct session *s, const struct answer *answer)
{
    struct line *line = context;
    struct probe_address *a = line->out;

    switch (step) {
    case SESSION_UNREACHED:
        if (a->reach != REACH_OPEN)
            a->reach = reach_of(errno);
        break;
    case SESSION_CONNECTED:
        a->reach = REACH_OPEN;
        a->connect_ms = s->connect_took_ms;
        break;
    case SESSION_GREETED:
        snprintf(a->banner, sizeof(a->banner), "%s", answer->text);
        break;
    case SESSION_HELLO:
        take_hello(line, s, answer);
        if (s->caps.starttls && !s->seen.up)
            begin_trials(line);
        break;
    case SESSION_TLS:
        a->tls_ms = s->tls_took_ms;
        take_chain(line, s);
        break;
    }
}

/* --- the calls
 * ---------------------------------------------------------------- */

static struct fault call_once(struct line *line, enum tls_need need,
                              struct tls_seen *seen)
{
    struct call *c = line->call;
    struct probe_address *a = line->out;
    struct session_watch watch = { line, watched };
    struct session *session = NULL;

    if (!enter(c, a))
        return (struct fault){ FAULT_STRAIN,
                               status_make(451, "4.4.5",
                                           "%.*s was not called: it wants "
                                           "fewer calls",
                                           STR_ARG(c->dial.host->name)) };
    struct session_target target =
        dial_target(&c->dial, need, a->address, 0, c->arena);
    set_times(c, &target);
    target.watch = &watch;
    struct fault fault = dial_open(&target, seen, &session);
    session_quit(&session);
    leave(c, a);
    note_strain(c, a, fault);
    return fault;
}

static struct demand demand_for(struct call *c, enum floor floor)
{
    struct dial dial = c->dial;
    struct status why;

    dial.floor = floor;
    return dial_demand(&dial, &why);
}

/* Which version the main call came to tells two more. */
static void conclude_versions(struct line *line)
{
    struct probe_address *a = line->out;
    struct probe_version_facts *newest = &a->version[PROBE_TLS13];

    for (int v = 0; a->seen.up && v < PROBE_VERSIONS; v++)
        if (str_eq(probe_version_name((enum probe_version)v),
                   str_from_cstr(a->seen.version)))
            accepted(&a->version[v], a->seen.cipher);
    if (!line->begun || newest->result == TRIAL_ACCEPTED)
        return;
    if (!a->seen.up) {
        try_version(line, PROBE_TLS13);
        return;
    }
    newest->result = TRIAL_REFUSED;
    snprintf(newest->why, sizeof(newest->why),
             "chose %s although TLSv1.3 was offered", a->seen.version);
}

/* A server that hangs up in the middle of a handshake says no with it, where
 * other handshakes come to their end. */
static void conclude_hangups(struct probe_address *a)
{
    bool any = false;

    for (int v = 0; v < PROBE_VERSIONS; v++)
        any |= a->version[v].result == TRIAL_ACCEPTED;
    for (int v = 0; any && v < PROBE_VERSIONS; v++)
        if (a->version[v].result == TRIAL_UNKNOWN && a->version[v].cut)
            a->version[v].result = TRIAL_REFUSED;
}

void call_address(struct call *c, struct probe_address *out)
{
    struct line line = { .call = c, .out = out };
    enum tls_need need = demand_for(c, FLOOR_VERIFIED).need;

    out->tlsa_match = -1;
    out->as_delivery = need != TLS_NEED_NEVER;
    out->need = out->as_delivery ? need : TLS_NEED_PKIX;
    out->fault = call_once(&line, out->need, &out->seen);
    end_trials(&line);
    out->open_tried = !out->seen.up && out->reach == REACH_OPEN &&
                      out->fault.kind != FAULT_STRAIN &&
                      out->fault.kind != FAULT_DOWN &&
                      demand_for(c, FLOOR_OPEN).need == TLS_NEED_MAY;
    if (out->open_tried)
        out->open_fault = call_once(&line, TLS_NEED_MAY, &out->open_seen);
    end_trials(&line);
    conclude_versions(&line);
    conclude_hangups(out);
    out->strained = atomic_load(c->strained);
}
