/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/settle.h"

#include "base/clock.h"
#include "base/panic.h"
#include "role/dispatch/deposit.h"
#include "role/dispatch/held.h"
#include "role/dispatch/notify.h"
#include "role/dispatch/report.h"
#include "store/audit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct settlement *settlement_new(struct dispatch *dispatch,
                                  struct parcel *parcel)
{
    struct settlement *s = calloc(1, sizeof(*s));

    if (s == NULL)
        panic("out of memory");
    s->dispatch = dispatch;
    s->parcel = parcel;
    s->n = parcel->n;
    s->entries = arena_array(&s->arena, s->n, sizeof(*s->entries));
    for (size_t i = 0; i < s->n; i++)
        s->entries[i].item = &parcel->items[i];
    return s;
}

static void settlement_free(struct settlement *s)
{
    struct load *load = s->parcel->load;

    held_remove(s->dispatch->held, s->parcel);
    load_drop(&load);
    arena_free(&s->arena);
    free(s);
}

/* --- the transaction ----------------------------------------------------- */

static struct status settle_entry(struct tx *tx, const struct settlement *s,
                                  const struct entry *entry)
{
    const struct delivery *d = &entry->item->delivery;
    const struct message *m = s->parcel->message;
    struct status st = status_ok();

    if (entry->item->decided)
        st = queue_decide(tx, d);
    if (status_is_ok(st) && entry->item->decided)
        st = audit_decided(tx, m, d);
    if (status_is_ok(st) && entry->item->decided &&
        entry->item->sender_word == SENDER_LOWERED)
        st = audit_floor_attested(tx, m, d);
    if (status_is_ok(st) && entry->deposit != NULL)
        st = deposit_store(tx, entry->deposit);
    if (status_is_ok(st))
        st = queue_settle(tx, d, entry->attempts, entry->attempts_n);
    for (size_t i = 0; status_is_ok(st) && i < entry->attempts_n; i++)
        st = audit_attempted(tx, d, &entry->attempts[i]);
    if (status_is_ok(st))
        st = audit_settled(tx, d, entry->status);
    return st;
}

static struct status settle_work(struct tx *tx, void *argument)
{
    struct settlement *s = argument;
    struct status st = status_ok();

    for (size_t i = 0; i < s->n && status_is_ok(st); i++)
        st = settle_entry(tx, s, &s->entries[i]);
    for (struct outgoing *o = s->outgoing; o != NULL && status_is_ok(st);
         o = o->next)
        st = outgoing_queue(tx, o);
    return st;
}

/* --- trying again -----------------------------------------------------------
 */

enum { TRIES_MAX = 120 };
static const uint8_t lease_lost[3] = { 4, 3, 5 };

/* Lists are of one dispatch, of which there is one a process. */
static pthread_mutex_t again_lock = PTHREAD_MUTEX_INITIALIZER;

static bool is_lost(struct status st)
{
    return st.enh[0] == lease_lost[0] && st.enh[1] == lease_lost[1] &&
           st.enh[2] == lease_lost[2];
}

/* In the committer thread: quick. */
static void settled(void *argument, struct status st)
{
    struct settlement *s = argument;
    struct dispatch *d = s->dispatch;

    if (!status_is_ok(st))
        report_settle_failed(s, st);
    if (!status_is_ok(st) && !is_lost(st) && s->tries < TRIES_MAX &&
        !store_is_broken(d->store)) {
        pthread_mutex_lock(&again_lock);
        s->next = d->unsettled;
        d->unsettled = s;
        pthread_mutex_unlock(&again_lock);
        return;
    }
    settlement_free(s);
}

static void hand_in(struct settlement *s)
{
    s->tries++;
    store_commit_async(s->dispatch->store, settle_work, s, settled);
}

void settle(struct settlement *s)
{
    notify_senders(s);
    for (size_t i = 0; i < s->n; i++)
        report_entry(s, &s->entries[i]);
    hand_in(s);
}

void settle_again(struct dispatch *d)
{
    pthread_mutex_lock(&again_lock);
    struct settlement *s = d->unsettled;
    d->unsettled = NULL;
    pthread_mutex_unlock(&again_lock);
    while (s != NULL) {
        struct settlement *next = s->next;

        hand_in(s);
        s = next;
    }
}
