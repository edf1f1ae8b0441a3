/* SPDX-License-Identifier: Apache-2.0 */
/* The promises of the queue, the audit log and the pickups. */
#include "base/clock.h"
#include "store/audit.h"
#include "store/driver.h"
#include "store/pickup_access.h"
#include "store/queue.h"
#include "store/user.h"
#include "store/watch.h"
#include "store/world_test.h"

#include <ctype.h>
#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* --- the queue ------------------------------------------------------------ */

static void test_accept_lease_settle(void **state)
{
    struct world *w = *state;
    struct mail mail = world_mail(2);
    struct message m;
    struct delivery *d;
    struct attempt *a;
    struct rx *rx;
    struct lease l;
    size_t n;
    bool found;

    world_accept(w, &mail);
    l = world_lease(w, clock_wall_ms() + 10, 1000);
    assert_int_equal(l.n, 2);
    assert_ptr_equal(l.got[0].message, l.got[1].message);
    assert_true(str_eq(l.got[0].first_frame, STR("sealed octets")));
    assert_false(l.got[0].was_leased);
    assert_int_equal(world_lease(w, clock_wall_ms() + 10, 1000).n, 0);

    assert_true(
        status_is_ok(world_settle(w, l.got[0].delivery, DELIVERY_DELIVERED)));
    rx = store_read(w->store);
    assert_true(status_is_ok(
        queue_find(rx, id_str(&mail.id), &w->arena, &m, &d, &n, &found)));
    assert_true(found && n == 2);
    assert_true(m.body_key.n > 0); /* one recipient still needs it */
    store_read_done(w->store, &rx);

    assert_true(
        status_is_ok(world_settle(w, l.got[1].delivery, DELIVERY_DELIVERED)));
    rx = store_read(w->store);
    /* by the id of a delivery, and by a prefix */
    assert_true(
        status_is_ok(queue_find(rx, str_first(id_str(&mail.deliveries[0]), 20),
                                &w->arena, &m, &d, &n, &found)));
    assert_true(found && str_eq(id_str(&m.id), id_str(&mail.id)));
    assert_int_equal(m.body_key.n, 0);
    assert_int_equal(m.body_id.text[0], '\0');
    assert_true(status_is_ok(
        queue_attempts(rx, &mail.deliveries[0], &w->arena, &a, &n)));
    assert_int_equal(n, 1);
    assert_true(str_eq(a[0].reply, STR("250 2.0.0 Ok")));
    store_read_done(w->store, &rx);
}

/* QD-08: a lease that ran out belongs to the next holder alone. */
static void test_QD_08_old_fence_cannot_settle(void **state)
{
    struct world *w = *state;
    struct mail mail = world_mail(1);
    struct lease first, second;

    world_accept(w, &mail);
    int64_t now = clock_wall_ms() + 1;
    first = world_lease(w, now, 1000);
    assert_int_equal(world_lease(w, now + 999, 1000).n, 0);
    second = world_lease(w, now + 1000, 1000);
    assert_int_equal(second.n, 1);
    assert_true(second.got[0].was_leased);
    assert_false(status_is_ok(
        world_settle(w, first.got[0].delivery, DELIVERY_DELIVERED)));
    assert_true(status_is_ok(
        world_settle(w, second.got[0].delivery, DELIVERY_DELIVERED)));
    assert_false(
        status_is_ok(world_settle(w, second.got[0].delivery, DELIVERY_QUEUED)));
}

enum { NODES = 4, SHARED_MAILS = 300 };

/* Leases a few, sometimes for too short a time, and reports each settlement
 * that was acknowledged. */
static _Noreturn void node(const char *dir, int out, unsigned seed)
{
    struct world w = { 0 };
    int idle = 0;

    if (!status_is_ok(store_open(dir, &w.store)))
        _exit(1);
    while (idle < 40) {
        struct lease l = { .request = { .now_wall_ms = clock_wall_ms(),
                                        .lease_ms =
                                            rand_r(&seed) % 3 ? 5000 : 1,
                                        .max = 7 },
                           .arena = &w.arena };

        if (!status_is_ok(store_commit_soft(w.store, world_lease_work, &l)))
            _exit(2);
        idle = l.n == 0 ? idle + 1 : 0;
        usleep(l.n == 0 ? 5000 : 2000); /* a lease of 1 ms has ended */
        for (size_t i = 0; i < l.n; i++)
            if (status_is_ok(
                    world_settle(&w, l.got[i].delivery, DELIVERY_DELIVERED)) &&
                write(out, l.got[i].delivery.id.text, ID_TEXT) != ID_TEXT)
                _exit(3);
        arena_reset(&w.arena);
    }
    store_close(&w.store);
    _exit(0);
}

