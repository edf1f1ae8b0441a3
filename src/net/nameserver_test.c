/* SPDX-License-Identifier: Apache-2.0 */
#include "net/nameserver.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void addresses(void **state)
{
    static const struct {
        const char *text;
        bool want, local;
    } rows[] = {
        { "127.0.0.1", true, true },        { "127.9.9.9@5353", true, true },
        { "192.0.2.1@53", true, false },    { "::1", true, true },
        { "2001:db8::1@853", true, false }, { "ns.example", false, false },
        { "192.0.2.1@", false, false },     { "192.0.2.1@70000", false, false },
        { "192.0.2.1@5x", false, false },   { "", false, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct nameservers s = { .n = 0 };

        if (nameserver_add(&s, str_from_cstr(rows[i].text)) != rows[i].want ||
            nameservers_are_local(&s) != rows[i].local)
            fail_msg("%s", rows[i].text);
        assert_int_equal(s.n, rows[i].want);
    }
}

static void resolv_conf(void **state)
{
    struct nameservers s = { .n = 0 };

    (void)state;
    nameservers_parse(STR("# nameserver 192.0.2.9\n"
                          "search example\n"
                          "nameserver 192.0.2.1\r\n"
                          "  nameserver\t127.0.0.53  trailing\n"
                          "nameservers 192.0.2.2\n"
                          "nameserver\n"
                          "nameserver fe80::1"),
                      &s);
    assert_int_equal(s.n, 3);
    assert_string_equal(s.list[1].text, "127.0.0.53");
    assert_true(nameservers_are_local(&s));
    for (int i = 0; i < 20; i++)
        nameservers_parse(STR("nameserver 192.0.2.1\n"), &s);
    assert_int_equal(s.n, NAMESERVERS_MAX);
}

struct server {
    int fd;
    char text[NAMESERVER_TEXT];
};

static struct server server_new(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET };
    socklen_t n = sizeof(a);
    struct server s = { socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "" };

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(s.fd, (struct sockaddr *)&a, n), 0);
    getsockname(s.fd, (struct sockaddr *)&a, &n);
    snprintf(s.text, sizeof(s.text), "127.0.0.1@%u", ntohs(a.sin_port));
    return s;
}

static void *answer(void *argument)
{
    const struct server *s = argument;
    struct sockaddr_in from;
    socklen_t from_n = sizeof(from);
    unsigned char query[512];
    ssize_t n = recvfrom(s->fd, query, sizeof(query), 0,
                         (struct sockaddr *)&from, &from_n);

    assert_int_equal(n, 28);
    query[2] |= 0x80;
    query[3] = 2; /* SERVFAIL: it lives */
    sendto(s->fd, query, (size_t)n, 0, (struct sockaddr *)&from, from_n);
    return NULL;
}

static void alive_or_not(void **state)
{
    struct nameservers s = { .n = 0 };
    struct server silent = server_new(), good = server_new(),
                  gone = server_new();
    int64_t begun = clock_mono_ms();
    pthread_t thread;

    (void)state;
    close(gone.fd);
    assert_true(nameserver_add(&s, str_from_cstr(gone.text)));
    assert_false(nameservers_answer(&s, 2000)); /* refused: no need to wait */
    assert_true(clock_mono_ms() - begun < 1000);
    assert_true(nameserver_add(&s, str_from_cstr(silent.text)));
    assert_false(nameservers_answer(&s, 50));
    assert_true(nameserver_add(&s, str_from_cstr(good.text)));
    pthread_create(&thread, NULL, answer, &good);
    assert_true(nameservers_answer(&s, 5000));
    pthread_join(thread, NULL);
    close(silent.fd);
    close(good.fd);
}

#define HEAD(answers) "\1\2\x81\x80\0\1\0" answers "\0\0\0\0"
#define ROOT_SOA "\0\0\6\0\1"
#define NAME "\xc0\x0c"
/* Type covered to labels, TTL; then until and from; key tag. */
#define RRSIG(n, until, from)                                                  \
    "\0\x2e\0\1\0\0\0\1\0" n "\0\6\x0d\0\0\0\0\1" until from "\0\1"

static void times_of_a_reply(void **state)
{
    static const struct {
        const char *name;
        struct str in;
        bool good;
        int64_t from_s, until_s;
    } rows[] = {
        { "signed",
          STR_INIT(HEAD("\1")
                       ROOT_SOA NAME RRSIG("\x12", "\x6b\0\0\0", "\x6a\0\0\0")),
          true, 0x6a000000, 0x6b000000 },
        { "behind another record",
          STR_INIT(HEAD("\2") ROOT_SOA "\1a\0\0\6\0\1\0\0\0\1\0\2xy" NAME RRSIG(
              "\x12", "\0\0\0\2", "\0\0\0\1")),
          true, 1, 2 },
        { "only an unsigned record",
          STR_INIT(HEAD("\1") ROOT_SOA NAME "\0\6\0\1\0\0\0\1\0\2xy"), false, 0,
          0 },
        { "no answer", STR_INIT(HEAD("\0") ROOT_SOA), false, 0, 0 },
        { "too short a signature",
          STR_INIT(HEAD("\1") ROOT_SOA NAME "\0\x2e\0\1\0\0\0\1\0\2\0\6"),
          false, 0, 0 },
        { "length beyond the end",
          STR_INIT(HEAD("\1")
                       ROOT_SOA NAME RRSIG("\x40", "\0\0\0\2", "\0\0\0\1")),
          false, 0, 0 },
        { "reserved label",
          STR_INIT(HEAD("\1") ROOT_SOA
                   "\x80" RRSIG("\x12", "\0\0\0\2", "\0\0\0\1")),
          false, 0, 0 },
        { "more answers than there are", STR_INIT(HEAD("\x40") ROOT_SOA), false,
          0, 0 },
        { "cut", STR_INIT("\1\2\x81\x80\0\1"), false, 0, 0 },
        { "empty", STR_INIT(""), false, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct signature_times times = { 0 };

        if (nameserver_reply_times(rows[i].in, &times) != rows[i].good)
            fail_msg("%s", rows[i].name);
        assert_int_equal(times.from_s, rows[i].from_s);
        assert_int_equal(times.until_s, rows[i].until_s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(resolv_conf),
        cmocka_unit_test(alive_or_not),
        cmocka_unit_test(times_of_a_reply),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
