/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/floor.h"

static const struct str floor_names[] = {
    [FLOOR_OPEN] = STR_INIT("open"),
    [FLOOR_TLS] = STR_INIT("tls"),
    [FLOOR_VERIFIED] = STR_INIT("verified"),
    [FLOOR_SEALED] = STR_INIT("sealed"),
};
enum { FLOOR_COUNT = 4 };

static const struct str method_names[METHOD_COUNT] = {
    [METHOD_TLS] = STR_INIT("tls"),
    [METHOD_PGP] = STR_INIT("pgp"),
    [METHOD_SMIME] = STR_INIT("smime"),
    [METHOD_PORTAL] = STR_INIT("portal"),
};

struct str floor_name(enum floor floor)
{
    return floor_names[floor];
}

bool floor_parse(struct str s, enum floor *out)
{
    for (unsigned i = 0; i < FLOOR_COUNT; i++)
        if (str_eq_nocase(s, floor_names[i])) {
            *out = (enum floor)i;
            return true;
        }
    return false;
}

struct str method_name(enum method method)
{
    return method_names[method];
}

bool method_parse(struct str s, enum method *out)
{
    for (unsigned i = 0; i < METHOD_COUNT; i++)
        if (str_eq_nocase(s, method_names[i])) {
            *out = (enum method)i;
            return true;
        }
    return false;
}

bool method_meets(enum method method, enum floor floor)
{
    return method != METHOD_TLS || floor <= FLOOR_VERIFIED;
}

struct ladder ladder_above(struct ladder ladder, enum floor floor)
{
    struct ladder above = { .n = 0 };

    for (uint8_t i = 0; i < ladder.n; i++)
        if (method_meets(ladder.rung[i], floor))
            above.rung[above.n++] = ladder.rung[i];
    return above;
}

void ladder_write(struct ladder ladder, struct buf *out)
{
    for (uint8_t i = 0; i < ladder.n; i++) {
        if (i > 0)
            buf_add_char(out, ' ');
        buf_add(out, method_name(ladder.rung[i]));
    }
}

static bool ladder_has(const struct ladder *ladder, enum method method)
{
    for (uint8_t i = 0; i < ladder->n; i++)
        if (ladder->rung[i] == method)
            return true;
    return false;
}

bool ladder_parse(struct str s, struct ladder *out)
{
    struct ladder ladder = { .n = 0 };
    struct str rest = str_trim(s), piece;

    while (str_split(&rest, ' ', &piece)) {
        enum method method;

        if (piece.n == 0)
            continue;
        if (!method_parse(piece, &method) || ladder_has(&ladder, method))
            return false;
        ladder.rung[ladder.n++] = method;
    }
    *out = ladder;
    return true;
}