/* QD-08: several processes on one queue, leases that end too early: every
 * delivery is settled once. */
static void test_QD_08_every_delivery_is_settled_once(void **state)
{
    struct world *w = *state;
    struct queue_counts counts;
    struct rx *rx;
    char id[ID_TEXT];
    pid_t pids[NODES];
    size_t settled = 0;
    int fds[2], code;

    for (int i = 0; i < SHARED_MAILS; i++) {
        struct mail mail = world_mail(1);

        world_accept(w, &mail);
    }
    store_close(&w->store); /* no threads when forking */
    assert_int_equal(pipe(fds), 0);
    for (unsigned i = 0; i < NODES; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            node(w->dir, fds[1], i + 1);
    }
    close(fds[1]);
    while (read(fds[0], id, ID_TEXT) == ID_TEXT)
        settled++;
    close(fds[0]);
    for (int i = 0; i < NODES; i++) {
        waitpid(pids[i], &code, 0);
        assert_int_equal(code, 0);
    }
    assert_int_equal(settled, SHARED_MAILS);
    assert_true(status_is_ok(store_open(w->dir, &w->store)));
    rx = store_read(w->store);
    assert_true(status_is_ok(queue_count(rx, &counts)));
    assert_int_equal(counts.delivered, SHARED_MAILS);
    assert_int_equal(counts.queued, 0);
    store_read_done(w->store, &rx);
}

/* A work that fails leaves no trace and does not harm the others. */
static void test_failed_work_alone_is_rolled_back(void **state)
{
    struct world *w = *state;
    struct mail bad = world_mail(1), good = world_mail(1);
    struct queue_counts counts;
    struct rx *rx;

    bad.fail = true;
    assert_false(status_is_ok(store_commit(w->store, world_accept_work, &bad)));
    world_accept(w, &good);
    rx = store_read(w->store);
    assert_true(status_is_ok(queue_count(rx, &counts)));
    assert_int_equal(counts.queued, 1);
    store_read_done(w->store, &rx);
}

struct many {
    struct world *w;
    int failed;
};

static void *accept_many(void *argument)
{
    struct many *many = argument;

    for (int i = 0; i < 50; i++) {
        struct mail mail = world_mail(1);

        mail.fail = i % 10 == 9;
        if (status_is_ok(store_commit(many->w->store, world_accept_work,
                                      &mail)) == mail.fail)
            many->failed++;
    }
    return NULL;
}

static void test_group_commit_of_many_threads(void **state)
{
    struct world *w = *state;
    struct many many[8];
    pthread_t threads[8];
    struct queue_counts counts;
    struct rx *rx;

    for (int i = 0; i < 8; i++) {
        many[i] = (struct many){ w, 0 };
        pthread_create(&threads[i], NULL, accept_many, &many[i]);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(many[i].failed, 0);
    }
    rx = store_read(w->store);
    assert_true(status_is_ok(queue_count(rx, &counts)));
    assert_int_equal(counts.queued, 8 * 45);
    store_read_done(w->store, &rx);
}

static void test_busy_domains_are_left_out(void **state)
{
    struct world *w = *state;
    struct mail mail = world_mail(1);
    struct str busy[] = { STR("other.example"), STR("x.example") };
    struct lease l = { .request = { .now_wall_ms = clock_wall_ms() + 1000,
                                    .lease_ms = 1000,
                                    .max = 10,
                                    .busy_domains = busy,
                                    .busy_domains_n = 2 },
                       .arena = &w->arena };

    world_accept(w, &mail);
    assert_true(
        status_is_ok(store_commit_soft(w->store, world_lease_work, &l)));
    assert_int_equal(l.n, 0);
    /* a domain that only ends alike is another one */
    busy[1] = STR("xx.example");
    assert_true(
        status_is_ok(store_commit_soft(w->store, world_lease_work, &l)));
    assert_int_equal(l.n, 1);
}

/* What was passed over is found when its domain is free again, and what came
 * meanwhile at once. */
