/* SPDX-License-Identifier: Apache-2.0 */
/* What the store promises when the disk does not (cases QD-02 to QD-05). */
#include "base/clock.h"
#include "store/driver.h"
#include "store/queue.h"
#include "store/vfs_fault.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { MAILS = 4, STEPS_MAX = 2000 };

struct mail {
    struct id id, body_id, delivery_id;
    bool later; /* not due for a day */
};

/* --- one message's way -----------------------------------------------------
 */

static struct status accept_work(struct tx *tx, void *argument)
{
    const struct mail *mail = argument;
    static const char frame[3000] = "sealed octets";
    struct str frames = str_of(frame, sizeof(frame));
    struct message m = { .id = mail->id,
                         .received_wall_ms = clock_wall_ms(),
                         .from = STR("a@clinic.example"),
                         .body_id = mail->body_id,
                         .body_key = STR("wrapped key"),
                         .body_chunks = 1 };
    struct delivery d = { .id = mail->delivery_id,
                          .message_id = mail->id,
                          .recipient = STR("r@x.example"),
                          .domain = STR("x.example"),
                          .next_wall_ms =
                              m.received_wall_ms + mail->later * 86400000 };
    struct status st = queue_body_append(tx, &mail->body_id, 0, &frames, 1);

    return status_is_ok(st) ? queue_accept(tx, &m, &d, 1) : st;
}

struct lease {
    struct arena arena;
    struct leased *got;
    size_t n;
};

static struct status lease_work(struct tx *tx, void *argument)
{
    struct lease *l = argument;
    struct lease_request request = { .now_wall_ms = clock_wall_ms() + 10,
                                     .lease_ms = 60000,
                                     .max = 1 };

    return queue_lease(tx, &request, &l->arena, &l->got, &l->n);
}

static struct status settle_work(struct tx *tx, void *argument)
{
    struct delivery d = *(struct delivery *)argument;
    struct attempt a = { .delivery_id = d.id,
                         .at_wall_ms = clock_wall_ms(),
                         .reply = STR("250 2.0.0 Ok"),
                         .result = STR("delivered") };

    d.state = DELIVERY_DELIVERED;
    return queue_settle(tx, &d, &a, 1);
}

static struct mail new_mail(void)
{
    return (struct mail){ .id = id_new(),
                          .body_id = id_new(),
                          .delivery_id = id_new() };
}

/* Leases and settles whatever is due; the status of the settlement. */
static struct status settle_one(struct store *store)
{
    struct lease l = { 0 };
    struct status st = store_commit_soft(store, lease_work, &l);

    if (status_is_ok(st) && l.n == 1)
        st = store_commit(store, settle_work, &l.got[0].delivery);
    arena_free(&l.arena);
    return st;
}

static void checkpoint(const char *dir)
{
    struct db *db = NULL;

    if (status_is_ok(db_open(dir, DB_WRITE, &db)))
        db_checkpoint(db, DB_CHECKPOINT_EMPTY);
    db_close(&db);
}

/* --- looking -----------------------------------------------------------------
 */

enum seen { SEEN_NOTHING, SEEN_WHOLE, SEEN_SETTLED, SEEN_HALF };

static enum seen look(struct store *store, const struct mail *mail)
{
    struct rx *rx = store_read(store);
    struct arena arena = { 0 };
    struct message m;
    struct delivery *d;
    struct str frame;
    enum seen seen = SEEN_NOTHING;
    size_t n;
    bool found = false;
    struct status st =
        queue_find(rx, id_str(&mail->id), &arena, &m, &d, &n, &found);

    if (!status_is_ok(st))
        seen = SEEN_HALF;
    else if (found && n == 1 && d[0].state == DELIVERY_DELIVERED)
        seen = SEEN_SETTLED;
    else if (found)
        seen = n == 1 && m.body_key.n > 0 &&
                       status_is_ok(queue_body_frame(rx, &m.body_id, 0, &arena,
                                                     &frame)) &&
                       frame.n == 3000
                   ? SEEN_WHOLE
                   : SEEN_HALF;
    store_read_done(store, &rx);
    arena_free(&arena);
    return seen;
}

static bool is_sound(const char *dir)
{
    struct db *db = NULL;
    struct arena arena = { 0 };
    struct stmt *s;
    bool sound;

    if (!status_is_ok(db_open(dir, DB_WRITE, &db)))
        return false;
    s = db_sql(db, "PRAGMA integrity_check");
    sound = stmt_row(s) && str_eq(col_text(s, &arena), STR("ok"));
    stmt_end(s);
    db_close(&db);
    arena_free(&arena);
    return sound;
}

/* --- a directory
 * --------------------------------------------------------------- */

