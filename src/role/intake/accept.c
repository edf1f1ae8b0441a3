/* SPDX-License-Identifier: Apache-2.0 */
#include "role/intake/accept.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "mail/header.h"
#include "mail/received.h"
#include "role/intake/access.h"
#include "store/audit.h"

enum { OWN_TRACES_MAX = 3 };

void accept_trace(const struct session *s, struct buf *out)
{
    struct tls_seen seen = { 0 };
    struct received_facts facts = {
        .helo = s->helo,
        .address = str_from_cstr(stream_peer(s->stream)),
        .by = s->in->config->hostname,
        .id = id_str(&s->tx.id),
        .esmtp = s->esmtp,
        .tls = stream_is_tls(s->stream),
        .auth = s->user.n > 0,
        .utf8 = s->tx.smtputf8,
        .wall_ms = clock_wall_ms(),
    };

    if (facts.tls) {
        tls_describe(s->stream, &seen);
        facts.tls_version = str_from_cstr(seen.version);
        facts.tls_cipher = str_from_cstr(seen.cipher);
    }
    /* Naming a recipient is for the only one; others must not learn. */
    if (s->tx.rcpts_n == 1)
        facts.for_rcpt = s->tx.rcpts[0].recipient;
    received_write(&facts, out);
}

/* Where senders are limited, the author people see is limited as well, and
 * the strictest reading counts: exactly one From field, every address in it
 * allowed (SI-16). */
static struct status check_author(const struct session *s, struct str header)
{
    const struct str *lists[2] = { s->listen->senders, s->user_senders };
    size_t sizes[2] = { s->listen->senders_n, s->user_senders_n };
    struct arena arena = { 0 };
    struct str *authors = NULL;
    size_t n = 0;
    struct status st = status_ok();

    if (sizes[0] + sizes[1] == 0)
        return st;
    if (!header_authors(header, &arena, &authors, &n) || n == 0) {
        st = status_make(550, "5.7.1", "Exactly one readable From is needed");
        goto done;
    }
    for (size_t list = 0; list < 2; list++)
        for (size_t i = 0; i < n && sizes[list] > 0; i++)
            if (!access_sender_allowed(authors[i], lists[list], sizes[list]))
                st = status_make(550, "5.7.1",
                                 "The author in From is not allowed here");
done:
    arena_free(&arena);
    return st;
}

static struct status check_loop(const struct session *s, struct str header)
{
    size_t all = 0, ours = 0;

    received_count(header, s->in->config->hostname, &all, &ours);
    if (all > s->in->config->limits.received_max)
        return status_make(554, "5.4.6", "Too many hops (%zu): mail loop", all);
    if (ours > OWN_TRACES_MAX)
        return status_make(554, "5.4.6",
                           "This message passed here %zu times: mail loop",
                           ours);
    return status_ok();
}

struct job {
    struct session *s;
    struct message message;
    struct delivery *deliveries;
};

static struct status write_job(struct tx *tx, void *argument)
{
    struct job *job = argument;
    struct status st = spool_append_rest(&job->s->tx.spool, tx);

    if (!status_is_ok(st))
        return st;
    return queue_accept(tx, &job->message, job->deliveries, job->s->tx.rcpts_n);
}

static struct str client_tls(struct session *s)
{
    struct tls_seen seen = { 0 };

    if (!stream_is_tls(s->stream))
        return (struct str){ "", 0 };
    tls_describe(s->stream, &seen);
    return arena_printf(&s->tx_arena, "%s %s", seen.version, seen.cipher);
}

static void fill_message(struct session *s, struct str body_key,
                         struct message *out)
{
    struct transaction *tx = &s->tx;