static void test_busy_domains_are_remembered(void **state)
{
    struct world *w = *state;
    struct mail mail = world_mail(1), later = world_mail(1);
    struct str busy[] = { STR("x.example") };
    struct lease_memory memory = { 0 };
    int64_t now = clock_wall_ms() + 60000;
    struct lease l = { .request = { .now_wall_ms = now,
                                    .lease_ms = 1000,
                                    .max = 10,
                                    .busy_domains = busy,
                                    .busy_domains_n = 1,
                                    .memory = &memory },
                       .arena = &w->arena };

    world_accept(w, &mail);
    assert_true(
        status_is_ok(store_commit_soft(w->store, world_lease_work, &l)));
    assert_int_equal(l.n, 0);
    assert_true(memory.passed_wall_ms > clock_wall_ms());
    world_accept(w, &later);
    /* more of them busy: still nothing, and nothing was walked */
    l.request.busy_domains_n = 1;
    assert_true(
        status_is_ok(store_commit_soft(w->store, world_lease_work, &l)));
    assert_int_equal(l.n, 0);
    l.request.busy_domains_n = 0;
    assert_true(
        status_is_ok(store_commit_soft(w->store, world_lease_work, &l)));
    assert_int_equal(l.n, 2);
    /* leased until later: due then, whatever was remembered */
    l.request.now_wall_ms = now + 1000;
    assert_true(
        status_is_ok(store_commit_soft(w->store, world_lease_work, &l)));
    assert_int_equal(l.n, 2);
    lease_memory_free(&memory);
}

static struct status append_work(struct tx *tx, void *argument)
{
    struct str frame = STR("orphan");

    return queue_body_append(tx, argument, 0, &frame, 1);
}

struct sweep {
    int64_t now;
    size_t removed;
};

static struct status sweep_work(struct tx *tx, void *argument)
{
    struct sweep *s = argument;

    return queue_sweep(tx, s->now, 60000, 0, &s->removed);
}

/* QD-11: a body whose transaction was given up goes after the grace time, one
 * that has an owner stays. */
static void test_QD_11_orphans(void **state)
{
    struct world *w = *state;
    struct id orphan = id_new();
    struct mail mail = world_mail(1);
    struct sweep s = { clock_wall_ms(), 0 };
    struct str frame;
    struct rx *rx;

    assert_true(status_is_ok(store_commit(w->store, append_work, &orphan)));
    world_accept(w, &mail);
    assert_true(status_is_ok(store_commit(w->store, sweep_work, &s)));
    assert_int_equal(s.removed, 0);
    s.now += 61000;
    assert_true(status_is_ok(store_commit(w->store, sweep_work, &s)));
    assert_true(s.removed > 0);
    rx = store_read(w->store);
    assert_false(
        status_is_ok(queue_body_frame(rx, &orphan, 0, &w->arena, &frame)));
    assert_true(status_is_ok(
        queue_body_frame(rx, &mail.body_id, 0, &w->arena, &frame)));
    store_read_done(w->store, &rx);
}

struct act {
    struct str id;
    enum queue_action action;
    size_t changed;
};

static struct status act_work(struct tx *tx, void *argument)
{
    struct act *a = argument;

    return queue_act(tx, a->id, a->action, STR("root"), &a->changed);
}

static struct status deposit_work(struct tx *tx, void *argument)
{
    struct leased *l = argument;
    struct delivery d = l->delivery;
    struct str frame = STR("for the portal");
    struct pickup p = { .id = id_new(),
                        .delivery_id = d.id,
                        .recipient = d.recipient,
                        .from = STR("a@clinic.example"),
                        .body_id = id_new(),
                        .body_key = STR("key"),
                        .body_chunks = 1,
                        .expires_wall_ms = INT64_MAX };
    struct status st = queue_body_append(tx, &p.body_id, 0, &frame, 1);

    d.state = DELIVERY_DEPOSITED;
    d.pickup_id = p.id;
    if (status_is_ok(st))
        st = pickup_create(tx, &p);
    return status_is_ok(st) ? queue_settle(tx, &d, NULL, 0) : st;
}

struct recall {
    struct str id;
    size_t changed;
};

static struct status recall_work(struct tx *tx, void *argument)
{
    struct recall *r = argument;

    return pickup_recall(tx, r->id, STR("root"), &r->changed);
}

static struct status sweep_all_work(struct tx *tx, void *argument)
{
    struct sweep *s = argument;

    return queue_sweep(tx, s->now, 1000, 1000, &s->removed);
}

static bool sweep_and_find(struct world *w, const struct mail *mail)
{
    struct sweep s = { clock_wall_ms() + 60000, 0 };
    struct message m;
    struct delivery *d;
    struct rx *rx;
    size_t n;
    bool found;

    assert_true(status_is_ok(store_commit(w->store, sweep_all_work, &s)));
    rx = store_read(w->store);
    assert_true(status_is_ok(
        queue_find(rx, id_str(&mail->id), &w->arena, &m, &d, &n, &found)));
    store_read_done(w->store, &rx);
    return found;
}