static void remove_dir(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *entry;
    char path[512];

    while (d != NULL && (entry = readdir(d)) != NULL) {
        snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
        unlink(path);
    }
    closedir(d);
    rmdir(dir);
}

static void make_dir(char dir[64])
{
    fault_set((struct fault_plan){ 0 });
    strcpy(dir, "/tmp/store_fault.XXXXXX");
    assert_non_null(mkdtemp(dir));
    assert_true(status_is_ok(store_create(dir)));
}

static struct store *open_dir(const char *dir)
{
    struct store *store = NULL;

    assert_true(status_is_ok(store_open(dir, &store)));
    return store;
}

/* --- power cuts
 * ---------------------------------------------------------------- */

/* The mails' ways, told to the parent as they are acknowledged: 'a' and 's'
 * with the number of the mail. */
static _Noreturn void child(const char *dir, struct mail *mails, int out)
{
    struct store *store = NULL;

    if (!status_is_ok(store_open(dir, &store)))
        _exit(1);
    for (char i = 0; i < MAILS; i++) {
        const char accepted[2] = { 'a', i }, settled[2] = { 's', i };

        if (!status_is_ok(store_commit(store, accept_work, &mails[(int)i])) ||
            write(out, accepted, 2) != 2)
            _exit(2);
        if (!mails[(int)i].later &&
            (!status_is_ok(settle_one(store)) || write(out, settled, 2) != 2))
            _exit(3);
        if (i == 1)
            checkpoint(dir);
    }
    store_close(&store);
    _exit(0);
}

struct outcome {
    bool cut; /* the power went before the end */
    int lost, half, acked;
};

static void account(const char *dir, const struct mail *mails, int in,
                    struct outcome *out)
{
    bool acked[MAILS] = { false }, settled[MAILS] = { false };
    struct store *store = NULL;
    char word[2];

    while (read(in, word, 2) == 2)
        *(word[0] == 'a' ? &acked[(int)word[1]] : &settled[(int)word[1]]) =
            true;
    if (!is_sound(dir) || !status_is_ok(store_open(dir, &store))) {
        out->half++;
        return;
    }
    for (int i = 0; i < MAILS; i++) {
        enum seen seen = look(store, &mails[i]);

        out->acked += acked[i];
        out->half += seen == SEEN_HALF;
        out->lost += (acked[i] && seen == SEEN_NOTHING) ||
                     (settled[i] && seen != SEEN_SETTLED);
    }
    /* And it goes on. */
    if (!status_is_ok(
            store_commit(store, accept_work, &(struct mail[]){ new_mail() })))
        out->half++;
    store_close(&store);
}

static struct outcome run_with_cut(struct fault_plan plan)
{
    struct mail mails[MAILS];
    struct outcome out = { 0 };
    int fds[2], code;
    char dir[64];
    pid_t pid;

    make_dir(dir);
    fault_all_synced(dir);
    for (int i = 0; i < MAILS; i++) {
        mails[i] = new_mail();
        mails[i].later = i % 2 != 0;
    }
    assert_int_equal(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        plan.keep_synced = true;
        fault_set(plan);
        child(dir, mails, fds[1]);
    }
    close(fds[1]);
    waitpid(pid, &code, 0);
    assert_true(WIFEXITED(code));
    assert_true(WEXITSTATUS(code) == 0 || WEXITSTATUS(code) == 9);
    out.cut = WEXITSTATUS(code) == 9;
    fault_power_cut(dir);
    account(dir, mails, fds[0], &out);
    close(fds[0]);
    remove_dir(dir);
    return out;
}

/* QD-02: cut before every write and sync; only what was synced is left. */
static void test_QD_02_power_cut_at_every_step(void **state)
{
    int acked = 0;

    (void)state;
    for (int at = 1; at < STEPS_MAX; at++) {
        struct outcome o =
            run_with_cut((struct fault_plan){ .power_cut_at = at });

        if (o.lost > 0 || o.half > 0)
            fail_msg("cut at step %d: %d lost, %d half", at, o.lost, o.half);
        acked += o.acked;
        if (!o.cut)
            break;
    }
    assert_true(acked > MAILS);
}

static bool is_caught(struct fault_plan plan)
{
    for (int at = 1; at < STEPS_MAX; at++) {
        struct outcome o;

        plan.power_cut_at = at;
        o = run_with_cut(plan);
        if (o.lost > 0 || o.half > 0)
            return true;
        if (!o.cut)
            return false;
    }
    return false;
}

/* QD-03: with a sync left out, the test above fails. */
static void test_QD_03_the_test_bites(void **state)
{
    (void)state;
    assert_true(is_caught((struct fault_plan){ .skip_log_syncs = true }));
    assert_true(is_caught((struct fault_plan){ .skip_db_syncs = true }));
}

