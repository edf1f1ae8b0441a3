/* SPDX-License-Identifier: Apache-2.0 */
#include "store/world_test.h"

#include "base/clock.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

void world_dir_remove(const char *dir)
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

void world_dir_make(char dir[64])
{
    strcpy(dir, "/tmp/store_test.XXXXXX");
    assert_non_null(mkdtemp(dir));
    assert_true(status_is_ok(store_create(dir)));
}

int world_set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    world_dir_make(w->dir);
    assert_true(status_is_ok(store_open(w->dir, &w->store)));
    *state = w;
    return 0;
}

int world_tear_down(void **state)
{
    struct world *w = *state;

    store_close(&w->store);
    arena_free(&w->arena);
    world_dir_remove(w->dir);
    free(w);
    return 0;
}

struct mail world_mail(size_t recipients)
{
    struct mail m = { .id = id_new(),
                      .body_id = id_new(),
                      .recipients = recipients };

    for (size_t i = 0; i < recipients; i++)
        m.deliveries[i] = id_new();
    return m;
}

struct status world_accept_work(struct tx *tx, void *argument)
{
    struct mail *mail = argument;
    struct str frame = STR("sealed octets");
    struct message m = { .id = mail->id,
                         .received_wall_ms = clock_wall_ms(),
                         .from = STR("a@clinic.example"),
                         .size_bytes = 13,
                         .body_id = mail->body_id,
                         .body_key = STR("wrapped-key-canary"),
                         .body_chunks = 1 };
    struct delivery d[4];
    struct status st = queue_body_append(tx, &mail->body_id, 0, &frame, 1);

    for (size_t i = 0; i < mail->recipients; i++)
        d[i] = (struct delivery){ .id = mail->deliveries[i],
                                  .message_id = mail->id,
                                  .recipient = STR("r@x.example"),
                                  .domain = STR("x.example"),
                                  .next_wall_ms = m.received_wall_ms };
    if (status_is_ok(st))
        st = queue_accept(tx, &m, d, mail->recipients);
    return status_is_ok(st) && mail->fail ? status_defer("on purpose") : st;
}

void world_accept(struct world *w, struct mail *mail)
{
    assert_true(status_is_ok(store_commit(w->store, world_accept_work, mail)));
}

struct status world_lease_work(struct tx *tx, void *argument)
{
    struct lease *l = argument;

    return queue_lease(tx, &l->request, l->arena, &l->got, &l->n);
}

struct lease world_lease(struct world *w, int64_t now, int64_t lease_ms)
{
    struct lease l = {
        .request = { .now_wall_ms = now, .lease_ms = lease_ms, .max = 100 },
        .arena = &w->arena
    };

    assert_true(
        status_is_ok(store_commit_soft(w->store, world_lease_work, &l)));
    return l;
}

static struct status settle_work(struct tx *tx, void *argument)
{
    struct delivery *d = argument;
    struct attempt a = { .delivery_id = d->id,
                         .at_wall_ms = clock_wall_ms(),
                         .method = STR("tls"),
                         .reply = STR("250 2.0.0 Ok"),
                         .result = STR("delivered") };

    return queue_settle(tx, d, &a, 1);
}

struct status world_settle(struct world *w, struct delivery d,
                           enum delivery_state state)
{
    d.state = state;
    return store_commit(w->store, settle_work, &d);
}
