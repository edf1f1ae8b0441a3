/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts for SMTP AUTH. Passwords are only here as verifiers
 * (seal/password.h): nothing in the store logs in anywhere.
 */
#ifndef POSTSEAL_STORE_USER_H
#define POSTSEAL_STORE_USER_H

#include "store/store.h"

struct user {
    struct str name;           /* compared octet by octet */
    struct str argon2;         /* PHC string */
    struct str scram;          /* SCRAM-SHA-256$..., "" without --scram */
    const struct str *senders; /* patterns; none: as the listener allows */
    size_t senders_n;
    int64_t created_wall_ms;
};

/* A new account; refused when the name is taken. */
struct status user_add(struct tx *tx, const struct user *user);
/* found false when there is none of this name. */
struct status user_get(struct rx *rx, struct str name, struct arena *arena,
                       struct user *out, bool *found);
/* All, by name. */
struct status user_list(struct rx *rx, struct arena *arena, struct user **out,
                        size_t *n);
struct status user_remove(struct tx *tx, struct str name, bool *found);

#endif