/* Past keep-records nothing is left that names anybody, but what waits in the
 * portal keeps its records. */
static void test_records_go_after_their_time(void **state)
{
    struct world *w = *state;
    struct mail mail = world_mail(2);
    struct recall r = { .id = id_str(&mail.id) };
    struct audit_row *rows;
    struct pickup *pickups;
    struct pickup_filter all = { .limit = 10 };
    struct lease l;
    struct rx *rx;
    size_t n;

    world_accept(w, &mail);
    l = world_lease(w, clock_wall_ms() + 10, 60000);
    assert_int_equal(l.n, 2);
    assert_true(sweep_and_find(w, &mail)); /* not final yet */
    assert_true(
        status_is_ok(world_settle(w, l.got[0].delivery, DELIVERY_DELIVERED)));
    assert_true(status_is_ok(store_commit(w->store, deposit_work, &l.got[1])));
    assert_true(sweep_and_find(w, &mail)); /* waits in the portal */
    assert_true(status_is_ok(store_commit(w->store, recall_work, &r)));
    assert_int_equal(r.changed, 1);
    assert_false(sweep_and_find(w, &mail));
    rx = store_read(w->store);
    assert_true(status_is_ok(pickup_list(rx, &all, &w->arena, &pickups, &n)));
    assert_int_equal(n, 0);
    assert_true(status_is_ok(audit_list(rx, 0, 100, &w->arena, &rows, &n)));
    assert_true(n >= 2);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(rows[i].entry.n, 0);
        assert_true(rows[i].kind.n > 0);
    }
    store_read_done(w->store, &rx);
}

static void test_counts_and_lists(void **state)
{
    struct world *w = *state;
    struct queue_filter filter = { .limit = 10 };
    struct queue_counts counts;
    struct queue_row *rows;
    struct rx *rx;
    struct lease l;
    size_t n;

    for (int i = 0; i < 3; i++) {
        struct mail mail = world_mail(1);

        world_accept(w, &mail);
    }
    l = world_lease(w, clock_wall_ms() + 10, 60000);
    assert_int_equal(l.n, 3);
    assert_true(
        status_is_ok(world_settle(w, l.got[0].delivery, DELIVERY_DELIVERED)));
    {
        struct act a = { id_str(&l.got[1].delivery.id), QUEUE_HOLD, 0 };

        assert_true(status_is_ok(store_commit(w->store, act_work, &a)));
    }
    rx = store_read(w->store);
    assert_true(status_is_ok(queue_count(rx, &counts)));
    assert_int_equal(counts.queued, 1);
    assert_int_equal(counts.leased, 1);
    assert_int_equal(counts.held, 1);
    assert_int_equal(counts.delivered, 1);
    assert_true(counts.oldest_queued_wall_ms > 0);
    assert_true(status_is_ok(queue_list(rx, &filter, &w->arena, &rows, &n)));
    assert_int_equal(n, 2);
    assert_true(str_cmp(id_str(&rows[0].delivery.id),
                        id_str(&rows[1].delivery.id)) < 0);
    filter.state = STR("held");
    assert_true(status_is_ok(queue_list(rx, &filter, &w->arena, &rows, &n)));
    assert_int_equal(n, 1);
    filter.state = STR("all");
    assert_true(status_is_ok(queue_list(rx, &filter, &w->arena, &rows, &n)));
    assert_int_equal(n, 3);
    store_read_done(w->store, &rx);
}

static bool is_on_disk(const char *dir, struct str what)
{
    static const char *const names[] = { "postseal.db", "postseal.db-wal" };
    bool found = false;

    for (int i = 0; i < 2; i++) {
        char path[512];
        FILE *f;
        char *all;
        size_t n;

        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        f = fopen(path, "re");
        assert_non_null(f);
        fseek(f, 0, SEEK_END);
        n = (size_t)ftell(f);
        rewind(f);
        all = malloc(n + 1);
        assert_non_null(all);
        /* shorter when it is emptied this very moment */
        n = fread(all, 1, n, f);
        found |= memmem(all, n, what.p, what.n) != NULL;
        free(all);
        fclose(f);
    }
    return found;
}

static void deliver_all(struct world *w)
{
    struct lease l;

    do {
        l = world_lease(w, clock_wall_ms() + 10, 60000);
        for (size_t i = 0; i < l.n; i++)
            assert_true(status_is_ok(
                world_settle(w, l.got[i].delivery, DELIVERY_DELIVERED)));
    } while (l.n > 0);
}

