/* SPDX-License-Identifier: Apache-2.0 */
#include "posture/inside.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct sockaddr_storage address(const char *text, uint16_t port)
{
    struct sockaddr_storage ss = { 0 };
    struct sockaddr_in *v4 = (void *)&ss;
    struct sockaddr_in6 *v6 = (void *)&ss;

    if (strchr(text, ':') == NULL) {
        *v4 = (struct sockaddr_in){ .sin_family = AF_INET,
                                    .sin_port = htons(port) };
        assert_int_equal(inet_pton(AF_INET, text, &v4->sin_addr), 1);
    } else {
        *v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
                                     .sin6_port = htons(port) };
        assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
    }
    return ss;
}

static const char *const private[] = {
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.168.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:7f00:1::1",
    "2002:c0a8:1::1",
    "fc00::1",
    "fdff::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
};
static const char *const public[] = {
    "1.1.1.1",        "9.255.255.255",    "11.0.0.1",        "100.63.255.255",
    "100.128.0.1",    "126.0.0.1",        "128.0.0.1",       "169.253.0.1",
    "172.15.0.1",     "172.32.0.1",       "192.0.1.1",       "192.167.0.1",
    "198.17.0.1",     "198.20.0.1",       "223.255.255.255", "2001:db8::1",
    "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::1", "fbff::1",
};

static void private_addresses_are_refused_on_public_ports(void **state)
{
    const struct delivery_config plain = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(private) / sizeof(private[0]); i++) {
        struct sockaddr_storage smtp = address(private[i], 25);
        struct sockaddr_storage https = address(private[i], 443);
        struct sockaddr_storage moved = address(private[i], 2525);

        if (inside_allows(&plain, &smtp) || inside_allows(&plain, &https) ||
            !inside_allows(&plain, &moved))
            fail_msg("%s", private[i]);
    }
    for (size_t i = 0; i < sizeof(public) / sizeof(public[0]); i++) {
        struct sockaddr_storage smtp = address(public[i], 25);

        if (!inside_allows(&plain, &smtp))
            fail_msg("%s", public[i]);
    }
}

static void the_configuration_allows_ranges(void **state)
{
    const struct address_range ranges[] = {
        { AF_INET, 12, { 172, 16 } },
        { AF_INET6, 8, { 0xfd } },
    };
    const struct delivery_config delivery = { .allow_private = ranges,
                                              .allow_private_n = 2 };
    struct sockaddr_storage in[] = { address("172.31.0.9", 25),
                                     address("fd12::1", 25) };
    struct sockaddr_storage out[] = { address("10.0.0.1", 25),
                                      address("fc12::1", 25),
                                      address("127.0.0.1", 25) };

    (void)state;
    for (size_t i = 0; i < 2; i++)
        assert_true(inside_allows(&delivery, &in[i]));
    for (size_t i = 0; i < 3; i++)
        assert_false(inside_allows(&delivery, &out[i]));
}

static void own_listeners_are_known(void **state)
{
    struct listen_config listens[] = {
        { .address = address("192.0.2.1", 25) },
        { .address = address("0.0.0.0", 587) },
    };
    const struct config config = { .listens = listens, .listens_n = 2 };
    const struct sockaddr_storage *own;
    struct arena arena = { 0 };
    size_t n = inside_own(&config, &arena, &own);
    struct sockaddr_storage at = address("192.0.2.1", 25);
    struct sockaddr_storage port = address("192.0.2.1", 587);
    struct sockaddr_storage all = address("127.0.0.1", 587);

    (void)state;
    assert_true(inside_is_own(own, n, &at));
    assert_false(inside_is_own(own, n, &port));
    assert_true(inside_is_own(own, n, &all));
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(private_addresses_are_refused_on_public_ports),
        cmocka_unit_test(the_configuration_allows_ranges),
        cmocka_unit_test(own_listeners_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
