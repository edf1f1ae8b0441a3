/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the trace reader share. Only trace*.c include it. */
#ifndef POSTSEAL_MAIL_TRACE_INNER_H
#define POSTSEAL_MAIL_TRACE_INNER_H

#include "mail/trace.h"
#include "mail/trace_field.h"

/* What is known of a hop beside what is shown. */
struct hop_facts {
    struct str by_ip;
    size_t field;     /* its line among the fields */
    bool ip_recorded; /* the address is the receiver's word */
    bool no_from, unix_socket;
    bool name_checked; /* the receiver looked the name up both ways */
    bool smtp_word;    /* ESMTP and its kin, not free text */
    bool zone_odd;
    bool inside; /* a step inside one provider */
};

struct trace_work {
    struct trace *out;
    struct hop_facts *facts; /* beside out->hops */
    struct trace_fields fields;
    struct arena *arena;
    const struct str *trust;
    size_t trust_n;
    int64_t now_wall_ms;
    struct trace_note **notes_end;
    size_t notes;
};

enum reach { REACH_UNKNOWN, REACH_LOOPBACK, REACH_PRIVATE, REACH_PUBLIC };
/* Where an address is: loopback, private (RFC 1918, 4193, 6598, link-local),
 * or anywhere. */
enum reach trace_reach(struct str ip);
/* Fills hop.internal and turns the state of hops that never left a machine to
 * local. */
void trace_place(struct trace_work *w);

/* Turns not recorded to clear where the receiver does record it on another
 * line; a claimed line says nothing about a trusted one. */
void trace_recorders(struct trace_work *w);

/* Whether "example.com" covers name, or "192.0.2.0/24" ip. */
bool trace_trusts(const struct trace_work *w, struct str name, struct str ip);
/* Whether the machine that brought the message is one that is trusted, by the
 * address or the checked name that the receiver recorded. */
bool trace_trusts_peer(const struct trace_work *w, const struct hop *hop,
                       const struct hop_facts *facts);
/* Fills trusted, trust_boundary, trust_text. */
void trace_trust(struct trace_work *w);

/* Fills delays, skew and the total. */
void trace_time(struct trace_work *w);

/* Authentication-Results and the side headers. */
void trace_side(struct trace_work *w);
/* DKIM-Signature fields: what can be said of them without DNS. */
void trace_signatures(struct trace_work *w);

/* Verdict, summary, advice. */
void trace_judge(struct trace_work *w);

/* Puts version, suite and what follows from them into the hop. */
void trace_set_tls(struct hop *hop, const struct received_evidence *e);

/* A note; more than 100 are not kept. */
void trace_note(struct trace_work *w, struct str id, struct str text);
/* name when it is a host name or address that can be shown and pasted into a
 * shell, else instead. */
struct str trace_plain(struct str name, struct str instead);

#endif
