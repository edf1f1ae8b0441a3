/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two answers policy gives for a recipient: how strong must it be (floor)
 * and which methods to try in which order (ladder).
 */
#ifndef POSTSEAL_POLICY_FLOOR_H
#define POSTSEAL_POLICY_FLOOR_H

#include "base/buf.h"

/* In rising strength: compare with <. */
enum floor {
    FLOOR_OPEN,     /* opportunistic TLS, clear allowed */
    FLOOR_TLS,      /* TLS 1.2+, approved suite, any certificate */
    FLOOR_VERIFIED, /* + the server authenticated */
    FLOOR_SEALED,   /* the message itself is encrypted */
};

enum method { METHOD_TLS, METHOD_PGP, METHOD_SMIME, METHOD_PORTAL };
enum { METHOD_COUNT = 4, LADDER_MAX = 4 };

struct ladder {
    enum method rung[LADDER_MAX];
    uint8_t n; /* 0: nothing may be sent */
};

struct str floor_name(enum floor floor);
bool floor_parse(struct str s, enum floor *out);
/* "tls", "pgp", "smime", "portal" */
struct str method_name(enum method method);
bool method_parse(struct str s, enum method *out);

/* The strongest floor a method can meet: tls at most verified. */
bool method_meets(enum method method, enum floor floor);
/* The ladder without the rungs that cannot meet the floor, order kept. */
struct ladder ladder_above(struct ladder ladder, enum floor floor);
/* "tls portal" and back; false for an unknown or doubled name. */
void ladder_write(struct ladder ladder, struct buf *out);
bool ladder_parse(struct str s, struct ladder *out);

#endif
