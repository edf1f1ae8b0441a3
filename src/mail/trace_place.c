/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/trace_inner.h"

#include <arpa/inet.h>
#include <string.h>

enum { ADDRESS_TEXT_MAX = 64, V4_AT = 12 };

/* As sixteen octets, IPv4 mapped (RFC 4291, 2.5.5.2). */
static bool octets_of(struct str ip, unsigned char out[16])
{
    static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
    char text[ADDRESS_TEXT_MAX];

    if (ip.n == 0 || ip.n >= sizeof(text))
        return false;
    memcpy(text, ip.p, ip.n);
    text[ip.n] = '\0';
    memcpy(out, mapped, sizeof(mapped));
    return inet_pton(AF_INET, text, out + V4_AT) == 1 ||
           inet_pton(AF_INET6, text, out) == 1;
}

struct net {
    unsigned char octets[16];
    unsigned bits;
    enum reach reach;
};

static const struct net nets[] = {
    { { [10] = 0xff, 0xff, 127 }, 104, REACH_LOOPBACK },
    { { [15] = 1 }, 128, REACH_LOOPBACK },
    { { [10] = 0xff, 0xff, 10 }, 104, REACH_PRIVATE },
    { { [10] = 0xff, 0xff, 172, 16 }, 108, REACH_PRIVATE },
    { { [10] = 0xff, 0xff, 192, 168 }, 112, REACH_PRIVATE },
    { { [10] = 0xff, 0xff, 169, 254 }, 112, REACH_PRIVATE },
    { { [10] = 0xff, 0xff, 100, 64 }, 106, REACH_PRIVATE },
    { { 0xfc }, 7, REACH_PRIVATE },
    { { 0xfe, 0x80 }, 10, REACH_PRIVATE },
    { { 0x20, 0x02, 10 }, 24, REACH_PRIVATE }, /* 6to4 of 10/8: Google */
};

