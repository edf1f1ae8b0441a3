/* SPDX-License-Identifier: Apache-2.0 */
/* The whole of a configuration: what is read, what is refused and how. */
#include "policy/config.h"

#include "policy/config_check.h"
#include "policy/rules.h"
#include "policy/value.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char sample[] =
    "hostname gate.clinic.example\n"
    "data     /var/lib/postseal\n"
    "\n"
    "tls  { certificate gate.pem  key gate.key }\n"
    "dns  { resolver 127.0.0.1@5353  trust-anchor root.key }   # practice\n"
    "listen 127.0.0.1:2525 { accept-from 127.0.0.0/8 }\n"
    "listen 0.0.0.0:587    { starttls required  auth required }\n"
    "listen 0.0.0.0:465    { tls implicit       auth required }\n"
    "delivery {\n"
    "    port 25  ca system  mta-sts-port 443  connect-timeout 30s\n"
    "    retry 5m 15m 30m 1h 2h 4h   give-up-after 5d\n"
    "}\n"
    "listen 0.0.0.0:25     { accept-from 198.51.100.0/24  senders "
    "*@clinic.example }   # a provider's shared range\n"
    "route internal.example { to 10.0.0.5:25  floor open }\n"
    "route *                { to relay.example:587  auth gate relay.secret }\n"
    "portal { url https://mail.clinic.example  listen 0.0.0.0:443  "
    "expire-after 30d }\n"
    "pin  partner.example   { floor verified }\n"
    "\n"
    "rule \"marked sensitive\" { when subject contains \"[secure]\"  floor "
    "sealed  ladder portal }\n"
    "rule \"newsletter\"       { when from is news@clinic.example  floor open "
    "   ladder tls }\n"
    "rule \"everything else\"  { floor verified  ladder tls portal  "
    "switch-after 15m }\n"
    "expect from a@x to b@y subject \"[secure] labs\" gives portal\n";

static void print_errors(const struct config_errors *errors)
{
    struct buf text = { 0 };

    config_errors_write(errors, &text);
    fputs(buf_cstr(&text), stderr);
    buf_free(&text);
}

static struct config *must_parse(const char *text)
{
    struct config_errors errors = { 0 };
    struct config *config =
        config_parse(str_from_cstr(text), "/etc/postseal/p.conf", &errors);

    print_errors(&errors);
    config_errors_free(&errors);
    assert_non_null(config);
    return config;
}

static void assert_str(struct str got, const char *want)
{
    if (!str_eq(got, str_from_cstr(want)))
        fail_msg("got '%.*s', want '%s'", STR_ARG(got), want);
}

static void test_sample(void **state)
{
    struct config *c = must_parse(sample);

    (void)state;
    assert_str(c->hostname, "gate.clinic.example");
    assert_str(c->data_dir, "/var/lib/postseal");
    assert_str(c->tls_key_file, "/etc/postseal/gate.key");
    assert_str(c->dns_resolver, "127.0.0.1@5353");
    assert_str(c->dns_trust_anchor_file, "/etc/postseal/root.key");
    assert_int_equal(c->listens_n, 4);
    assert_str(c->listens[0].name, "127.0.0.1:2525");
    assert_int_equal(c->listens[0].accept_from_n, 1);
    assert_int_equal(c->listens[0].accept_from[0].bits, 8);
    assert_int_equal(c->listens[1].tls, LISTEN_TLS_REQUIRED);
    assert_true(c->listens[1].auth_required && c->listens[1].auth_offered);
    assert_int_equal(c->listens[2].tls, LISTEN_TLS_IMPLICIT);
    assert_true(c->listens[3].requires_senders);
    assert_str(c->listens[3].senders[0], "*@clinic.example");
    assert_int_equal(c->delivery.retry_n, 6);
    assert_true(c->delivery.retry_ms[5] == 4 * 3600000);
    assert_true(c->delivery.give_up_after_ms == 5ll * 86400000);
    assert_str(c->delivery.ca_file, "");
    assert_int_equal(c->routes_n, 2);
    assert_true(c->routes[0].has_floor);
    assert_int_equal(c->routes[1].port, 587);
    assert_str(c->routes[1].auth_user, "gate");
    assert_str(c->routes[1].auth_secret_file, "/etc/postseal/relay.secret");
    assert_true(c->portal.on);
    assert_str(c->portal.url, "https://mail.clinic.example");
    assert_str(c->portal.from, "postseal@gate.clinic.example");
    assert_str(c->portal.key_file, "/etc/postseal/gate.key");
    assert_int_equal(c->rules_n, 3);
    assert_str(c->rules[0].name, "marked sensitive");
    assert_int_equal(c->rules[0].when.n, 1);
    assert_int_equal(c->rules[0].floor, FLOOR_SEALED);
    assert_int_equal(c->rules[0].line, 19);
    assert_int_equal(c->rules[1].ladder.n, 1);
    assert_true(c->rules[2].switch_after_ms == 15 * 60000);
    assert_int_equal(c->expects_n, 1);
    assert_str(c->expects[0].subject, "[secure] labs");
    assert_str(c->expects[0].gives, "portal");
    assert_true(c->keep_records_ms >= 6ll * 365 * 86400000);
    assert_int_equal(c->limits.recipients, 1000);
    assert_true(c->limits.message_bytes == 100u << 20);
    config_free(&c);
    assert_null(c);
}

