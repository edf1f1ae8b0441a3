/* SPDX-License-Identifier: Apache-2.0 */
#include "posture/demand.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static bool connection_is_safe(enum floor floor, const struct tls_seen *seen)
{
    switch (floor) {
    case FLOOR_OPEN:
        return true;
    case FLOOR_TLS:
        return seen->up && seen->approved;
    case FLOOR_VERIFIED:
        return seen->up && seen->approved && seen->by != VERIFIED_NONE;
    case FLOOR_SEALED:
        break;
    }
    return false;
}

/* Every floor, need and handshake: nothing passes below its floor, and what
 * is cleared also meets the need. */
static void no_clearance_below_the_floor(void **state)
{
    (void)state;
    for (int floor = 0; floor <= FLOOR_SEALED; floor++)
        for (int need = 0; need <= TLS_NEED_NEVER; need++)
            for (int by = 0; by <= VERIFIED_PKIX; by++)
                for (int bits = 0; bits < 8; bits++) {
                    struct tls_seen seen = {
                        .offered = bits & 1,
                        .up = bits & 2,
                        .approved = bits & 4,
                        .by = (enum verified_by)by,
                    };
                    enum clearance c = clearance_judge(
                        (enum floor)floor, (enum tls_need)need, &seen);

                    if (c == CLEARANCE_NONE)
                        continue;
                    assert_true(connection_is_safe((enum floor)floor, &seen));
                    assert_true(c != CLEARANCE_OPEN || floor == FLOOR_OPEN);
                    assert_int_not_equal(need, TLS_NEED_NEVER);
                    enum tls_act act = tls_next((enum tls_need)need, &seen);
                    assert_true(act == TLS_SEND || act == TLS_SEND_OPEN);
                }
}

static const struct route_config trusted = { .has_floor = true,
                                             .floor = FLOOR_OPEN };
static const struct route_config smarthost = {
    .auth_user = { "gate", 4 }, .auth_secret_file = { "/s", 2 }
};
static const struct pin_config keys = { .spki_n = 1 };
static const struct pin_config floor_only = { .has_floor = true,
                                              .floor = FLOOR_VERIFIED };

static const struct row {
    const char *name;
    enum floor floor;
    enum tls_need host_need;
    enum dns_state tlsa;
    bool enforced, waived;
    const struct pin_config *pin;
    const struct route_config *route;
    enum tls_need want;
    bool may_pass;
} rows[] = {
    { "open to a plain host", FLOOR_OPEN, TLS_NEED_PKIX, .want = TLS_NEED_MAY },
    { "tls to a plain host", FLOOR_TLS, TLS_NEED_PKIX,
      .want = TLS_NEED_ENCRYPT },
    { "verified to a plain host", FLOOR_VERIFIED, TLS_NEED_PKIX,
      .want = TLS_NEED_PKIX },
    { "DANE binds open", FLOOR_OPEN, TLS_NEED_DANE, .want = TLS_NEED_DANE },
    { "DANE binds tls", FLOOR_TLS, TLS_NEED_DANE, .want = TLS_NEED_DANE },
    { "MTA-STS binds open", FLOOR_OPEN, TLS_NEED_STS, .want = TLS_NEED_STS },
    { "TP-16: unusable TLSA binds open to TLS", FLOOR_OPEN, TLS_NEED_ENCRYPT,
      .want = TLS_NEED_ENCRYPT },
    { "TP-16: and proves nothing for verified", FLOOR_VERIFIED,
      TLS_NEED_ENCRYPT, .want = TLS_NEED_PKIX },
    { "TP-17: TLSA lookup failed", FLOOR_OPEN, TLS_NEED_NEVER,
      .tlsa = DNS_ERROR, .want = TLS_NEED_NEVER, .may_pass = true },
    { "TP-07: host not in the policy", FLOOR_OPEN, TLS_NEED_NEVER,
      .enforced = true, .want = TLS_NEED_NEVER },
    { "TP-20: nothing to verify by", FLOOR_VERIFIED, TLS_NEED_NEVER,
      .want = TLS_NEED_NEVER },
    { "TP-20: open does not ask", FLOOR_OPEN, TLS_NEED_NEVER,
      .want = TLS_NEED_MAY },
    { "pinned keys win", FLOOR_VERIFIED, TLS_NEED_DANE, .pin = &keys,
      .want = TLS_NEED_PIN },
    { "a pin without keys is only a floor", FLOOR_VERIFIED, TLS_NEED_STS,
      .pin = &floor_only, .want = TLS_NEED_STS },
    { "a trusted hop", FLOOR_VERIFIED, TLS_NEED_PKIX, .route = &trusted,
      .want = TLS_NEED_MAY },
    { "a hop that gets our password, open", FLOOR_OPEN, TLS_NEED_PKIX,
      .route = &smarthost, .want = TLS_NEED_PKIX },
    { "and tls", FLOOR_TLS, TLS_NEED_PKIX, .route = &smarthost,
      .want = TLS_NEED_PKIX },
    { "and waived", FLOOR_OPEN, TLS_NEED_PKIX, .route = &smarthost,
      .waived = true, .want = TLS_NEED_PKIX },
    { "TP-23: waived, open", FLOOR_OPEN, TLS_NEED_DANE, .waived = true,
      .want = TLS_NEED_MAY },
    { "TP-23: waived, forced", FLOOR_TLS, TLS_NEED_DANE, .waived = true,
      .want = TLS_NEED_DANE },
};

static void demand_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        struct mx_host host = { .need = row->host_need,
                                .tlsa_state = row->tlsa };
        struct demand_facts facts = { .floor = row->floor,
                                      .host = &host,
                                      .pin = row->pin,
                                      .route = row->route,
                                      .sts_enforced = row->enforced,
                                      .waived = row->waived };
        struct demand got = demand_of(&facts);

        if (got.need != row->want || got.may_pass != row->may_pass)
            fail_msg("%s: %d", row->name, (int)got.need);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_clearance_below_the_floor),
        cmocka_unit_test(demand_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
