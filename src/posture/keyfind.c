/* SPDX-License-Identifier: Apache-2.0 */
#include "posture/keyfind.h"

#include "base/clock.h"
#include "posture/fetch.h"
#include "posture/wkd.h"

enum { FOUND_MAX = 16, OCTETS_MAX = 4 * KEY_BYTES_MAX };

struct search {
    struct posture *posture;
    const struct config *config;
    struct str address;
    int64_t end_mono_ms;
    struct arena *arena;
    struct found_key *found;
    size_t n;
    struct buf faults;
    struct status fault; /* the newest that may pass */
    size_t asked, failed;
};

static int64_t time_left(const struct search *s)
{
    int64_t left = s->end_mono_ms - clock_mono_ms();

    return left > 1 ? left : 1;
}

static void add_fault(struct search *s, const char *source, const char *why)
{
    buf_addf(&s->faults, "%s%s: %s", s->faults.n > 0 ? "; " : "", source, why);
}

static void add(struct search *s, enum key_kind kind, enum key_source source,
                struct str where, struct str octets)
{
    if (s->n < FOUND_MAX && octets.n > 0 && octets.n <= OCTETS_MAX)
        s->found[s->n++] = (struct found_key){ kind, source, where, octets };
}

/* --- Web Key Directory ------------------------------------------------------
 */

static struct status fetch_place(struct search *s,
                                 const struct wkd_place *place, bool *no_host)
{
    struct fetch_request r = {
        .what = "Web Key Directory",
        .host = place->host,
        .path = place->path,
        .port = s->config->delivery.wkd_port,
        .max_octets = OCTETS_MAX,
        .timeout_ms = time_left(s),
    };
    struct str octets = STR("");
    bool found;
    struct status st = fetch_get(posture_fetcher(s->posture), &r, s->arena,
                                 &octets, &found, no_host);

    if (status_is_ok(st) && found)
        add(s, KEY_PGP, KEY_FROM_WKD,
            arena_printf(s->arena, "https://%.*s", STR_ARG(place->host)),
            octets);
    return st;
}

/* The direct method only where the other's name does not exist (3.1). */
static void ask_wkd(struct search *s)
{
    struct wkd_place advanced, direct;
    bool no_host = false;
    struct status st;

    if (!wkd_places(s->address, s->arena, &advanced, &direct))
        return;
    s->asked++;
    st = fetch_place(s, &advanced, &no_host);
    if (status_is_ok(st) && no_host)
        st = fetch_place(s, &direct, &no_host);
    if (status_is_ok(st))
        return;
    add_fault(s, "wkd", st.why);
    s->fault = st;
    s->failed++;
}

/* --- SMIMEA -----------------------------------------------------------------
 */

/* Says once what is useless: a stranger chooses how many records there are. */
static void take_smimea(struct search *s, const struct dns_question *q)
{
    bool useless = false;
    struct str der;

    for (size_t i = 0; i < q->n; i++)
        if (smimea_certificate(q->rdata[i], &der))
            add(s, KEY_SMIME, KEY_FROM_SMIMEA, q->name, der);
        else
            useless = true;
    if (useless)
        add_fault(s, "smimea", "a record that does not hold the certificate");
}

static void ask_smimea(struct search *s)
{
    struct dns_question q = { .type = DNS_SMIMEA };

    if (!smimea_name(s->address, s->arena, &q.name))
        return;
    s->asked++;
    resolver_ask(posture_resolver(s->posture), &q, 1, time_left(s), s->arena);
    if (q.state == DNS_ERROR) {
        add_fault(s, "smimea", q.fault.why);
        s->fault = q.fault;
        s->failed++;
        return;
    }
    if (q.state == DNS_INSECURE && q.n > 0) {
        add_fault(s, "smimea", "not signed (DNSSEC): not used");
        return;
    }
    if (q.state == DNS_SECURE)
        take_smimea(s, &q);
}

struct status keyfind(struct posture *posture, const struct config *config,
                      struct str address, int64_t timeout_ms,
                      struct arena *arena, struct found_key **out, size_t *n,
                      struct str *faults)
{
    struct search s = { .posture = posture,
                        .config = config,
                        .address = address,
                        .end_mono_ms = clock_mono_ms() + timeout_ms,
                        .arena = arena };

    s.found = arena_array(arena, FOUND_MAX, sizeof(*s.found));
    ask_smimea(&s);
    ask_wkd(&s);
    *out = s.found;
    *n = s.n;
    *faults = str_keep(arena, buf_str(&s.faults));
    buf_free(&s.faults);
    return s.n == 0 && s.asked > 0 && s.failed == s.asked ? s.fault
                                                          : status_ok();
}