static bool leaves_the_disk(const char *dir, struct str what)
{
    for (int i = 0; i < 300; i++) {
        if (!is_on_disk(dir, what))
            return true;
        usleep(100000);
    }
    return false;
}

/* CR-05: when all recipients are final and the store had a quiet moment, no
 * wrapped key is left in its files, not even where pages were split. */
static void test_CR_05_keys_leave_the_disk(void **state)
{
    struct world *w = *state;

    for (int i = 0; i < 300; i++) {
        struct mail mail = world_mail(1);

        world_accept(w, &mail);
    }
    assert_true(is_on_disk(w->dir, STR("wrapped-key-canary")));
    deliver_all(w);
    assert_true(leaves_the_disk(w->dir, STR("wrapped-key-canary")));
}

/* Somebody who reads while the store is quiet only delays it. */
static void test_CR_05_keys_leave_after_a_long_read(void **state)
{
    struct world *w = *state;
    struct mail mail = world_mail(1);
    struct db *reader = NULL;
    struct stmt *s;

    world_accept(w, &mail);
    assert_true(status_is_ok(db_open(w->dir, DB_READ, &reader)));
    s = db_sql(reader, "SELECT id FROM delivery");
    assert_true(stmt_row(s));
    deliver_all(w);
    usleep(1500000); /* the quiet moment comes and goes */
    assert_true(is_on_disk(w->dir, STR("wrapped-key-canary")));
    stmt_end(s);
    db_close(&reader);
    assert_true(leaves_the_disk(w->dir, STR("wrapped-key-canary")));
}

/* --- steering ---------------------------------------------------------------
 */

static size_t act(struct world *w, struct str id, enum queue_action action)
{
    struct act a = { id, action, 0 };

    assert_true(status_is_ok(store_commit(w->store, act_work, &a)));
    return a.changed;
}

static void test_hold_release_delete(void **state)
{
    struct world *w = *state;
    struct mail mail = world_mail(2);
    struct lease l;

    world_accept(w, &mail);
    l = world_lease(w, clock_wall_ms() + 10, 1000);
    assert_int_equal(act(w, id_str(&l.got[0].delivery.id), QUEUE_HOLD), 1);
    /* whoever had it leased can settle it no more */
    assert_false(
        status_is_ok(world_settle(w, l.got[0].delivery, DELIVERY_DELIVERED)));
    assert_int_equal(world_lease(w, clock_wall_ms() + 2000, 1000).n, 1);
    assert_int_equal(act(w, id_str(&mail.id), QUEUE_RELEASE), 1);
    assert_int_equal(act(w, id_str(&mail.id), QUEUE_DELETE), 2);
    assert_int_equal(act(w, id_str(&mail.id), QUEUE_DELETE), 0);
    assert_int_equal(act(w, STR("01arz3ndektsv4rrffq69g5fav"), QUEUE_HOLD), 0);
}

/* An id may be typed in part and in capitals, but never acts on what was not
 * meant. */
static void test_ids_by_their_beginning(void **state)
{
    struct world *w = *state;
    struct mail mail = world_mail(2), other = world_mail(1);
    struct act a = { .action = QUEUE_HOLD };
    char capitals[ID_TEXT + 1] = "";

    for (size_t i = 0; i < ID_TEXT; i++)
        capitals[i] = (char)toupper(mail.deliveries[1].text[i]);
    world_accept(w, &mail);
    world_accept(w, &other);
    a.id = str_first(id_str(&mail.id), 4); /* the time: all begin so */
    assert_false(status_is_ok(store_commit(w->store, act_work, &a)));
    a.id = STR("");
    assert_true(status_is_ok(store_commit(w->store, act_work, &a)));
    assert_int_equal(a.changed, 0);
    assert_int_equal(act(w, STR("%"), QUEUE_HOLD), 0);
    assert_int_equal(act(w, STR("~"), QUEUE_HOLD), 0);
    assert_int_equal(
        act(w, str_first(id_str(&mail.deliveries[0]), 25), QUEUE_HOLD), 1);
    assert_int_equal(act(w, str_from_cstr(capitals), QUEUE_HOLD), 1);
    assert_int_equal(act(w, str_first(id_str(&mail.id), 25), QUEUE_RELEASE), 2);
    assert_int_equal(act(w, id_str(&other.id), QUEUE_RELEASE), 0);
}

