/* SPDX-License-Identifier: Apache-2.0 */
#include "posture/sts.h"

#include "posture/need.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct record_row {
    const char *text;
    const char *id; /* NULL: refused */
} records[] = {
    { "v=STSv1; id=20160831085700Z;", "20160831085700Z" },
    { "v=STSv1;id=1", "1" },
    { "v=STSv1 ; x=y; id=2;", "2" },
    { "v=STSv1; id=;", NULL },
    { "v=STSv1; id=1; id=2;", "1" },
    { "v=STSv1;", NULL },
    { "v=STSv2; id=1", NULL },
    { "id=1; v=STSv1", NULL },
    { "v=STSv1; id=a-b", NULL },
    { "v=STSv1; id=123456789012345678901234567890123", NULL },
    { "", NULL },
};

static void record_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
        struct str id;
        bool ok = sts_record_parse(str_from_cstr(records[i].text), &id);

        if (ok != (records[i].id != NULL) ||
            (ok && !str_eq(id, str_from_cstr(records[i].id))))
            fail_msg("%s", records[i].text);
    }
}

static const struct policy_row {
    const char *text;
    bool ok;
    enum sts_mode mode;
    size_t mx_n;
} policies[] = {
    { "version: STSv1\r\nmode: enforce\r\nmx: a.example\r\nmx: *.b.example\r\n"
      "max_age: 604800\r\n",
      true, STS_ENFORCE, 2 },
    { "version: STSv1\nmode: testing\nmx: a.example\nmax_age: 1", true,
      STS_TESTING, 1 },
    { "version: STSv1\nmode: none\nmax_age: 1\n", true, STS_NONE, 0 },
    { "version: STSv1\nmode: enforce\nmax_age: 1\n", false },
    { "version: STSv1\nmode: enforced\nmx: a\nmax_age: 1\n", false },
    { "version: STSv2\nmode: none\nmax_age: 1\n", false },
    { "mode: none\nmax_age: 1\n", false },
    { "version: STSv1\nmode: none\n", false },
    { "version: STSv1\nmode: none\nmax_age: -1\n", false },
    { "version: STSv1\nmode: none\nmax_age: 99999999999\n", false },
    { "version: STSv1\nmode: none\nmax_age: 1\nfuture: x\n\n", true, STS_NONE,
      0 },
    { "<html>not found</html>", false },
    { "", false },
};

static void policy_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        struct arena arena = { 0 };
        struct sts_policy p;
        bool ok = status_is_ok(
            sts_policy_parse(str_from_cstr(policies[i].text), &arena, &p));

        if (ok != policies[i].ok ||
            (ok && (p.mode != policies[i].mode || p.mx_n != policies[i].mx_n)))
            fail_msg("%s", policies[i].text);
        arena_free(&arena);
    }
}

static void patterns(void **state)
{
    static const struct str mx[] = { STR_INIT("Mail.example"),
                                     STR_INIT("*.pool.example") };
    struct sts_policy p = { .present = true, .mx = mx, .mx_n = 2 };

    (void)state;
    assert_true(sts_lists(&p, STR("mail.example")));
    assert_true(sts_lists(&p, STR("mail.example.")));
    assert_true(sts_lists(&p, STR("a.pool.example")));
    assert_false(sts_lists(&p, STR("a.b.pool.example")));
    assert_false(sts_lists(&p, STR("pool.example")));
    assert_false(sts_lists(&p, STR(".pool.example")));
    assert_false(sts_lists(&p, STR("evil.example")));
    assert_false(sts_lists(&p, STR("")));
}

