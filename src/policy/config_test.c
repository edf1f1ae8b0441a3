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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sample),
        cmocka_unit_test(test_lookups),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
