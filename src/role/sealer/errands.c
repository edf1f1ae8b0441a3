/* SPDX-License-Identifier: Apache-2.0 */
#include "role/sealer/errands.h"

#include "role/sealer/look.h"
#include "role/sealer/own.h"
#include "role/sealer/sealing.h"
#include "role/sealer/wire.h"
#include "seal/pgp.h"

enum { KEYS_IN_MAX = 4 * KEY_BYTES_MAX };

static struct status read_keys(const struct reader_tools *tools,
                               const struct errand *e, struct wire *wire,
                               struct arena *arena, struct errand_answer *a)
{
    struct buf in = { 0 };
    struct status st;

    if (!wire_read_all(wire, KEYS_IN_MAX, &in))
        st = status_refuse("more than %d octets of keys", KEYS_IN_MAX);
    else if (e->method == KEY_PGP)
        st = pgp_read_keys(buf_str(&in), e->now_wall_ms, arena, &a->keys,
                           &a->keys_n);
    else
        st = smime_read_certificates(buf_str(&in), tools->trust, e->now_wall_ms,
                                     arena, &a->keys, &a->keys_n);
    buf_wipe(&in);
    return st;
}

static struct status own_key(const struct reader_tools *tools,
                             const struct errand *e, struct wire *wire,
                             struct arena *arena, struct errand_answer *a)
{
    struct buf in = { 0 }, secret = { 0 };
    struct key_facts *facts = ARENA_NEW(arena, struct key_facts);
    struct status st;

    if (!wire_read_all(wire, KEYS_IN_MAX, &in))
        st = status_refuse("more than %d octets of keys", KEYS_IN_MAX);
    else if (e->method == KEY_PGP)
        st = pgp_own_key(buf_str(&in), e->passphrase, e->now_wall_ms, arena,
                         facts, &secret);
    else
        st = smime_own_key(buf_str(&in), e->passphrase, e->now_wall_ms, arena,
                           facts, &secret);
    if (status_is_ok(st))
        st = own_key_wrap(tools, facts->fingerprint, buf_str(&secret), arena,
                          &a->own_private);
    a->keys = facts;
    a->keys_n = status_is_ok(st) ? 1 : 0;
    buf_wipe(&secret);
    buf_wipe(&in);
    return st;
}

static struct status run(const struct reader_tools *tools,
                         const struct errand *e, struct wire *wire,
                         struct arena *arena, struct errand_answer *a)
{
    switch (e->kind) {
    case ERRAND_SEAL:
        return sealing_run(tools, e, wire);
    case ERRAND_READ_KEYS:
        return read_keys(tools, e, wire, arena, a);
    case ERRAND_OWN_KEY:
        return own_key(tools, e, wire, arena, a);
    case ERRAND_LOOK:
        return look_run(e, wire, &a->sealed_already);
    }
    return status_refuse("the sealer does not know this errand");
}

void errand_serve(const struct reader_tools *tools, int fd)
{
    struct arena arena = { 0 };
    struct errand_answer answer = { 0 };
    struct errand errand;
    struct wire wire;

    wire_open(&wire, fd);
    if (wire_request(&wire, &arena, &errand)) {
        answer.status = run(tools, &errand, &wire, &arena, &answer);
        wire_answer(&wire, &answer);
    }
    wire_close(&wire);
    arena_free(&arena);
}
