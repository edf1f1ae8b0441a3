/* SPDX-License-Identifier: Apache-2.0 */
/* Floor and ladder for one recipient: rows, and all combinations. */
#include "policy/decision.h"

#include "policy/config_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define BASE                                                                   \
    "hostname gate.clinic.example data /d\n"                                   \
    "tls { certificate c key k }\n"
#define PORTAL "portal { url https://m.example listen 127.0.0.1:443 }\n"

static struct config *must_parse(const char *text)
{
    struct config_errors errors = { 0 };
    struct config *config = config_parse(str_from_cstr(text), "/p", &errors);
    struct buf all = { 0 };

    if (config == NULL) {
        config_errors_write(&errors, &all);
        fail_msg("%s", buf_cstr(&all));
    }
    config_errors_free(&errors);
    return config;
}

static const char rules[] = BASE PORTAL
    "pin pinned.example { floor sealed }\n"
    "pin keyed.example { public-key "
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 }\n"
    "rule secure { when subject contains \"[secure]\" floor sealed ladder "
    "portal tell-sender strip-subject-marker }\n"
    "rule news { when from is news@x.example floor open ladder tls "
    "clear-path code }\n"
    "rule lower { when user is app floor verified ladder tls pgp portal "
    "switch-after 1h sender-may-lower }\n";

struct row {
    const char *name, *from, *to, *header, *user;
    bool requiretls;
    enum floor floor;
    const char *ladder, *rule;
    bool raised, lowered, ignored, pin, extended, not_required;
};

static void check_row(const struct config *config, const struct row *r)
{
    struct message_facts m = {
        .from = str_from_cstr(r->from),
        .header = str_from_cstr(r->header),
        .user = str_from_cstr(r->user),
        .requiretls = r->requiretls,
    };
    struct arena arena = { 0 };
    struct buf ladder = { 0 };
    struct decision d;

    policy_decide(config, &m, str_from_cstr(r->to), &arena, &d);
    ladder_write(d.ladder, &ladder);
    if (d.floor != r->floor || strcmp(buf_cstr(&ladder), r->ladder) != 0 ||
        !str_eq(d.rule, str_from_cstr(r->rule)) ||
        d.sender_raised != r->raised || d.sender_lowered != r->lowered ||
        d.sender_ignored != r->ignored || d.pin_raised != r->pin ||
        d.ladder_extended != r->extended ||
        d.tls_not_required != r->not_required)
        fail_msg("%s: floor %.*s ladder %s: %.*s", r->name,
                 STR_ARG(floor_name(d.floor)), buf_cstr(&ladder),
                 STR_ARG(d.why));
    assert_true(d.why.n > 0);
    buf_free(&ladder);
    arena_free(&arena);
}

