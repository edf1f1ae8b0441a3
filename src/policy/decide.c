/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/decision.h"

#include "mail/header.h"
#include "mail/pattern.h"
#include "policy/rules.h"

enum { DEFAULT_SWITCH_AFTER_MS = 15 * 60 * 1000 };

static const struct rule default_rule = {
    .name = STR_INIT("default"),
    .floor = FLOOR_VERIFIED,
    .ladder = { { METHOD_TLS, METHOD_PORTAL }, 2 },
    .switch_after_ms = DEFAULT_SWITCH_AFTER_MS,
    .clear_path = CLEAR_PATH_PIN,
};

const struct rule *policy_rule(const struct config *config,
                               const struct message_facts *m,
                               struct str recipient)
{
    for (size_t i = 0; i < config->rules_n; i++)
        if (rule_holds(&config->rules[i].when, m, recipient))
            return &config->rules[i];
    return &default_rule;
}

/* The highest floor the sender's header names; false when there is none. */
static bool asked_floor(struct str header, enum floor *out)
{
    struct header_field field;
    bool asked = false;

    *out = FLOOR_OPEN;
    while (header_find(&header, STR("X-Postseal-Floor"), &field)) {
        enum floor floor = FLOOR_SEALED;

        /* Whoever wrote it wanted protection: a misspelt one is not less. */
        if (!floor_parse(str_trim(field.body), &floor))
            floor = FLOOR_SEALED;
        if (!asked || floor > *out)
            *out = floor;
        asked = true;
    }
    return asked;
}

static void add_why(struct buf *why, const char *text, struct str name)
{
    buf_addf(why, "%s%s%.*s", why->n == 0 ? "" : "; ", text, STR_ARG(name));
}

static void apply_sender(const struct rule *rule, struct str header,
                         struct decision *d, struct buf *why)
{
    enum floor asked;

    if (!asked_floor(header, &asked) || asked == d->floor)
        return;
    if (asked > d->floor) {
        d->sender_raised = true;
        add_why(why, "the sender raised it to ", floor_name(asked));
    } else if (rule->sender_may_lower) {
        d->sender_lowered = true;
        add_why(why, "the sender lowered it, as the rule allows, to ",
                floor_name(asked));
    } else {
        d->sender_ignored = true;
        add_why(why, "the sender asked for less and was not heard", STR(""));
        return;
    }
    d->floor = asked;
}

static void apply_requiretls(const struct message_facts *m, struct decision *d,
                             struct buf *why)
{
    if (!m->requiretls || d->floor >= FLOOR_VERIFIED)
        return;
    d->floor = FLOOR_VERIFIED;
    add_why(why, "REQUIRETLS raised it to ", floor_name(d->floor));
}

static void apply_pin(const struct pin_config *pin, struct decision *d,
                      struct buf *why)
{
    enum floor floor = FLOOR_OPEN;

    if (pin == NULL)
        return;
    if (pin->has_floor)
        floor = pin->floor;
    if (pin->spki_n > 0 && floor < FLOOR_VERIFIED)
        floor = FLOOR_VERIFIED;
    if (floor <= d->floor)
        return;
    d->floor = floor;
    d->pin_raised = true;
    add_why(why, "the pin of the domain raised it to ", floor_name(floor));
}

static void drop_portal(struct ladder *ladder, struct decision *d)
{
    uint8_t n = 0;

    for (uint8_t i = 0; i < ladder->n; i++) {
        if (ladder->rung[i] == METHOD_PORTAL)
            d->portal_missing = true;
        else
            ladder->rung[n++] = ladder->rung[i];
    }
    ladder->n = n;
}

static void choose_ladder(const struct config *config, const struct rule *rule,
                          struct decision *d, struct buf *why)
{
    d->ladder = ladder_above(rule->ladder, d->floor);
    if (d->ladder.n == 0 && d->floor > rule->floor) {
        d->ladder = (struct ladder){ { METHOD_PORTAL }, 1 };
        d->ladder_extended = true;
        add_why(why, "its ladder does not reach that high, so the portal",
                STR(""));
    }
    if (!config->portal.on)
        drop_portal(&d->ladder, d);
    if (d->portal_missing)
        add_why(why, "no portal is configured", STR(""));
    if (d->ladder.n == 0)
        add_why(why, "nothing may be sent", STR(""));
}

/* RFC 8689, 4.1: "No" and nothing else, once. */
static bool says_tls_not_required(struct str header)
{
    struct header_field field, again;

    return header_find(&header, STR("TLS-Required"), &field) &&
           str_eq_nocase(str_trim(field.body), STR("No")) &&
           !header_find(&header, STR("TLS-Required"), &again);
}

static void describe_rule(const struct rule *rule, struct buf *why)
{
    if (rule == &default_rule)
        buf_add_cstr(why, "no rule fits: the default asks for verified");
    else
        buf_addf(why, "rule \"%.*s\" (line %u) asks for %.*s",
                 STR_ARG(rule->name), rule->line,
                 STR_ARG(floor_name(rule->floor)));
}

void policy_decide(const struct config *config, const struct message_facts *m,
                   struct str recipient, struct arena *arena,
                   struct decision *out)
{
    const struct rule *rule = policy_rule(config, m, recipient);
    struct str domain = str_from(recipient, pattern_at(recipient) + 1);
    const struct pin_config *pin = config_pin(config, domain);
    struct buf why = { 0 };

    *out = (struct decision){
        .floor = rule->floor,
        .rule = rule->name,
        .rule_line = rule->line,
        .switch_after_ms = rule->switch_after_ms,
        .tell_sender = rule->tell_sender,
        .key_candidates = rule->keys == RULE_KEYS_CANDIDATES,
        .clear_path_pin = rule->clear_path == CLEAR_PATH_PIN,
        .strip_marker = rule->strip_marker,
    };
    describe_rule(rule, &why);
    apply_sender(rule, m->header, out, &why);
    apply_requiretls(m, out, &why);
    apply_pin(pin, out, &why);
    choose_ladder(config, rule, out, &why);
    out->tls_not_required = out->floor == FLOOR_OPEN && pin == NULL &&
                            !m->requiretls && says_tls_not_required(m->header);
    out->why = str_keep(arena, buf_str(&why));
    buf_free(&why);
}