/* What is being tried is not made due beside that. */
static void test_retry_leaves_leased_alone(void **state)
{
    struct world *w = *state;
    struct mail mail = world_mail(1);
    struct lease l;

    world_accept(w, &mail);
    l = world_lease(w, clock_wall_ms() + 1, 60000);
    assert_int_equal(l.n, 1);
    assert_int_equal(act(w, id_str(&mail.id), QUEUE_RETRY), 0);
    assert_true(
        status_is_ok(world_settle(w, l.got[0].delivery, DELIVERY_QUEUED)));
    assert_int_equal(act(w, id_str(&mail.id), QUEUE_RETRY), 1);
}

/* --- audit
 * -------------------------------------------------------------------- */

static struct status attest_work(struct tx *tx, void *argument)
{
    struct mail *mail = argument;
    struct message m = { .id = mail->id,
                         .from = STR("a\"@clinic.example"),
                         .user = STR("ann") };
    struct delivery d = { .id = mail->deliveries[0], .floor = STR("open") };

    return audit_floor_attested(tx, &m, &d);
}

/* AU: keys in order, no blanks, empty ones left out, quotes escaped. */
static void test_audit_entry_is_canonical(void **state)
{
    struct world *w = *state;
    struct mail mail = world_mail(1);
    struct audit_row *rows;
    struct rx *rx;
    char want[300];
    size_t n;

    assert_true(status_is_ok(store_commit(w->store, attest_work, &mail)));
    rx = store_read(w->store);
    assert_true(status_is_ok(audit_list(rx, 0, 10, &w->arena, &rows, &n)));
    store_read_done(w->store, &rx);
    assert_int_equal(n, 1);
    snprintf(want, sizeof(want),
             "{\"delivery\":\"%s\",\"floor\":\"open\",\"from\":"
             "\"a\\\"@clinic.example\",\"message\":\"%s\",\"user\":\"ann\"}",
             mail.deliveries[0].text, mail.id.text);
    assert_true(str_eq(rows[0].entry, str_from_cstr(want)));
    assert_true(str_eq(rows[0].kind, STR("floor.attested")));
}

static void test_audit_has_every_fact_in_order(void **state)
{
    struct world *w = *state;
    struct mail mail = world_mail(1), refused = world_mail(1);
    struct audit_row *rows;
    struct rx *rx;
    size_t n;

    world_accept(w, &mail);
    refused.fail = true;
    store_commit(w->store, world_accept_work, &refused);
    act(w, id_str(&mail.id), QUEUE_DELETE);
    rx = store_read(w->store);
    assert_true(status_is_ok(audit_list(rx, 0, 100, &w->arena, &rows, &n)));
    store_read_done(w->store, &rx);
    assert_int_equal(n, 2); /* the failed work left none */
    assert_true(str_eq(rows[0].kind, STR("message.accepted")));
    assert_true(str_eq(rows[1].kind, STR("admin.acted")));
    assert_int_equal(rows[1].seq, 2);
}

/* --- accounts ---------------------------------------------------------------
 */

static struct status add_user(struct tx *tx, void *argument)
{
    return user_add(tx, argument);
}

static void test_accounts(void **state)
{
    struct world *w = *state;
    struct str senders[] = { STR("*@clinic.example"), STR("x@y.example") };
    struct user u = { .name = STR("app"),
                      .argon2 = STR("$argon2id$..."),
                      .senders = senders,
                      .senders_n = 2 };
    struct user got;
    struct rx *rx;
    bool found;

    assert_true(status_is_ok(store_commit(w->store, add_user, &u)));
    assert_false(status_is_ok(store_commit(w->store, add_user, &u)));
    rx = store_read(w->store);
    assert_true(
        status_is_ok(user_get(rx, STR("app"), &w->arena, &got, &found)));
    assert_true(found && got.senders_n == 2);
    assert_true(str_eq(got.senders[1], STR("x@y.example")));
    user_get(rx, STR("APP"), &w->arena, &got, &found);
    assert_false(found);
    store_read_done(w->store, &rx);
}

/* --- pickups
 * ------------------------------------------------------------------ */

struct
try {
    struct id pickup;
    unsigned char code[32], browser[32];
    int64_t now;
    enum code_fate fate;
};

static struct status put_work(struct tx *tx, void *argument)
{
    struct try *t = argument;
    struct one_time_code code = { .pickup_id = t->pickup,
                                  .created_wall_ms = t->now,
                                  .expires_wall_ms = t->now + 900000 };

    memcpy(code.code_hash, t->code, 32);
    memcpy(code.browser_hash, t->browser, 32);
    return code_put(tx, &code);
}

static struct status try_work(struct tx *tx, void *argument)
{
    struct try *t = argument;

    return code_try(tx, &t->pickup, t->code, t->browser, t->now, &t->fate);
}

static enum code_fate try_code(struct world *w, struct try t)
{
    assert_true(status_is_ok(store_commit(w->store, try_work, &t)));
    return t.fate;
}