static void test_rows(void **state)
{
    static const struct row rows[] = {
        { "default", "a@x.example", "b@y.example", "", "", false,
          FLOOR_VERIFIED, "tls portal", "default" },
        { "marked", "a@x.example", "b@y.example", "Subject: [secure] x\r\n", "",
          false, FLOOR_SEALED, "portal", "secure" },
        { "newsletter", "news@x.example", "b@y.example", "", "", false,
          FLOOR_OPEN, "tls", "news" },
        { "first rule wins", "news@x.example", "b@y.example",
          "Subject: [secure]\r\n", "", false, FLOOR_SEALED, "portal",
          "secure" },
        { "sender raises", "a@x.example", "b@y.example",
          "X-Postseal-Floor: sealed\r\n", "", false, FLOOR_SEALED, "portal",
          "default", .raised = true },
        { "sender raises beyond the ladder", "news@x.example", "b@y.example",
          "X-Postseal-Floor: Sealed\r\n", "", false, FLOOR_SEALED, "portal",
          "news", .raised = true, .extended = true },
        { "sender asks for less", "a@x.example", "b@y.example",
          "X-Postseal-Floor: open\r\n", "", false, FLOOR_VERIFIED, "tls portal",
          "default", .ignored = true },
        { "sender may lower", "a@x.example", "b@y.example",
          "X-Postseal-Floor: open\r\n", "app", false, FLOOR_OPEN,
          "tls pgp portal", "lower", .lowered = true },
        { "the pin holds against lowering", "a@x.example", "b@keyed.example",
          "X-Postseal-Floor: open\r\n", "app", false, FLOOR_VERIFIED,
          "tls pgp portal", "lower", .lowered = true, .pin = true },
        { "misspelt is sealed", "a@x.example", "b@y.example",
          "X-Postseal-Floor: seald\r\n", "app", false, FLOOR_SEALED,
          "pgp portal", "lower", .raised = true },
        { "the highest of two counts", "a@x.example", "b@y.example",
          "X-Postseal-Floor: open\r\nX-Postseal-Floor: sealed\r\n", "app",
          false, FLOOR_SEALED, "pgp portal", "lower", .raised = true },
        { "pin raises", "a@x.example", "b@Pinned.Example", "", "", false,
          FLOOR_SEALED, "portal", "default", .pin = true },
        { "pin raises an open rule", "news@x.example", "b@keyed.example", "",
          "", false, FLOOR_VERIFIED, "tls", "news", .pin = true },
        { "requiretls", "news@x.example", "b@y.example", "", "", true,
          FLOOR_VERIFIED, "tls", "news" },
        { "TP-23 open", "news@x.example", "b@y.example", "TLS-Required: No\r\n",
          "", false, FLOOR_OPEN, "tls", "news", .not_required = true },
        { "TP-23 forced", "a@x.example", "b@y.example", "TLS-Required: No\r\n",
          "", false, FLOOR_VERIFIED, "tls portal", "default" },
        { "TP-23 sensitive", "a@x.example", "b@y.example",
          "TLS-Required: No\r\nSubject: [secure]\r\n", "", false, FLOOR_SEALED,
          "portal", "secure" },
        { "TP-23 with REQUIRETLS", "news@x.example", "b@y.example",
          "TLS-Required: No\r\n", "", true, FLOOR_VERIFIED, "tls", "news" },
        { "TP-23 twice", "news@x.example", "b@y.example",
          "TLS-Required: No\r\nTLS-Required: No\r\n", "", false, FLOOR_OPEN,
          "tls", "news" },
        { "null sender", "", "b@y.example", "", "", false, FLOOR_VERIFIED,
          "tls portal", "default" },
    };
    struct config *config = must_parse(rules);

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        check_row(config, &rows[i]);
    config_free(&config);
}

static void test_details(void **state)
{
    struct config *config = must_parse(rules);
    struct message_facts m = { .header = STR("Subject: [secure]\r\n") };
    struct arena arena = { 0 };
    struct decision d;

    (void)state;
    policy_decide(config, &m, STR("b@y.example"), &arena, &d);
    assert_true(d.tell_sender && d.clear_path_pin);
    assert_true(str_eq(d.strip_marker, STR("[secure]")));
    assert_int_equal(d.rule_line, 6);
    m = (struct message_facts){ .from = STR("news@x.example") };
    policy_decide(config, &m, STR("b@y.example"), &arena, &d);
    assert_false(d.tell_sender || d.clear_path_pin);
    m = (struct message_facts){ .user = STR("app") };
    policy_decide(config, &m, STR("b@y.example"), &arena, &d);
    assert_true(d.switch_after_ms == 3600000);
    arena_free(&arena);
    config_free(&config);
}

static void test_no_portal(void **state)
{
    static const struct row rows[] = {
        { "default", "a@x.example", "b@y.example", "", "", false,
          FLOOR_VERIFIED, "tls", "default" },
        { "sealed", "a@x.example", "b@y.example",
          "X-Postseal-Floor: sealed\r\n", "", false, FLOOR_SEALED, "",
          "default", .raised = true },
    };
    struct config *config = must_parse(BASE);

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        check_row(config, &rows[i]);
    config_free(&config);
}

struct combination {
    int rule, asked, pin; /* floors; asked and pin: 4 = none */
    bool may_lower, requiretls, not_required, portal;
    unsigned ladder; /* bits of methods */
};