/* --- a full disk
 * ----------------------------------------------------------------- */

static void check_full(struct status st)
{
    assert_int_equal(st.kind, STATUS_DEFER);
    assert_int_equal(st.smtp, 452);
    assert_int_equal(st.enh[0], 4);
    assert_int_equal(st.enh[1], 3);
    assert_int_equal(st.enh[2], 1);
}

/* One round; true when no write was left to fail. */
static bool fill_at(int at, bool stays)
{
    struct mail mail = new_mail();
    char dir[64];
    struct store *store;
    struct status accepted, settled = status_ok();
    bool over;

    make_dir(dir);
    store = open_dir(dir);
    fault_set((struct fault_plan){ .full_at = at, .stays_full = stays });
    accepted = store_commit(store, accept_work, &mail);
    if (status_is_ok(accepted))
        settled = settle_one(store);
    over = fault_count().writes < at;
    if (!status_is_ok(accepted))
        check_full(accepted);
    if (!status_is_ok(settled))
        check_full(settled);
    assert_true(over || !status_is_ok(accepted) || !status_is_ok(settled));
    assert_false(store_is_broken(store));
    fault_set((struct fault_plan){ 0 }); /* space again */
    assert_int_equal(look(store, &mail), !status_is_ok(accepted) ? SEEN_NOTHING
                                         : over                  ? SEEN_SETTLED
                                                                 : SEEN_WHOLE);
    if (!status_is_ok(accepted))
        assert_true(status_is_ok(store_commit(store, accept_work, &mail)));
    assert_true(look(store, &mail) >= SEEN_WHOLE);
    store_close(&store);
    assert_true(is_sound(dir));
    remove_dir(dir);
    return over;
}

/* QD-04: 452, nothing acknowledged that is not stored, and it goes on by
 * itself when there is space. */
static void test_QD_04_disk_full_at_every_write(void **state)
{
    int at = 1;

    (void)state;
    while (!fill_at(at, false) && !fill_at(at, true))
        at++;
    assert_true(at > 10);
}

/* --- syncs that fail
 * ---------------------------------------------------------------- */

/* QD-05: not acknowledged, never believed again, all well after opening
 * anew. What the failed sync was about may be there then, but whole. */
static void test_QD_05_sync_fails(void **state)
{
    struct mail before = new_mail(), mail = new_mail(), after = new_mail();
    char dir[64];
    struct store *store;
    struct status st;

    (void)state;
    make_dir(dir);
    store = open_dir(dir);
    assert_true(status_is_ok(store_commit(store, accept_work, &before)));
    fault_set((struct fault_plan){ .sync_fails_at = 1 });
    st = store_commit(store, accept_work, &mail);
    assert_int_equal(st.smtp, 451);
    assert_true(store_is_broken(store));
    /* the disk works again, but what it says is not believed */
    st = store_commit(store, accept_work, &after);
    assert_int_equal(st.smtp, 451);
    assert_int_equal(store_commit_soft(store, accept_work, &after).smtp, 451);
    store_close(&store);
    store = open_dir(dir);
    assert_false(store_is_broken(store));
    assert_int_equal(look(store, &before), SEEN_WHOLE);
    assert_int_not_equal(look(store, &mail), SEEN_HALF);
    assert_int_equal(look(store, &after), SEEN_NOTHING);
    assert_true(status_is_ok(store_commit(store, accept_work, &after)));
    store_close(&store);
    assert_true(is_sound(dir));
    remove_dir(dir);
}

/* --- how often is synced
 * --------------------------------------------------------- */

static void test_only_durable_commits_sync(void **state)
{
    struct mail mail = new_mail();
    struct lease l = { 0 };
    char dir[64];
    struct store *store;

    (void)state;
    make_dir(dir);
    store = open_dir(dir);
    store_commit(store, accept_work, &(struct mail[]){ new_mail() });
    fault_set((struct fault_plan){ 0 });
    assert_true(status_is_ok(store_commit(store, accept_work, &mail)));
    assert_int_equal(fault_count().syncs, 1);
    fault_set((struct fault_plan){ 0 });
    assert_true(status_is_ok(store_commit_soft(store, lease_work, &l)));
    assert_int_equal(l.n, 1);
    assert_int_equal(fault_count().syncs, 0);
    arena_free(&l.arena);
    store_close(&store);
    remove_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_durable_commits_sync),
        cmocka_unit_test(test_QD_02_power_cut_at_every_step),
        cmocka_unit_test(test_QD_03_the_test_bites),
        cmocka_unit_test(test_QD_04_disk_full_at_every_write),
        cmocka_unit_test(test_QD_05_sync_fails),
    };

    fault_register();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