/* PO-03: five tries, one use, one browser, fifteen minutes. */
static void test_PO_03_codes(void **state)
{
    struct world *w = *state;
    struct try right = { .pickup = id_new(),
                         .code = { 1 },
                         .browser = { 2 },
                         .now = clock_wall_ms() };
    struct try wrong = right, other = right, late = right;

    wrong.code[0] = 9;
    other.browser[0] = 9;
    late.now += 900000;
    assert_int_equal(try_code(w, right), CODE_NONE);
    store_commit(w->store, put_work, &right);
    assert_int_equal(try_code(w, other), CODE_OTHER_BROWSER);
    assert_int_equal(try_code(w, late), CODE_TOO_OLD);
    assert_int_equal(try_code(w, wrong), CODE_WRONG);
    assert_int_equal(try_code(w, right), CODE_RIGHT);
    assert_int_equal(try_code(w, right), CODE_NONE);
    store_commit(w->store, put_work, &right);
    for (int i = 0; i < CODE_TRIES_MAX; i++)
        assert_int_equal(try_code(w, wrong), CODE_WRONG);
    assert_int_equal(try_code(w, right), CODE_TOO_MANY);
    /* Somebody else who asks takes nothing away. */
    store_commit(w->store, put_work, &other);
    assert_int_equal(try_code(w, right), CODE_TOO_MANY);
    store_commit(w->store, put_work, &right); /* a fresh one always helps */
    store_commit(w->store, put_work, &other);
    assert_int_equal(try_code(w, right), CODE_RIGHT);
}

struct hit {
    int64_t now;
    bool allowed;
};

static struct status hit_work(struct tx *tx, void *argument)
{
    struct hit *h = argument;

    return counter_hit(tx, STR("codes:1"), 3, 1000, h->now, &h->allowed);
}

static bool hit(struct world *w, int64_t now)
{
    struct hit h = { now, false };

    assert_true(status_is_ok(store_commit(w->store, hit_work, &h)));
    return h.allowed;
}

static void test_counters_have_a_window(void **state)
{
    struct world *w = *state;

    for (int i = 0; i < 3; i++)
        assert_true(hit(w, 5000));
    assert_false(hit(w, 5000));
    assert_false(hit(w, 5999));
    assert_true(hit(w, 6000));
}

/* --- crashes
 * -------------------------------------------------------------------- */

enum { ROUNDS = 8, PER_ROUND_MS = 60 };

/* Accepts mail for ever and writes each id after it was acknowledged. */
static _Noreturn void child(const char *dir, int out)
{
    struct store *store = NULL;

    if (!status_is_ok(store_open(dir, &store)))
        _exit(1);
    for (;;) {
        struct mail mail = world_mail(1);

        if (!status_is_ok(store_commit(store, world_accept_work, &mail)))
            _exit(2);
        if (write(out, mail.id.text, ID_TEXT) != ID_TEXT)
            _exit(3);
    }
}

/* QD-01: whatever was acknowledged is there after kill -9. */
static void test_QD_01_killed_children_lose_nothing(void **state)
{
    struct world *w = *state;
    size_t acked = 0;

    store_close(&w->store);
    for (int round = 0; round < ROUNDS; round++) {
        int pipe_fds[2];
        char id[ID_TEXT];
        struct rx *rx;
        pid_t pid;

        assert_int_equal(pipe(pipe_fds), 0);
        pid = fork();
        if (pid == 0)
            child(w->dir, pipe_fds[1]);
        close(pipe_fds[1]);
        usleep(PER_ROUND_MS * 1000 + (unsigned)(rand() % 20000));
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        assert_true(status_is_ok(store_open(w->dir, &w->store)));
        rx = store_read(w->store);
        while (read(pipe_fds[0], id, ID_TEXT) == ID_TEXT) {
            struct message m;
            struct delivery *d;
            size_t n;
            bool found;

            queue_find(rx, str_of(id, ID_TEXT), &w->arena, &m, &d, &n, &found);
            assert_true(found && n == 1);
            acked++;
        }
        store_read_done(w->store, &rx);
        close(pipe_fds[0]);
        if (round < ROUNDS - 1)
            store_close(&w->store);
    }
    assert_true(acked > ROUNDS);
}

/* --- watched domains ------------------------------------------------------
 */

static struct status save_watch(struct tx *tx, void *argument)
{
    return watch_save(tx, STR("a.example"), argument);
}