static void disjoint(void **state)
{
    static const struct str one[] = { STR_INIT("a"), STR_INIT("b") };
    static const struct str two[] = { STR_INIT("B") };
    static const struct str other[] = { STR_INIT("c") };
    struct sts_policy a = { .mx = one, .mx_n = 2 },
                      b = { .mx = two, .mx_n = 1 },
                      c = { .mx = other, .mx_n = 1 }, none = { 0 };

    (void)state;
    assert_false(sts_disjoint(&a, &b));
    assert_true(sts_disjoint(&a, &c));
    assert_false(sts_disjoint(&a, &none));
    /* A pattern and a name that it stands for are no change of hands; and
     * nothing differs from itself, be it ever so malformed. */
    static const struct str pattern[] = { STR_INIT("*.b.example") };
    static const struct str name[] = { STR_INIT("MX.b.example") };
    static const struct str odd[] = { STR_INIT("*.") };
    struct sts_policy p = { .mx = pattern, .mx_n = 1 },
                      n = { .mx = name, .mx_n = 1 },
                      o = { .mx = odd, .mx_n = 1 };
    assert_false(sts_disjoint(&p, &n));
    assert_false(sts_disjoint(&n, &p));
    assert_true(sts_disjoint(&p, &a));
    assert_false(sts_disjoint(&o, &o));
}

/* All combinations of what DNS and policy can say about a host. */
static void needs(void **state)
{
    static const struct str mx[] = { STR_INIT("mx.example") };

    (void)state;
    for (int tlsa = 0; tlsa < 4; tlsa++)
        for (int mode = -1; mode <= STS_ENFORCE; mode++)
            for (int listed = 0; listed < 2; listed++) {
                struct arena arena = { 0 };
                struct sts_policy sts = { .present = mode >= 0,
                                          .mode = (enum sts_mode)mode,
                                          .mx = mx,
                                          .mx_n = listed ? 1 : 0 };
                struct mx_host host = { .name = STR_INIT("mx.example"),
                                        .tlsa_state =
                                            tlsa == 3 ? DNS_ERROR : DNS_SECURE,
                                        .tlsa_n = tlsa == 1 || tlsa == 2,
                                        .tlsa_usable_n = tlsa == 2 };
                enum tls_need want =
                    tlsa == 3   ? TLS_NEED_NEVER
                    : tlsa == 2 ? TLS_NEED_DANE
                    : mode == STS_ENFORCE
                        ? (listed ? TLS_NEED_STS : TLS_NEED_NEVER)
                    : tlsa == 1 ? TLS_NEED_ENCRYPT
                                : TLS_NEED_PKIX;

                need_of(&host, &sts, false, &arena);
                assert_int_equal(host.need, want);
                assert_true(host.why.n > 0);
                need_of(&host, &sts, true, &arena);
                assert_int_equal(host.need, TLS_NEED_NEVER);
                arena_free(&arena);
            }
}

static void usable(void **state)
{
    static const struct {
        uint8_t usage, selector, matching;
        size_t octets;
        bool want;
    } rows[] = {
        { 3, 1, 1, 32, true },  { 2, 0, 1, 32, true },  { 3, 1, 2, 64, true },
        { 3, 0, 0, 300, true }, { 0, 1, 1, 32, false }, { 1, 1, 1, 32, false },
        { 4, 1, 1, 32, false }, { 3, 2, 1, 32, false }, { 3, 1, 3, 32, false },
        { 3, 1, 1, 31, false }, { 3, 1, 2, 32, false }, { 3, 1, 0, 0, false },
    };
    static const char octets[303] = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tlsa t = { rows[i].usage,
                          rows[i].selector,
                          rows[i].matching,
                          { octets, rows[i].octets } };
        assert_int_equal(tlsa_usable(&t), rows[i].want);
    }
    struct tlsa parsed;
    assert_false(tlsa_parse(str_of(octets, 3), &parsed));
    assert_true(tlsa_parse(str_of(octets, 35), &parsed));
    assert_int_equal(parsed.data.n, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(record_table), cmocka_unit_test(policy_table),
        cmocka_unit_test(patterns),     cmocka_unit_test(disjoint),
        cmocka_unit_test(needs),        cmocka_unit_test(usable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
