/* SPDX-License-Identifier: Apache-2.0 */
/* What an id typed by a person names, for the modules of this folder only. */
#ifndef POSTSEAL_STORE_FIND_H
#define POSTSEAL_STORE_FIND_H

#include "base/id.h"
#include "store/driver.h"

enum found_kind { FOUND_MESSAGE, FOUND_DELIVERY, FOUND_PICKUP };

struct found {
    size_t things;        /* that the id fits: 0, 1, or 2 for more */
    enum found_kind kind; /* of the first one */
    struct id id, message_id;
    struct id delivery_id; /* of a delivery or pickup, else empty */
    bool one_message;      /* all things belong to message_id */
};

/*
 * Things named by an id or by the beginning of one: messages, deliveries and
 * pickups. An empty id, or one with other signs than ids have, names nothing.
 */
struct status find_by_id(struct db *db, struct str id, struct found *out);
/* The same for an act: more than one thing is refused, none is 0 things. */
struct status find_one(struct db *db, struct str id, struct found *out);

#endif