static void assert_watch(struct world *w, const char *domain,
                         const char *answer, int64_t at_ms)
{
    struct rx *rx = store_read(w->store);
    struct watch_row row = { 0 };
    bool found;

    assert_true(status_is_ok(
        watch_load(rx, str_from_cstr(domain), &w->arena, &row, &found)));
    store_read_done(w->store, &rx);
    assert_int_equal(found, answer != NULL);
    if (answer != NULL)
        assert_true(str_eq(row.answer, str_from_cstr(answer)));
    assert_true(row.checked_wall_ms == at_ms);
}

static void test_watched_domains_are_kept(void **state)
{
    struct world *w = *state;
    struct watch_row first = { STR("verified yes"), 1000 };
    struct watch_row second = { STR("verified no"), 2000 };

    assert_watch(w, "a.example", NULL, 0);
    assert_true(status_is_ok(store_commit(w->store, save_watch, &first)));
    assert_watch(w, "a.example", "verified yes", 1000);
    assert_true(status_is_ok(store_commit(w->store, save_watch, &second)));
    assert_watch(w, "a.example", "verified no", 2000);
    assert_watch(w, "b.example", NULL, 0);
}

/* A store of the version before is brought up to date once, whoever comes
 * first; one of a version to come is left alone. */
static void set_version(const char *dir, const char *sql)
{
    struct db *db = NULL;

    assert_true(status_is_ok(db_open(dir, DB_WRITE, &db)));
    assert_true(status_is_ok(db_script(db, sql)));
    db_close(&db);
}

static void test_older_store_is_brought_up_to_date(void **state)
{
    struct world *w = *state;
    struct watch_row row = { STR("x"), 1 };
    struct try code = { .pickup = id_new(), .now = clock_wall_ms() };

    store_close(&w->store);
    set_version(w->dir,
                "DROP TABLE watch; DROP TABLE code; DROP TABLE sealed;"
                "DROP TABLE keyring; DROP TABLE keyring_event;"
                "DROP TABLE keyring_look;"
                "CREATE TABLE code (pickup_id TEXT PRIMARY KEY,"
                " code_hash BYTEA NOT NULL, browser_hash BYTEA NOT NULL,"
                " created_ms BIGINT NOT NULL, expires_ms BIGINT NOT NULL,"
                " tries BIGINT NOT NULL);"
                "UPDATE meta SET value = 2 WHERE name = 'schema';");
    for (int i = 0; i < 2; i++) {
        assert_true(status_is_ok(store_open(w->dir, &w->store)));
        assert_true(status_is_ok(store_commit(w->store, save_watch, &row)));
        store_close(&w->store);
    }
    assert_true(status_is_ok(store_open(w->dir, &w->store)));
    assert_true(status_is_ok(store_commit(w->store, put_work, &code)));
    store_close(&w->store);
    set_version(w->dir, "UPDATE meta SET value = 5 WHERE name = 'schema';");
    assert_false(status_is_ok(store_open(w->dir, &w->store)));
    set_version(w->dir, "UPDATE meta SET value = 4 WHERE name = 'schema';");
    assert_true(status_is_ok(store_open(w->dir, &w->store)));
}

#define WITH_WORLD(test)                                                       \
    cmocka_unit_test_setup_teardown(test, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_accept_lease_settle),
        WITH_WORLD(test_QD_08_old_fence_cannot_settle),
        WITH_WORLD(test_QD_08_every_delivery_is_settled_once),
        WITH_WORLD(test_failed_work_alone_is_rolled_back),
        WITH_WORLD(test_group_commit_of_many_threads),
        WITH_WORLD(test_busy_domains_are_left_out),
        WITH_WORLD(test_busy_domains_are_remembered),
        WITH_WORLD(test_QD_11_orphans),
        WITH_WORLD(test_CR_05_keys_leave_the_disk),
        WITH_WORLD(test_CR_05_keys_leave_after_a_long_read),
        WITH_WORLD(test_records_go_after_their_time),
        WITH_WORLD(test_counts_and_lists),
        WITH_WORLD(test_hold_release_delete),
        WITH_WORLD(test_ids_by_their_beginning),
        WITH_WORLD(test_retry_leaves_leased_alone),
        WITH_WORLD(test_audit_entry_is_canonical),
        WITH_WORLD(test_audit_has_every_fact_in_order),
        WITH_WORLD(test_accounts),
        WITH_WORLD(test_watched_domains_are_kept),
        WITH_WORLD(test_older_store_is_brought_up_to_date),
        WITH_WORLD(test_PO_03_codes),
        WITH_WORLD(test_counters_have_a_window),
        WITH_WORLD(test_QD_01_killed_children_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