    *out = (struct message){
        .id = tx->id,
        .kind = MESSAGE_MAIL,
        .received_wall_ms = clock_wall_ms(),
        .from = tx->from,
        .size_bytes = tx->spool.size_bytes,
        .listener = s->listen->name,
        .user = s->user,
        .client_address = str_from_cstr(stream_peer(s->stream)),
        .client_helo = s->helo,
        .protocol = s->esmtp ? STR("ESMTP") : STR("SMTP"),
        .tls = client_tls(s),
        .ret = tx->ret,
        .envid = tx->envid,
        .smtputf8 = tx->smtputf8,
        .body_8bit = tx->body_8bit,
        .requiretls = tx->requiretls,
        .body_id = tx->spool.body_id,
        .body_key = body_key,
        .body_chunks = spool_frames(&tx->spool),
    };
}

static struct delivery *make_deliveries(struct session *s, int64_t now)
{
    struct transaction *tx = &s->tx;
    struct delivery *list =
        arena_array(&s->tx_arena, tx->rcpts_n, sizeof(*list));

    for (uint32_t i = 0; i < tx->rcpts_n; i++)
        list[i] = (struct delivery){
            .id = id_new(),
            .message_id = tx->id,
            .recipient = tx->rcpts[i].recipient,
            .domain = tx->rcpts[i].domain,
            .orcpt = tx->rcpts[i].orcpt,
            .notify = tx->rcpts[i].notify,
            .state = DELIVERY_QUEUED,
            .next_wall_ms = now,
        };
    return list;
}

static struct status keep(struct session *s)
{
    struct job job = { .s = s };
    struct buf key = { 0 };
    char context[64];
    struct status st;

    rest_wrap(s->in->dispatch_key, spool_context(&s->tx.spool, context),
              &s->tx.spool.key, &key);
    fill_message(s, buf_str(&key), &job.message);
    job.deliveries = make_deliveries(s, job.message.received_wall_ms);
    st = store_commit(s->in->store, write_job, &job);
    buf_free(&key);
    if (store_is_broken(s->in->store))
        role_ask_stop((struct role *)s->in->role);
    return st;
}

static void log_accepted(const struct session *s)
{
    log_event(LOG_INFO, "smtp.in.accepted", LOG_STR("session", id_str(&s->id)),
              LOG_STR("msg_id", id_str(&s->tx.id)),
              LOG_CSTR("peer", stream_peer(s->stream)),
              LOG_STR("user", s->user), LOG_STR("from", s->tx.from),
              LOG_INT("recipients", s->tx.rcpts_n),
              LOG_INT("size", s->tx.spool.size_bytes),
              LOG_BOOL("tls", stream_is_tls(s->stream)));
}

struct status accept_message(struct session *s)
{
    struct str header = buf_str(&s->tx.spool.header);
    struct status st = check_loop(s, header);

    if (status_is_ok(st))
        st = check_author(s, header);
    if (status_is_ok(st))
        st = keep(s);
    if (!status_is_ok(st)) {
        accept_refused(s, st);
        return st;
    }
    log_accepted(s);
    metric_add(METRIC_MESSAGES_ACCEPTED, 1);
    metric_add(METRIC_RECIPIENTS_ACCEPTED, s->tx.rcpts_n);
    return status_make(250, "2.0.0", "Ok: queued as %s", s->tx.id.text);
}

struct refusal {
    struct session *s;
    struct status why;
};

static struct status audit_refusal(struct tx *tx, void *argument)
{
    struct refusal *r = argument;

    return audit_message_refused(tx, &r->s->tx.id, r->s->tx.from,
                                 str_from_cstr(stream_peer(r->s->stream)),
                                 r->why);
}

void accept_refused(struct session *s, struct status why)
{
    struct refusal refusal = { s, why };

    log_event(LOG_NOTICE, "smtp.in.refused", LOG_STR("session", id_str(&s->id)),
              LOG_CSTR("peer", stream_peer(s->stream)),
              LOG_STR("from", s->tx.from), LOG_INT("code", why.smtp),
              LOG_CSTR("result", why.why));
    metric_add(why.smtp < 500 ? METRIC_MESSAGES_REFUSED_LATER
                              : METRIC_MESSAGES_REFUSED,
               1);
    /* The refusal stands whether or not it can be written down. */
    store_commit_soft(s->in->store, audit_refusal, &refusal);
}
