/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/notify.h"

#include "base/clock.h"
#include "mail/dsn.h"
#include "role/dispatch/deposit.h"
#include "role/dispatch/notice.h"

#include <openssl/crypto.h>
#include <string.h>

static struct str domain_of(struct str address)
{
    size_t at = address.n;

    while (at > 0 && address.p[at - 1] != '@')
        at--;
    return str_from(address, at);
}

static struct str fresh_message_id(struct settlement *s)
{
    return arena_printf(&s->arena, "%s@%.*s", id_new().text,
                        STR_ARG(s->dispatch->config->hostname));
}

static struct str fresh_boundary(struct settlement *s)
{
    return arena_printf(&s->arena, "postseal-%s", id_new().text);
}

static void enqueue(struct settlement *s, enum message_kind kind, struct str to,
                    struct buf *text, const struct id *about)
{
    struct outgoing_text what = {
        .kind = kind,
        .from = STR(""),
        .to = to,
        .text = buf_str(text),
        .about = *about,
        .smtputf8 = s->parcel->message->smtputf8,
    };
    struct outgoing *o = outgoing_make(s->dispatch, &what, &s->arena);

    o->next = s->outgoing;
    s->outgoing = o;
    buf_wipe(text);
}

/* --- status notifications --------------------------------------------------
 */

static enum notice due(const struct settlement *s, const struct entry *entry)
{
    const struct message *m = s->parcel->message;
    const struct delivery *d = &entry->item->delivery;
    struct notice_facts facts = {
        .kind = m->kind,
        .null_sender = m->from.n == 0,
        .step = entry->step,
        .method = entry->method,
        .notify = d->notify,
        .far_dsn = entry->far_dsn,
        .delay_sent = d->delay_notice_sent,
        .age_ms = dispatch_now_ms() - m->received_wall_ms,
        .delay_after_ms = s->dispatch->config->delivery.delay_notice_after_ms,
    };

    return d->state == DELIVERY_HELD ? NOTICE_NONE : notice_due(&facts);
}

/* Protected mail keeps its subject to itself unless an administrator vouched
 * for the way to this sender (route ... { floor ... }). */
static bool hide_subject(const struct settlement *s, bool protected)
{
    const struct route_config *back =
        config_route(s->dispatch->config, domain_of(s->parcel->message->from));

    return protected && (back == NULL || !back->has_floor);
}

static struct dsn_recipient describe(const struct entry *entry)
{
    const struct attempt *last =
        entry->attempts_n > 0 ? &entry->attempts[entry->attempts_n - 1] : NULL;
    struct dsn_recipient r = {
        .recipient = entry->item->delivery.recipient,
        .orcpt = entry->item->delivery.orcpt,
        .status = entry->status,
    };

    /* A deferral that lasted to the end is a failure to the reader
     * (RFC 3463, 2: class 5; 4.7 "delivery time expired" by its own). */
    if (entry->step == STEP_EXPIRE || entry->step == STEP_FAIL)
        r.status.enh[0] = 5;
    if (entry->step == STEP_WAIT)
        r.status.enh[0] = 4;
    if (last != NULL) {
        r.remote = last->mx;
        r.reply = last->reply;
    }
    return r;
}

static const enum dsn_action actions[] = { [NOTICE_FAILED] = DSN_FAILED,
                                           [NOTICE_DELAYED] = DSN_DELAYED,
                                           [NOTICE_RELAYED] = DSN_RELAYED };

static void write_dsn(struct settlement *s, enum notice notice,
                      const struct dsn_recipient *list, size_t n,
                      bool protected, bool portal, const struct id *about)
{
    const struct config *config = s->dispatch->config;
    const struct message *m = s->parcel->message;
    struct buf text = { 0 };
    struct dsn dsn = {
        .action = portal ? DSN_DELIVERED : actions[notice],
        .hostname = config->hostname,
        .to = m->from,
        .message_id = fresh_message_id(s),
        .boundary = fresh_boundary(s),
        .envid = m->envid,
        .arrived_wall_ms = m->received_wall_ms,
        .now_wall_ms = clock_wall_ms(),
        .retry_until_wall_ms =
            m->received_wall_ms + config->delivery.give_up_after_ms,
        .recipients = list,
        .n = n,
        .header = s->header,
        .hide_subject = hide_subject(s, protected),
    };

    dsn_write(&dsn, &text);
    enqueue(s, MESSAGE_DSN, m->from, &text, about);
}

/* One notification for all recipients with the same fate. */
static void notify_fate(struct settlement *s, enum notice notice, bool portal)
{
    struct dsn_recipient *list = arena_array(&s->arena, s->n, sizeof(*list));
    const struct id *about = NULL;
    bool protected = false;
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++) {
        struct entry *entry = &s->entries[i];

        if (due(s, entry) != notice || (entry->deposit != NULL) != portal)
            continue;
        list[n++] = describe(entry);
        protected |= entry->item->orders.floor > FLOOR_OPEN;
        about = &entry->item->delivery.id;
    }
    if (n == 0)
        return;
    write_dsn(s, notice, list, n, protected, portal, about);
    for (size_t i = 0; i < s->n && notice == NOTICE_DELAYED; i++)
        if (due(s, &s->entries[i]) == NOTICE_DELAYED)
            s->entries[i].item->delivery.delay_notice_sent = true;
}

/* --- portal notices and words to the sender
 * ------------------------------------ */

