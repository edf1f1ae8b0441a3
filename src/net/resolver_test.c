/* SPDX-License-Identifier: Apache-2.0 */
#include "net/resolver.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static const struct row {
    const char *wire;
    size_t n;
    const char *want; /* NULL: refused */
} rows[] = {
    { "\2mX\7Example\0", 12, "mx.example" },
    { "\0", 1, "" },
    { "", 0, NULL },
    { "\2mx", 3, NULL },
    { "\3mx", 3, NULL },
    { "\xc0\x0c", 2, NULL },
    { "\3a\rb\0", 5, NULL },
    { "\3a.b\0", 5, NULL },
    { "\003"
      "192\001"
      "0\001"
      "2\001"
      "1",
      11, "192.0.2.1" },
};

static void names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena arena = { 0 };
        struct str out;
        size_t used;
        bool ok =
            dns_name_text(str_of(rows[i].wire, rows[i].n), &arena, &out, &used);

        assert_int_equal(ok, rows[i].want != NULL);
        if (ok) {
            assert_true(str_eq(out, str_from_cstr(rows[i].want)));
            assert_int_equal(used, rows[i].n);
        }
        arena_free(&arena);
    }
}

static void longest(void **state)
{
    struct arena arena = { 0 };
    char wire[400];
    struct str out;
    size_t used;

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        wire[i * 64] = 63;
        memset(wire + i * 64 + 1, 'a', 63);
    }
    wire[192] = 61;
    wire[254] = 0;
    assert_true(dns_name_text(str_of(wire, 255), &arena, &out, &used));
    assert_int_equal(out.n, 253);
    wire[192] = 62; /* one octet too long (RFC 1035, 2.3.4) */
    wire[255] = 0;
    assert_false(dns_name_text(str_of(wire, 256), &arena, &out, &used));
    wire[192] = 63;
    assert_false(dns_name_text(str_of(wire, 300), &arena, &out, &used));
    arena_free(&arena);
}

/* --- a server that does not answer ------------------------------------------
 */

struct asking {
    struct resolver *resolver;
    int64_t timeout_ms;
};

static void *asker(void *argument)
{
    const struct asking *a = argument;
    struct arena arena = { 0 };
    struct dns_question q[3] = { { .name = STR("a.example"), .type = DNS_A },
                                 { .name = STR("b.example"), .type = DNS_MX },
                                 { .name = STR(""), .type = DNS_A } };
    int64_t begun = clock_mono_ms();

    resolver_ask(a->resolver, q, 3, a->timeout_ms, &arena);
    assert_true(clock_mono_ms() - begun < a->timeout_ms + 5000);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(q[i].state, DNS_ERROR);
        assert_int_equal(q[i].n, 0);
        assert_int_equal(q[i].fault.smtp, 451);
    }
    /* Nobody's domain is blamed. */
    assert_non_null(strstr(q[0].fault.why, "our resolver 127.0.0.1@"));
    assert_non_null(strstr(q[1].fault.why, "does not answer"));
    arena_free(&arena);
    return NULL;
}

static void silent_server(void **state)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t n = sizeof(address);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct config config = { 0 };
    struct arena arena = { 0 };
    struct resolver *resolver;
    pthread_t threads[4];

    (void)state;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, n), 0);
    getsockname(fd, (struct sockaddr *)&address, &n);
    config.dns_resolver =
        arena_printf(&arena, "127.0.0.1@%u", ntohs(address.sin_port));
    struct status st = resolver_open(&config, &resolver);
    assert_true(status_is_ok(st));
    struct asking asking = { resolver, 300 };
    for (size_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, asker, &asking);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    int64_t begun = clock_mono_ms();
    resolver_close(&resolver); /* with look-ups still under way inside */
    assert_true(clock_mono_ms() - begun < 5000);
    assert_null(resolver);
    resolver_close(&resolver); /* accepts NULL */
    arena_free(&arena);
    close(fd);
}

static void no_anchor(void **state)
{
    struct config config = { .dns_resolver = STR("127.0.0.1@9"),
                             .dns_trust_anchor_file = STR("/nowhere.key") };
    struct resolver *resolver;
    struct status st = resolver_open(&config, &resolver);

    (void)state;
    assert_false(status_is_ok(st));
    assert_null(resolver);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(names),
                                        cmocka_unit_test(longest),
                                        cmocka_unit_test(silent_server),
                                        cmocka_unit_test(no_anchor) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