static bool same_net(const unsigned char *a, const unsigned char *b,
                     unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    return memcmp(a, b, whole) == 0 &&
           (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

enum reach trace_reach(struct str ip)
{
    unsigned char octets[16];

    if (!octets_of(ip, octets))
        return REACH_UNKNOWN;
    for (size_t i = 0; i < sizeof(nets) / sizeof(nets[0]); i++)
        if (same_net(octets, nets[i].octets, nets[i].bits))
            return nets[i].reach;
    return REACH_PUBLIC;
}

/* "192.0.2.1", "192.0.2.0/24", "2001:db8::/32" */
static bool net_covers(struct str net, struct str ip)
{
    unsigned char a[16], b[16];
    size_t slash = str_find_char(net, '/');
    struct str address = str_first(net, slash);
    bool six = str_has_char(address, ':');
    uint64_t bits = six ? 128 : 32;

    if (slash < net.n && !str_to_u64(str_from(net, slash + 1), bits, &bits))
        return false;
    if (!octets_of(address, a) || !octets_of(ip, b))
        return false;
    return same_net(a, b, (unsigned)bits + (six ? 0 : 96));
}

bool trace_trusts(const struct trace_work *w, struct str name, struct str ip)
{
    for (size_t i = 0; i < w->trust_n; i++) {
        struct str t = w->trust[i];

        if (net_covers(t, ip))
            return true;
        if (str_ends_nocase(name, t) && t.n > 0 &&
            (name.n == t.n || name.p[name.n - t.n - 1] == '.'))
            return true;
    }
    return false;
}

bool trace_trusts_peer(const struct trace_work *w, const struct hop *hop,
                       const struct hop_facts *facts)
{
    return facts->ip_recorded &&
           trace_trusts(w, facts->name_checked ? hop->name : STR(""), hop->ip);
}

/* Addresses of Microsoft's own machines; between tenants mail leaves by IPv4
 * or by a name of its own. */
static bool is_microsoft(const unsigned char *octets)
{
    static const struct net own[] = { { { 0x26, 0x03, 0x10 }, 24 },
                                      { { 0x2a, 0x01, 0x01, 0x11 }, 32 } };

    return same_net(octets, own[0].octets, own[0].bits) ||
           same_net(octets, own[1].octets, own[1].bits);
}

/* A step between Exchange servers of one house: Exchange writes both addresses
 * itself, and they are close, or both inside Microsoft's cloud. */
static bool is_tenant(const struct hop *hop, const struct hop_facts *facts)
{
    unsigned char a[16], b[16];

    if (!str_eq(hop->family, STR("microsoft")) || !facts->ip_recorded ||
        !octets_of(hop->ip, a) || !octets_of(facts->by_ip, b) ||
        str_find_nocase(hop->helo, STR(".outbound.protection.")) < hop->helo.n)
        return false;
    return (is_microsoft(a) && is_microsoft(b)) ||
           same_net(a, b, str_has_char(hop->ip, ':') ? 64 : 120);
}

/* By what the receiver recorded; a HELO name is the client's word. */
static bool is_same_host(const struct hop *hop, const struct hop_facts *facts)
{
    if (!facts->ip_recorded)
        return false;
    return (facts->name_checked && hop->name.n > 0 &&
            str_eq_nocase(hop->name, hop->by)) ||
           (hop->ip.n > 0 && str_eq(hop->ip, facts->by_ip));
}

static bool no_evidence(const struct hop *hop)
{
    return hop->evidence == EVIDENCE_NONE &&
           (hop->state == HOP_CLEAR || hop->state == HOP_NOT_RECORDED);
}

static void place(struct trace_work *w, struct hop *hop,
                  const struct hop_facts *facts)
{
    enum reach reach =
        facts->ip_recorded ? trace_reach(hop->ip) : REACH_UNKNOWN;
    bool ours = trace_trusts_peer(w, hop, facts) &&
                trace_trusts(w, hop->by, facts->by_ip);

    if ((reach == REACH_LOOPBACK || facts->unix_socket) && no_evidence(hop)) {
        hop->state = HOP_LOCAL;
        hop->why = STR("stayed on the machine");
    }
    hop->internal = hop->state == HOP_LOCAL || hop->state == HOP_NOT_SMTP ||
                    reach == REACH_LOOPBACK || reach == REACH_PRIVATE ||
                    facts->unix_socket || facts->inside || ours ||
                    is_same_host(hop, facts) || is_tenant(hop, facts) ||
                    (facts->no_from && hop->state == HOP_NOT_RECORDED);
}

void trace_place(struct trace_work *w)
{
    for (size_t i = 0; i < w->out->n; i++)
        place(w, &w->out->hops[i], &w->facts[i]);
}

/* A table of receivers that record TLS, by name; open addressing. */
struct recorder {
    struct str by;
    bool trusted; /* by a line that counts */
};

static uint64_t hash_name(struct str name)
{
    uint64_t hash = 14695981039346656037u;

    for (size_t i = 0; i < name.n; i++)
        hash = (hash ^ (unsigned char)ascii_lower(name.p[i])) * 1099511628211u;
    return hash ^ hash >> 32;
}

static struct recorder *find_recorder(struct recorder *all, size_t size,
                                      struct str by)
{
    size_t at = hash_name(by) & (size - 1);

    while (all[at].by.n > 0 && !str_eq_nocase(all[at].by, by))
        at = (at + 1) & (size - 1);
    return &all[at];
}

void trace_recorders(struct trace_work *w)
{
    struct trace *out = w->out;
    size_t size = 16;
    struct recorder *all, *r;

    while (size < 2 * out->n)
        size *= 2;
    all = arena_array(w->arena, size, sizeof(*all));
    for (size_t i = 0; i < out->n; i++) {
        const struct hop *hop = &out->hops[i];

        if (hop->by.n == 0 || hop->evidence == EVIDENCE_NONE)
            continue;
        r = find_recorder(all, size, hop->by);
        r->by = hop->by;
        r->trusted = r->trusted || hop->trusted;
    }
    for (size_t i = 0; i < out->n; i++) {
        struct hop *hop = &out->hops[i];

        if (hop->state != HOP_NOT_RECORDED || hop->by.n == 0 ||
            !w->facts[i].smtp_word || w->facts[i].inside)
            continue;
        r = find_recorder(all, size, hop->by);
        if (r->by.n == 0 || (hop->trusted && !r->trusted))
            continue;
        hop->state = HOP_CLEAR;
        hop->why = STR("this receiver records TLS on another line of the "
                       "message and recorded none here");
    }
}
