/* SPDX-License-Identifier: Apache-2.0 */
/* The story of a message has the fields that docs promise. */
#include "cli/records.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct mail {
    struct id id, deliveries[2];
    struct delivery leased;
};

static struct status accept_work(struct tx *tx, void *argument)
{
    struct mail *mail = argument;
    struct str frame = STR("sealed");
    struct message m = { .id = mail->id,
                         .received_wall_ms = 1700000000123,
                         .from = STR("a@clinic.example"),
                         .size_bytes = 4711,
                         .body_id = id_new(),
                         .body_key = STR("key"),
                         .body_chunks = 1 };
    struct delivery d[2];
    struct status st = queue_body_append(tx, &m.body_id, 0, &frame, 1);

    for (int i = 0; i < 2; i++)
        d[i] = (struct delivery){ .id = mail->deliveries[i],
                                  .message_id = mail->id,
                                  .recipient = STR("lee@dane.example"),
                                  .domain = STR("dane.example"),
                                  .next_wall_ms = i * INT64_C(1800000000000) };
    return status_is_ok(st) ? queue_accept(tx, &m, d, 2) : st;
}

static struct status deliver_work(struct tx *tx, void *argument)
{
    struct mail *mail = argument;
    struct lease_request request = { .now_wall_ms = 1700000001000,
                                     .lease_ms = 60000,
                                     .max = 1 };
    struct attempt a = { .at_wall_ms = 1700000001000,
                         .method = STR("tls"),
                         .mx = STR("mx1.dane.example"),
                         .tls_version = STR("TLSv1.3"),
                         .verified_by = STR("dane-ee"),
                         .reply = STR("250 2.0.0 Ok \033[31m"),
                         .result = STR("delivered") };
    struct arena arena = { 0 };
    struct leased *leased;
    struct delivery d;
    size_t n;
    struct status st = queue_lease(tx, &request, &arena, &leased, &n);

    (void)mail;
    assert_int_equal(n, 1);
    d = leased[0].delivery;
    a.delivery_id = d.id;
    d.state = DELIVERY_DELIVERED;
    d.floor = STR("verified");
    d.ladder = STR("tls portal");
    d.method = STR("tls");
    if (status_is_ok(st))
        st = queue_settle(tx, &d, &a, 1);
    arena_free(&arena);
    return st;
}

static const char *text(const json_t *value, const char *key)
{
    const char *found = json_string_value(json_object_get(value, key));

    return found == NULL ? "(none)" : found;
}

static void check_json(json_t *value, const struct mail *mail)
{
    const json_t *list = json_object_get(value, "recipients");
    const json_t *one = json_array_get(list, 0);
    const json_t *attempt = json_array_get(json_object_get(one, "attempts"), 0);
    const json_t *tls = json_object_get(attempt, "tls");

    assert_string_equal(text(value, "id"), mail->id.text);
    assert_string_equal(text(value, "received_at"), "2023-11-14T22:13:20.123Z");
    assert_int_equal(json_integer_value(json_object_get(value, "size")), 4711);
    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(text(one, "recipient"), "lee@dane.example");
    assert_string_equal(text(one, "floor"), "verified");
    assert_int_equal(json_array_size(json_object_get(one, "ladder")), 2);
    assert_string_equal(text(one, "state"), "delivered");
    assert_string_equal(text(one, "method"), "tls");
    assert_non_null(json_object_get(one, "why"));
    assert_non_null(json_object_get(one, "rule"));
    assert_string_equal(text(attempt, "mx"), "mx1.dane.example");
    assert_non_null(json_object_get(attempt, "address"));
    assert_string_equal(text(attempt, "result"), "delivered");
    assert_string_equal(text(tls, "version"), "TLSv1.3");
    assert_string_equal(text(tls, "verified_by"), "dane-ee");
    assert_non_null(json_object_get(tls, "cipher"));
    assert_non_null(json_object_get(tls, "group"));
    json_decref(value);
}

static json_t *load(struct store *store, struct str id)
{
    struct rx *rx = store_read(store);
    struct arena arena = { 0 };
    struct message message = { 0 };
    struct delivery *deliveries = NULL;
    json_t *value;
    bool found = false;
    size_t n = 0;

    assert_true(status_is_ok(
        queue_find(rx, id, &arena, &message, &deliveries, &n, &found)));
    assert_true(found);
    value = records_message(rx, &arena, &message, deliveries, n);
    store_read_done(store, &rx);
    arena_free(&arena);
    return value;
}

static void test_story(void **state)
{
    char dir[] = "/tmp/records_test.XXXXXX", path[64];
    static const char *const files[] = { "", "-wal", "-shm" };
    struct mail mail = { .id = id_new(), .deliveries = { id_new(), id_new() } };
    struct store *store = NULL;

    (void)state;
    /* Ids of one moment are in no order. */
    if (strcmp(mail.deliveries[0].text, mail.deliveries[1].text) > 0) {
        struct id first = mail.deliveries[1];

        mail.deliveries[1] = mail.deliveries[0];
        mail.deliveries[0] = first;
    }
    assert_non_null(mkdtemp(dir));
    assert_true(status_is_ok(store_create(dir)));
    assert_true(status_is_ok(store_open(dir, &store)));
    assert_true(status_is_ok(store_commit(store, accept_work, &mail)));
    assert_true(status_is_ok(store_commit(store, deliver_work, &mail)));
    check_json(load(store, id_str(&mail.id)), &mail);
    check_json(load(store, id_str(&mail.deliveries[1])), &mail);
    store_close(&store);
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/postseal.db%s", dir, files[i]);
        unlink(path);
    }
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_story) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