static void test_lookups(void **state)
{
    struct config *c = must_parse(sample);

    (void)state;
    assert_str(config_route(c, STR("Internal.example"))->host, "10.0.0.5");
    assert_str(config_route(c, STR("other.example"))->host, "relay.example");
    assert_int_equal(config_pin(c, STR("partner.example"))->floor,
                     FLOOR_VERIFIED);
    assert_null(config_pin(c, STR("sub.partner.example")));
    config_free(&c);
}

static void test_watch(void **state)
{
    struct config *c =
        must_parse("hostname gate.clinic.example data /d\n"
                   "check { watch A.example b.example every 12h }\n");

    (void)state;
    assert_int_equal(c->check.watch_n, 2);
    assert_str(c->check.watch[0], "a.example");
    assert_str(c->check.watch[1], "b.example");
    assert_true(c->check.every_ms == 12 * 3600000);
    config_free(&c);
    c = must_parse("hostname gate.clinic.example data /d\n");
    assert_int_equal(c->check.watch_n, 0);
    assert_true(c->check.every_ms == 86400000);
    config_free(&c);
}

#define GOOD                                                                   \
    "hostname gate.clinic.example data /d tls { certificate c key k }\n"

/* Wrong inputs and what is said of them, whole. */
static const struct {
    const char *text, *want;
} wrong[] = {
    { "", "/p: data is missing\n/p: hostname is missing\n" },
    { "hostnam gate.clinic.example\ndata /d\n",
      "/p: hostname is missing\n"
      "/p:1:1: unknown setting 'hostnam'; did you mean 'hostname'?\n" },
    { GOOD "dns { resolvr 127.0.0.1 trust-anchor a }\n",
      "/p:2:7: unknown setting 'resolvr' in dns; did you mean 'resolver'?\n" },
    { GOOD "check { watch a.example *.b.example }\n",
      "/p:2:25: watch: '*.b.example' is not a domain such as "
      "partner.example\n" },
    { GOOD "dns { retry 5m }\n",
      "/p:2:7: unknown setting 'retry' in dns; it belongs into delivery { "
      "}\n" },
    { GOOD "delivery { hostname a.b }\n",
      "/p:2:12: unknown setting 'hostname' in delivery; it belongs outside of "
      "all braces\n" },
    { GOOD "delivery {\n port 99999999999999\n retry 5m soon\n"
           " give-up-after 1s\n}\n",
      "/p:3:7: port: '99999999999999' is out of bounds: from 1 to 65535\n"
      "/p:4:11: retry: 'soon' is not a time such as 30s, 5m, 2h, 5d, 2w or "
      "6y\n"
      "/p:5:16: give-up-after: '1s' is out of bounds: from 1m to 30d\n" },
    { GOOD "delivery { port 25 port 26 }\n",
      "/p:2:20: port is given twice (the first is on line 2)\n" },
    { GOOD "delivery { port\n connections 5 }\n",
      "/p:2:12: port needs a value: PORT\n" },
    { GOOD "listen 127.0.0.1:25\n",
      "/p:2:1: listen needs braces: { ... }\n"
      "/p:2:1: this listener would take mail from anybody (an open relay): "
      "say 'accept-from RANGE' or 'auth required'\n" },
    { GOOD "listen 0.0.0.0:25 { accept-from 0.0.0.0/0 }\n",
      "/p:2:21: this range is nearly everybody (an open relay): it needs "
      "'auth required' and 'senders' as well\n" },
    { GOOD "listen 0.0.0.0:25 { accept-from 0.0.0.0/1 128.0.0.0/1 senders "
           "*@a.example }\n",
      "/p:2:21: this range is nearly everybody (an open relay): it needs "
      "'auth required' and 'senders' as well\n" },
    { GOOD "listen 0.0.0.0:25 { auth offered }\n",
      "/p:2:1: this listener would take mail from anybody (an open relay): "
      "say 'accept-from RANGE' or 'auth required'\n" },
    { "hostname a.b data /d listen 0.0.0.0:25 { auth required }\n",
      "/p:1:42: passwords only pass inside TLS: this needs tls { certificate "
      "... key ... }\n" },
    { "hostname a.b data /d listen 0.0.0.0:465 { accept-from 10.0.0.0/8 tls "
      "implicit }\n",
      "/p:1:66: this needs tls { certificate ... key ... }\n" },
    { GOOD "listen 0.0.0.0:25 { tls implicit starttls required auth required "
           "}\n",
      "/p:2:21: either 'tls implicit' or 'starttls', not both\n" },
    { GOOD "listen 127.0.0.1:25 { auth required }\n"
           "listen 0.0.0.0:25 { auth required }\n",
      "/p:3:1: this is the address of another listener (line 2)\n" },
    { GOOD "portal { }\n",
      "/p:2:1: portal needs listen\n/p:2:1: portal needs url\n" },
    { GOOD "portal { url http://m.example listen 127.0.0.1:80 }\n",
      "/p:2:10: readers must come by https: write https:// here (a proxy in "
      "front is said by 'behind-proxy')\n" },
    { GOOD "portal { url https://m.example listen 0.0.0.0:80 behind-proxy }\n",
      "/p:2:32: behind a proxy the portal speaks plain HTTP: it may listen on "
      "loopback only\n" },
    { "hostname a.b data /d\n"
      "portal { url https://m.example listen 0.0.0.0:443 }\n",
      "/p:2:1: the portal needs a certificate: here, or tls { certificate ... "
      "key ... }\n" },
    { GOOD "rule a { ladder tls fax }\n",
      "/p:2:21: ladder: 'fax' is not a method: tls, pgp, smime or portal\n" },
    { GOOD "rule a { floor sealed ladder tls }\n",
      "/p:2:23: nothing on this ladder meets the floor 'sealed': nothing "
      "could be sent (add portal)\n" },
    { GOOD "rule a { floor sealed ladder tls portal }\n",
      "/p:2:23: only the portal meets this rule, and there is none: nothing "
      "could be sent (add portal { url ... listen ... })\n" },
    { GOOD "rule a { floor high }\n",
      "/p:2:16: floor: 'high' is not open, tls, verified or sealed\n" },
    { GOOD "rule a { ladder tls }\nrule a { when user is b }\n",
      "/p:3:1: another rule has this name (line 2)\n"
      "/p:3:1: this rule is never asked: the one before it (line 2) has no "
      "'when' and decides everything\n" },
    { GOOD "rule a { when form is a@x.example floor tls }\n",
      "/p:2:15: when: 'form' stands where from, to, subject, header, size, "
      "listener or user should; did you mean 'from'?\n" },
    { GOOD "rule a {\n when from is a@x.example and\n  (user is b\n"
           "   or user is c)\n flor tls\n}\n",
      "/p:6:2: unknown setting 'flor' in rule; did you mean 'floor'?\n" },
    { GOOD "rule a { strip-subject-marker }\n",
      "/p:2:10: say which text: the rule itself looks for none by 'subject "
      "contains'\n" },
    { GOOD "route * { floor open }\n", "/p:2:1: route needs to\n" },
    { GOOD "route * { to relay.example auth gate }\n",
      "/p:2:28: auth needs a value: ACCOUNT FILE\n" },
    { GOOD "delivery { connections 5 connections-per-destination 6 }\n",
      "/p:2:26: this is more than connections in all\n" },
    { GOOD "route * { to relay.example floor open auth gate s }\n",
      "/p:2:28: a password only goes to a checked server: with 'auth' the "
      "floor cannot be below 'verified'\n" },
    { GOOD "route * { to a.example }\nroute b.example { to c.example }\n",
      "/p:3:1: this route is never taken: the one on line 2 comes first\n" },
    { GOOD "pin a.example { }\n",
      "/p:2:1: a pin needs 'floor' or 'public-key'\n" },
    { GOOD "pin * { floor tls }\n",
      "/p:2:1: a pin is for one domain: for all of them write a rule\n" },
    { GOOD "expect from a to b@y gives fax\n",
      "/p:2:13: from: 'a' is not a whole address such as a@clinic.example\n"
      "/p:2:28: gives: expected methods (tls, pgp, smime, portal) or "
      "nothing\n" },
    { GOOD "log { level loud }\n",
      "/p:2:13: level: 'loud' is not debug, info, notice, warning or error\n" },
    { GOOD "run-as { intake 0 }\n",
      "/p:2:17: intake: '0' is not a user without root's rights\n" },
    { GOOD "delivery {\n port 25\n", "/p:2:10: this brace is not closed\n" },
    { GOOD "}\nfoo { bar { baz } } log { level info }\n",
      "/p:2:1: this brace closes nothing\n"
      "/p:3:1: unknown setting 'foo'\n" },
    { GOOD "include /nonexistent/x.conf\n",
      "/p:2:9: cannot read /nonexistent/x.conf: No such file or directory\n" },
    { GOOD "include /dev/zero\n",
      "/p:2:9: cannot read /dev/zero: not a file of a sensible size\n" },
    { GOOD "log { level \"info }\n",
      "/p:2:13: the closing quote is missing on this line\n" },
};

