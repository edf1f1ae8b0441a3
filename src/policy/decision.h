/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policy: facts about one recipient of one message in, floor and ladder out.
 * Pure; asked once per recipient, its answer stored and never changed later.
 */
#ifndef POSTSEAL_POLICY_DECISION_H
#define POSTSEAL_POLICY_DECISION_H

#include "base/arena.h"
#include "policy/config.h"
#include "policy/floor.h"

/* All that a rule may ask of. Slices belong to the caller. */
struct message_facts {
    struct str from;   /* envelope sender, "" for the null sender */
    struct str header; /* raw header block of the message, CR LF lines */
    uint64_t size_bytes;
    struct str listener; /* "127.0.0.1:2525" as configured */
    struct str user;     /* authenticated account or "" */
    bool requiretls;     /* MAIL FROM said REQUIRETLS (RFC 8689) */
};

struct decision {
    enum floor floor;
    struct ladder ladder; /* only rungs that meet the floor */
    struct str rule;      /* its name, or "default" */
    uint32_t rule_line;   /* in the configuration file; 0: default */
    int64_t switch_after_ms;
    bool tell_sender;
    bool key_candidates;     /* keys candidates: not only approved ones */
    bool clear_path_pin;     /* clear-path pin (true) or code */
    struct str strip_marker; /* subject text to remove, "" for none */
    bool sender_raised;      /* X-Postseal-Floor asked for more */
    bool sender_lowered;     /* allowed attestation: to be audited */
    bool sender_ignored;     /* asked for less and was not heard */
    bool pin_raised;         /* a pin asked for more than the rule */
    bool ladder_extended;    /* portal added: the rule's ladder is too weak */
    bool portal_missing;     /* the ladder names a portal, there is none */
    bool tls_not_required;   /* TLS-Required: No is to be honoured (RFC 8689) */
    struct str why;          /* one plain sentence, in arena */
};

/*
 * What is asked, the strongest last:
 *   1. the first rule that holds (or the default)
 *   2. X-Postseal-Floor: raises; lowers only under sender-may-lower. With more
 *      than one, the highest counts; a value that is none counts as sealed.
 *   3. REQUIRETLS raises to verified (RFC 8689, 4.2.1)
 *   4. the pin of the domain raises to its floor, or to verified by its keys
 * TLS-Required: No is honoured only where the floor is open in the end, with
 * no REQUIRETLS and no pin (RFC 8689, 4.1); it never lowers anything.
 *
 * When a floor was raised above the rule and no rung of its ladder meets it,
 * the portal is added. A ladder of no rung means: send nothing.
 *
 * recipient: "local@domain" with the domain in A-label form. Never fails: with
 * no matching rule the built-in default applies (verified; tls portal; 15m).
 */
void policy_decide(const struct config *config, const struct message_facts *m,
                   struct str recipient, struct arena *arena,
                   struct decision *out);

/* The rule that decides; the built-in default (line 0) when none holds. */
const struct rule *policy_rule(const struct config *config,
                               const struct message_facts *m,
                               struct str recipient);

#endif