static struct config *make_config(const struct combination *c)
{
    static const char *const floors[] = { "open", "tls", "verified", "sealed" };
    struct config_errors errors = { 0 };
    struct buf text = { 0 };
    struct config *config;

    buf_add_cstr(&text, c->portal ? BASE PORTAL : BASE);
    if (c->pin < 4)
        buf_addf(&text, "pin y.example { floor %s }\n", floors[c->pin]);
    /* A ladder that the configuration would refuse is not a case. */
    buf_addf(&text, "rule r { floor %s %s ladder", floors[c->rule],
             c->may_lower ? "sender-may-lower" : "");
    for (int m = 0; m < METHOD_COUNT; m++)
        if (c->ladder & 1u << m)
            buf_addf(&text, " %.*s", STR_ARG(method_name((enum method)m)));
    buf_add_cstr(&text, " }\n");
    config = config_parse(buf_str(&text), "/p", &errors);
    config_errors_free(&errors);
    buf_free(&text);
    return config;
}

/* The rules of the header file, said again as one expression. */
static int want_floor(const struct combination *c)
{
    int floor = c->rule;

    if (c->asked < 4 && (c->asked > floor || c->may_lower))
        floor = c->asked;
    if (c->requiretls && floor < FLOOR_VERIFIED)
        floor = FLOOR_VERIFIED;
    if (c->pin < 4 && c->pin > floor)
        floor = c->pin;
    return floor;
}

static void check_combination(const struct config *config,
                              const struct combination *c)
{
    static const char *const asked[] = { "open", "tls", "verified", "sealed",
                                         "" };
    struct message_facts m = { .requiretls = c->requiretls };
    struct arena arena = { 0 };
    struct buf header = { 0 };
    struct decision d;

    if (c->asked < 4)
        buf_addf(&header, "X-Postseal-Floor: %s\r\n", asked[c->asked]);
    if (c->not_required)
        buf_add_cstr(&header, "TLS-Required: No\r\n");
    m.header = buf_str(&header);
    policy_decide(config, &m, STR("b@y.example"), &arena, &d);
    assert_int_equal(d.floor, want_floor(c));
    for (uint8_t i = 0; i < d.ladder.n; i++) {
        assert_true(method_meets(d.ladder.rung[i], d.floor));
        assert_true(c->portal || d.ladder.rung[i] != METHOD_PORTAL);
        assert_true(c->ladder & 1u << d.ladder.rung[i] || d.ladder_extended);
    }
    if (c->portal)
        assert_true(d.ladder.n > 0);
    assert_int_equal(d.tls_not_required, c->not_required &&
                                             d.floor == FLOOR_OPEN &&
                                             c->pin == 4 && !c->requiretls);
    assert_int_equal(d.sender_lowered, c->asked < c->rule && c->may_lower);
    assert_int_equal(d.sender_raised, c->asked < 4 && c->asked > c->rule);
    buf_free(&header);
    arena_free(&arena);
}

static unsigned check_messages(const struct config *config,
                               struct combination c)
{
    unsigned n = 0;

    for (c.asked = 0; c.asked <= 4; c.asked++)
        for (unsigned bits = 0; bits < 4; bits++) {
            c.requiretls = bits & 1;
            c.not_required = bits & 2;
            check_combination(config, &c);
            n++;
        }
    return n;
}

static void test_all_combinations(void **state)
{
    unsigned checked = 0, refused = 0;

    (void)state;
    for (unsigned code = 0; code < 4 * 5 * 2 * 2 * 15; code++) {
        struct combination c = {
            .rule = (int)(code % 4),
            .pin = (int)(code / 4 % 5),
            .may_lower = code / 20 % 2,
            .portal = code / 40 % 2,
            .ladder = code / 80 + 1,
        };
        struct config *config = make_config(&c);

        if (config == NULL)
            refused++;
        else
            checked += check_messages(config, c);
        config_free(&config);
    }
    /* sealed with tls alone (10 pins and lowerings, twice), and where only
     * the portal is left without one. */
    assert_int_equal(refused, 20 + 50);
    assert_int_equal(checked, (1200 - refused) * 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_details),
        cmocka_unit_test(test_no_portal),
        cmocka_unit_test(test_all_combinations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