static void test_wrong(void **state)
{
    unsigned failed = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct config_errors errors = { 0 };
        struct config *config =
            config_parse(str_from_cstr(wrong[i].text), "/p", &errors);
        struct buf text = { 0 };

        config_errors_write(&errors, &text);
        if (strcmp(buf_cstr(&text), wrong[i].want) != 0)
            print_error("--- %s--- said\n%s--- want\n%s\n", wrong[i].text,
                        buf_cstr(&text), wrong[i].want);
        failed += strcmp(buf_cstr(&text), wrong[i].want) != 0;
        assert_null(config);
        buf_free(&text);
        config_errors_free(&errors);
    }
    assert_int_equal(failed, 0);
}

/* Cut anywhere, or with any octet changed: never a crash, never silence. */
static void test_mutations(void **state)
{
    char text[sizeof(sample)];
    size_t n = sizeof(sample) - 1;

    (void)state;
    for (size_t i = 0; i < n; i++) {
        struct config_errors errors = { 0 };
        struct config *config = config_parse(str_of(sample, i), "/p", &errors);

        assert_int_equal(config == NULL, errors.n > 0);
        config_free(&config);
        config_errors_free(&errors);
        memcpy(text, sample, n);
        text[i] = "{}\"\n\xff(#*"[i % 8];
        config = config_parse(str_of(text, n), "/p", &errors);
        assert_int_equal(config == NULL, errors.n > 0);
        config_free(&config);
        config_errors_free(&errors);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sample),    cmocka_unit_test(test_lookups),
        cmocka_unit_test(test_watch),     cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_mutations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
