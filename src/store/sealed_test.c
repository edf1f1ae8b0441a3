/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a sealed copy: the clear body goes when every open delivery has
 * one (CM-14), and the copy with its delivery, however that ends. */
#include "store/sealed.h"

#include "base/clock.h"
#include "store/driver.h"
#include "store/world_test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct making {
    const struct delivery *delivery;
    struct sealed_copy copy;
    int64_t fence;
};

static struct status make_work(struct tx *tx, void *argument)
{
    struct making *m = argument;
    struct str frames[2] = { STR("locked"), STR("octets") };
    struct status st = queue_body_append(tx, &m->copy.body_id, 0, frames, 2);

    return status_is_ok(st)
               ? sealed_store(tx, &m->copy, &m->delivery->message_id, m->fence)
               : st;
}

static struct status make_copy(struct world *w, const struct delivery *d,
                               int64_t fence)
{
    struct making m = { .delivery = d,
                        .fence = fence,
                        .copy = { .delivery_id = d->id,
                                  .method = STR("pgp"),
                                  .key = STR("abcd"),
                                  .body_id = id_new(),
                                  .body_key = STR("wrapped"),
                                  .body_chunks = 2,
                                  .size_bytes = 12,
                                  .made_wall_ms = 1 } };

    return store_commit(w->store, make_work, &m);
}

static int64_t number(struct world *w, const char *sql)
{
    struct db *db = NULL;

    assert_true(status_is_ok(db_open(w->dir, DB_READ, &db)));
    struct stmt *s = db_sql(db, sql);
    int64_t n = stmt_row(s) ? col_int(s) : -1;
    assert_true(status_is_ok(stmt_end(s)));
    db_close(&db);
    return n;
}

/* Two recipients leased; the mail and their deliveries. */
static struct lease two(struct world *w, struct mail *mail)
{
    *mail = world_mail(2);
    world_accept(w, mail);
    struct lease l = world_lease(w, clock_wall_ms() + 1, 60000);
    assert_int_equal(l.n, 2);
    return l;
}

static bool is_clear_gone(struct world *w)
{
    return number(w, "SELECT count(*) FROM message WHERE body_id = ''"
                     " AND length(body_key) = 0 AND body_chunks = 0") == 1;
}

static int64_t frames(struct world *w)
{
    return number(w, "SELECT count(*) FROM frame");
}

static void test_CM_14_clear_goes_with_the_last_copy(void **state)
{
    struct world *w = *state;
    struct mail mail;
    struct lease l = two(w, &mail);
    struct sealed_copy copy;
    bool found;

    assert_true(status_is_ok(
        make_copy(w, &l.got[0].delivery, l.got[0].delivery.fence)));
    assert_false(is_clear_gone(w));
    assert_int_equal(frames(w), 3);
    assert_true(status_is_ok(
        make_copy(w, &l.got[1].delivery, l.got[1].delivery.fence)));
    assert_true(is_clear_gone(w));
    assert_int_equal(frames(w), 4);
    struct rx *rx = store_read(w->store);
    assert_true(status_is_ok(
        sealed_get(rx, &l.got[0].delivery.id, &w->arena, &copy, &found)));
    store_read_done(w->store, &rx);
    assert_true(found && copy.body_chunks == 2 && copy.size_bytes == 12);
    assert_true(str_eq(copy.body_key, STR("wrapped")));
}

/* The other recipient was done before: nobody needs the clear body. */
static void test_CM_14_final_deliveries_need_no_copy(void **state)
{
    struct world *w = *state;
    struct mail mail;
    struct lease l = two(w, &mail);

    assert_true(
        status_is_ok(world_settle(w, l.got[0].delivery, DELIVERY_DELIVERED)));
    assert_false(is_clear_gone(w));
    assert_true(status_is_ok(
        make_copy(w, &l.got[1].delivery, l.got[1].delivery.fence)));
    assert_true(is_clear_gone(w));
}

static void test_QD_08_an_old_fence_stores_no_copy(void **state)
{
    struct world *w = *state;
    struct mail mail;
    struct lease l = two(w, &mail);

    struct status st =
        make_copy(w, &l.got[0].delivery, l.got[0].delivery.fence - 1);
    assert_false(status_is_ok(st));
    assert_int_equal(frames(w), 1);
    assert_int_equal(number(w, "SELECT count(*) FROM sealed"), 0);
}

static struct status delete_work(struct tx *tx, void *argument)
{
    struct mail *mail = argument;
    size_t changed;

    return queue_act(tx, id_str(&mail->id), QUEUE_DELETE, STR("me"), &changed);
}

static void test_copies_go_with_their_delivery(void **state)
{
    struct world *w = *state;
    struct mail mail;
    struct lease l = two(w, &mail);

    for (size_t i = 0; i < 2; i++)
        assert_true(status_is_ok(
            make_copy(w, &l.got[i].delivery, l.got[i].delivery.fence)));
    assert_true(
        status_is_ok(world_settle(w, l.got[0].delivery, DELIVERY_DELIVERED)));
    assert_int_equal(frames(w), 2);
    assert_true(status_is_ok(store_commit(w->store, delete_work, &mail)));
    assert_int_equal(frames(w), 0);
    assert_int_equal(number(w, "SELECT count(*) FROM sealed"), 0);
}

#define WITH_WORLD(test)                                                       \
    cmocka_unit_test_setup_teardown(test, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_CM_14_clear_goes_with_the_last_copy),
        WITH_WORLD(test_CM_14_final_deliveries_need_no_copy),
        WITH_WORLD(test_QD_08_an_old_fence_stores_no_copy),
        WITH_WORLD(test_copies_go_with_their_delivery),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