static struct pickup_mail mail_about(struct settlement *s,
                                     const struct entry *entry, struct str to)
{
    const struct config *config = s->dispatch->config;
    struct pickup_mail mail = {
        .mail_from = config->portal.from.n > 0
                         ? config->portal.from
                         : arena_printf(&s->arena, "postmaster@%.*s",
                                        STR_ARG(config->hostname)),
        .to = to,
        .message_id = fresh_message_id(s),
        .boundary = fresh_boundary(s),
        .organisation = config->portal.organisation,
        .hostname = config->hostname,
        .sender = s->parcel->message->from,
        .recipient = entry->item->delivery.recipient,
        .method = method_name(entry->method),
        .why = entry->item->delivery.why,
        .now_wall_ms = clock_wall_ms(),
    };

    return mail;
}

static void notice_to_reader(struct settlement *s, struct entry *entry)
{
    const struct delivery *d = &entry->item->delivery;
    struct pickup_mail mail = mail_about(s, entry, d->recipient);
    struct buf text = { 0 };

    mail.link = arena_printf(&s->arena, "%.*s/p/%s",
                             STR_ARG(s->dispatch->config->portal.url),
                             entry->deposit->token);
    mail.expires_wall_ms = entry->deposit->pickup.expires_wall_ms;
    pickup_notice_write(&s->dispatch->templates, &mail, &text);
    enqueue(s, MESSAGE_NOTICE, d->recipient, &text, &d->id);
    OPENSSL_cleanse((void *)(uintptr_t)mail.link.p, mail.link.n);
    OPENSSL_cleanse(entry->deposit->token, sizeof(entry->deposit->token));
}

static bool wants_word(const struct settlement *s, const struct entry *entry)
{
    const struct message *m = s->parcel->message;

    if (m->from.n == 0 || m->kind != MESSAGE_MAIL || entry->step != STEP_DONE)
        return false;
    return (entry->deposit != NULL && entry->deposit->pin[0] != '\0') ||
           (entry->item->orders.tell_sender && entry->item->delivery.rung > 0);
}

static void word_to_sender(struct settlement *s, struct entry *entry)
{
    struct pickup_mail mail = mail_about(s, entry, s->parcel->message->from);
    struct buf text = { 0 };

    if (entry->deposit != NULL)
        mail.pin = str_from_cstr(entry->deposit->pin);
    pickup_tell_write(&s->dispatch->templates, &mail, &text);
    enqueue(s, MESSAGE_TELL, mail.to, &text, &entry->item->delivery.id);
    if (entry->deposit != NULL)
        OPENSSL_cleanse(entry->deposit->pin, sizeof(entry->deposit->pin));
}

/* --- a notice that does not arrive
 * ------------------------------------------------ */

static struct dsn_recipient describe_unreached(const struct entry *entry)
{
    struct dsn_recipient who = describe(entry);
    struct status said = status_make(
        550, "5.7.0",
        "it waits in the portal, but the notice of it is not accepted: %s",
        who.status.why);

    memcpy(who.status.why, said.why, sizeof(said.why));
    return who;
}

/* Nobody opens a pickup he never heard of: its sender must hear that the
 * recipient was not reached. */
static void notice_unreached(struct settlement *s, struct entry *entry,
                             enum dsn_action action)
{
    struct arena *arena = &s->arena;
    struct rx *rx = store_read(s->dispatch->store);
    struct message original;
    struct delivery *list;
    size_t n = 0;
    bool found = false;
    struct status st = queue_find(rx, s->parcel->message->parent, arena,
                                  &original, &list, &n, &found);

    store_read_done(s->dispatch->store, &rx);
    if (!status_is_ok(st) || !found || n == 0 || original.from.n == 0 ||
        original.kind != MESSAGE_MAIL)
        return;
    struct dsn_recipient who = describe_unreached(entry);
    struct buf text = { 0 };
    struct dsn dsn = {
        .action = action,
        .hostname = s->dispatch->config->hostname,
        .to = original.from,
        .message_id = fresh_message_id(s),
        .boundary = fresh_boundary(s),
        .envid = original.envid,
        .arrived_wall_ms = original.received_wall_ms,
        .now_wall_ms = clock_wall_ms(),
        .retry_until_wall_ms = s->parcel->message->received_wall_ms +
                               s->dispatch->config->delivery.give_up_after_ms,
        .recipients = &who,
        .n = 1,
        .hide_subject = true,
    };
    dsn_write(&dsn, &text);
    enqueue(s, MESSAGE_DSN, original.from, &text, &entry->item->delivery.id);
}

static void watch_notice(struct settlement *s, struct entry *entry)
{
    const struct message *m = s->parcel->message;
    struct delivery *d = &entry->item->delivery;
    int64_t age_ms = dispatch_now_ms() - m->received_wall_ms;
    bool late = age_ms >= s->dispatch->config->delivery.delay_notice_after_ms;

    if (m->kind != MESSAGE_NOTICE || d->state == DELIVERY_HELD)
        return;
    if (entry->step == STEP_FAIL || entry->step == STEP_EXPIRE) {
        notice_unreached(s, entry, DSN_FAILED);
    } else if (entry->step == STEP_WAIT && (entry->lasting || late) &&
               !d->delay_notice_sent) {
        notice_unreached(s, entry, DSN_DELAYED);
        d->delay_notice_sent = true;
    }
}

void notify_senders(struct settlement *s)
{
    notify_fate(s, NOTICE_FAILED, false);
    notify_fate(s, NOTICE_DELAYED, false);
    notify_fate(s, NOTICE_RELAYED, false);
    notify_fate(s, NOTICE_RELAYED, true);
    for (size_t i = 0; i < s->n; i++) {
        struct entry *entry = &s->entries[i];

        if (wants_word(s, entry))
            word_to_sender(s, entry);
        if (entry->deposit != NULL)
            notice_to_reader(s, entry);
        watch_notice(s, entry);
    }
}
