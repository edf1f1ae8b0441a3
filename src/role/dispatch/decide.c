/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/decide.h"

static bool read_back(struct item *item)
{
    const struct delivery *d = &item->delivery;

    return floor_parse(d->floor, &item->orders.floor) &&
           ladder_parse(d->ladder, &item->orders.ladder) &&
           orders_parse(d->orders, &item->orders);
}

static void write_down(struct item *item, struct str rule, struct str why,
                       struct arena *arena)
{
    struct buf text = { 0 };

    item->delivery.floor = floor_name(item->orders.floor);
    ladder_write(item->orders.ladder, &text);
    item->delivery.ladder = str_keep(arena, buf_str(&text));
    buf_clear(&text);
    orders_write(&item->orders, &text);
    item->delivery.orders = str_keep(arena, buf_str(&text));
    buf_free(&text);
    item->delivery.rule = rule;
    item->delivery.decision_why = why;
    item->delivery.rung = 0;
}

/*
 * Notices, codes and notifications hold no content and must arrive, so any
 * path will do (they say nothing worth listening to; where they would prove
 * something to a listener the PIN stands against it). A word to the sender may
 * hold that PIN: never in clear.
 */
static void own_mail(const struct config *config, enum message_kind kind,
                     struct item *item, struct arena *arena)
{
    item->orders = (struct orders){
        .floor = kind == MESSAGE_TELL ? FLOOR_TLS : FLOOR_OPEN,
        .ladder = { { METHOD_TLS }, 1 },
        /* Where the far side's own policy forbids every way for now. */
        .switch_after_ms = config->delivery.give_up_after_ms,
    };
    write_down(item, STR("own mail"),
               kind == MESSAGE_TELL ? STR("word to a sender: never in clear")
                                    : STR("a notification of the gateway"),
               arena);
}

void decide_policy(const struct config *config, const struct message *m,
                   struct str header, struct str recipient, struct arena *arena,
                   struct decision *out)
{
    struct message_facts facts = {
        .from = m->from,
        .header = header,
        .size_bytes = m->size_bytes,
        .listener = m->listener,
        .user = m->user,
        .requiretls = m->requiretls,
    };

    policy_decide(config, &facts, recipient, arena, out);
}

bool decide(const struct config *config, const struct message *m,
            struct str header, struct arena *arena, struct item *item)
{
    struct decision d;

    item->decided = false;
    if (item->delivery.ladder.n > 0 || item->delivery.floor.n > 0)
        return read_back(item);
    item->decided = true;
    if (m->kind != MESSAGE_MAIL) {
        own_mail(config, m->kind, item, arena);
        return true;
    }
    decide_policy(config, m, header, item->delivery.recipient, arena, &d);
    item->orders = (struct orders){
        .floor = d.floor,
        .ladder = d.ladder,
        .switch_after_ms = d.switch_after_ms,
        .tell_sender = d.tell_sender,
        .clear_path_pin = d.clear_path_pin,
        .key_candidates = d.key_candidates,
        .strip_marker = d.strip_marker,
        .waived = d.tls_not_required,
    };
    item->sender_word = d.sender_lowered   ? SENDER_LOWERED
                        : d.sender_raised  ? SENDER_RAISED
                        : d.sender_ignored ? SENDER_IGNORED
                                           : SENDER_SILENT;
    write_down(item, d.rule, d.why, arena);
    return true;
}
