/* SPDX-License-Identifier: Apache-2.0 */
/* A store in a folder of its own, and one message on its way through it: what
 * the tests of this folder begin with. */
#ifndef POSTSEAL_STORE_WORLD_TEST_H
#define POSTSEAL_STORE_WORLD_TEST_H

#include "store/queue.h"

struct world {
    char dir[64];
    struct store *store;
    struct arena arena;
};

void world_dir_make(char dir[64]);
void world_dir_remove(const char *dir);
/* Of cmocka: *state is the struct world. */
int world_set_up(void **state);
int world_tear_down(void **state);

struct mail {
    struct id id, body_id;
    size_t recipients;
    struct id deliveries[4];
    bool fail;
};

/* The works below, for tests that commit them by themselves; arguments are a
 * struct mail and a struct lease. */
struct status world_accept_work(struct tx *tx, void *argument);
struct status world_lease_work(struct tx *tx, void *argument);

/* Ids for a message to so many, and the message accepted with a body. */
struct mail world_mail(size_t recipients);
void world_accept(struct world *w, struct mail *mail);

struct lease {
    struct lease_request request;
    struct arena *arena;
    struct leased *got;
    size_t n;
};

/* All that is due now. */
struct lease world_lease(struct world *w, int64_t now, int64_t lease_ms);
/* With one attempt. */
struct status world_settle(struct world *w, struct delivery delivery,
                           enum delivery_state state);

#endif
