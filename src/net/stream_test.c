/* SPDX-License-Identifier: Apache-2.0 */
#include "net/stream.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct pair {
    struct stream *s;
    int far;
};

static struct pair pair_new(void)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    struct pair p = { stream_from_fd(fds[0]), fds[1] };
    stream_timeout(p.s, 5000);
    return p;
}

static void pair_free(struct pair *p)
{
    stream_free(&p->s);
    close(p->far);
}

static void say(const struct pair *p, const char *text)
{
    size_t n = strlen(text);

    assert_int_equal(send(p->far, text, n, MSG_NOSIGNAL), n);
}

/* --- lines -----------------------------------------------------------------
 */

static const struct line_row {
    const char *octets;
    enum stream_result result;
    const char *line;
} lines[] = {
    { "NOOP\r\n", STREAM_OK, "NOOP" },
    { "\r\n", STREAM_OK, "" },
    { "a\r\nb\r\n", STREAM_OK, "a" },
    { "12345678\r\n", STREAM_OK, "12345678" },
    { "123456789\r\n", STREAM_TOO_LONG, "" },
    { "a\nb\r\n", STREAM_BAD_LINE, "" },
    { "\n", STREAM_BAD_LINE, "" },
    { "a\rb\r\n", STREAM_BAD_LINE, "" },
    { "a\r\r\n", STREAM_BAD_LINE, "" },
    { "a\r\nb\n", STREAM_OK, "a" },
};

/* In one piece, and octet by octet with line_ready as the guard: the same. */
static void line_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        for (int drip = 0; drip < 2; drip++) {
            const struct line_row *row = &lines[i];
            struct pair p = pair_new();
            struct str line = STR("");
            size_t sent = 0;

            if (!drip)
                say(&p, row->octets);
            while (drip && !stream_line_ready(p.s, 8)) {
                assert_true(row->octets[sent] != '\0');
                assert_int_equal(send(p.far, row->octets + sent++, 1, 0), 1);
            }
            assert_true(stream_line_ready(p.s, 8));
            enum stream_result r = stream_read_line(p.s, 8, &line);
            if (r != row->result || !str_eq(line, str_from_cstr(row->line)))
                fail_msg("line %zu (drip %d): %d", i, drip, r);
            pair_free(&p);
        }
}

static void after_too_long(void **state)
{
    char flood[5000];
    struct pair p = pair_new();
    struct str line;

    (void)state;
    memset(flood, 'x', sizeof(flood));
    for (int i = 0; i < 10; i++)
        assert_int_equal(send(p.far, flood, sizeof(flood), 0), sizeof(flood));
    assert_true(stream_line_ready(p.s, 512));
    assert_int_equal(stream_read_line(p.s, 512, &line), STREAM_TOO_LONG);
    assert_false(stream_line_ready(p.s, 512)); /* its end is not here yet */
    say(&p, "xx\r\nNOOP\r\nQ");
    assert_true(stream_line_ready(p.s, 512));
    assert_int_equal(stream_read_line(p.s, 512, &line), STREAM_OK);
    assert_true(str_eq(line, STR("NOOP")));
    assert_false(stream_line_ready(p.s, 512));
    assert_true(stream_has_input(p.s)); /* "Q" */
    stream_park(p.s);                   /* must not lose it */
    say(&p, "UIT\r\n");
    assert_int_equal(stream_read_line(p.s, 512, &line), STREAM_OK);
    assert_true(str_eq(line, STR("QUIT")));
    pair_free(&p);
}

/* --- blocks ----------------------------------------------------------------
 */

static void blocks(void **state)
{
    struct pair p = pair_new();
    struct str block;
    char octets[4];

    (void)state;
    assert_int_equal(stream_peek_now(p.s, &block), STREAM_TIMEOUT);
    say(&p, "abcdef");
    assert_int_equal(stream_peek_now(p.s, &block), STREAM_OK);
    assert_true(str_eq(block, STR("abcdef")));
    stream_consume(p.s, 2);
    assert_int_equal(stream_peek(p.s, &block), STREAM_OK);
    assert_true(str_eq(block, STR("cdef")));
    assert_int_equal(stream_read_all(p.s, octets, 4), STREAM_OK);
    assert_memory_equal(octets, "cdef", 4);
    say(&p, "gh");
    shutdown(p.far, SHUT_WR);
    assert_int_equal(stream_read_all(p.s, octets, 4), STREAM_CLOSED);
    assert_true(stream_line_ready(p.s, 10));
    assert_int_equal(stream_peek_now(p.s, &block), STREAM_CLOSED);
    pair_free(&p);
}

/* --- time ------------------------------------------------------------------
 */

/* A wait that is renewed by every octet still ends at the deadline. */
static void *drip(void *argument)
{
    const int *fd = argument;

    for (int i = 0; i < 40; i++) {
        if (send(*fd, "x", 1, MSG_NOSIGNAL) != 1)
            break;
        usleep(10000);
    }
    return NULL;
}

static void deadline(void **state)
{
    struct pair p = pair_new();
    int64_t begun = clock_mono_ms();
    struct str line;
    pthread_t thread;

    (void)state;
    stream_timeout(p.s, 100);
    stream_deadline(p.s, begun + 150);
    pthread_create(&thread, NULL, drip, &p.far);
    assert_int_equal(stream_read_line(p.s, 1000, &line), STREAM_TIMEOUT);
    assert_in_range(clock_mono_ms() - begun, 100, 390);
    pthread_join(thread, NULL);
    stream_deadline(p.s, clock_mono_ms() + 5000);
    begun = clock_mono_ms();
    assert_int_equal(stream_read_line(p.s, 1000, &line), STREAM_TIMEOUT);
    assert_in_range(clock_mono_ms() - begun, 50, 1000); /* one wait */
    pair_free(&p);
}

/* SO-12: the peer's window is shut. */
static void nobody_reads(void **state)
{
    struct pair p = pair_new();
    char octets[4096] = { 0 };
    enum stream_result r = STREAM_OK;

    (void)state;
    stream_deadline(p.s, clock_mono_ms() + 100);
    for (int i = 0; r == STREAM_OK && i < 10000; i++)
        r = stream_write(p.s, str_of(octets, sizeof(octets)));
    assert_int_equal(r, STREAM_TIMEOUT);
    pair_free(&p);
}

/* --- writing ---------------------------------------------------------------
 */

static void writes_are_one_packet(void **state)
{
    struct pair p = pair_new();
    char octets[64];

    (void)state;
    stream_write(p.s, STR("250-a\r\n"));
    stream_writef(p.s, "250 %d\r\n", 7);
    assert_int_equal(recv(p.far, octets, sizeof(octets), MSG_DONTWAIT), -1);
    assert_int_equal(stream_flush(p.s), STREAM_OK);
    assert_int_equal(recv(p.far, octets, sizeof(octets), 0), 14);
    assert_memory_equal(octets, "250-a\r\n250 7\r\n", 14);
    pair_free(&p);
}

static void broken_stays_broken(void **state)
{
    struct pair p = pair_new();
    struct str line;

    (void)state;
    close(p.far);
    p.far = -1;
    stream_write(p.s, STR("x"));
    assert_int_equal(stream_flush(p.s), STREAM_BROKEN);
    assert_true(stream_fault(p.s)[0] != '\0');
    assert_int_equal(stream_read_line(p.s, 10, &line), STREAM_BROKEN);
    assert_true(stream_line_ready(p.s, 10));
    stream_free(&p.s);
    stream_free(&p.s); /* accepts NULL */
}

/* --- connecting ------------------------------------------------------------
 */

static void connects(void **state)
{
    struct sockaddr_storage to = { .ss_family = AF_INET };
    struct sockaddr_in *v4 = (struct sockaddr_in *)&to;
    socklen_t n = sizeof(*v4);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct stream *s;

    (void)state;
    v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&to, n), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&to, &n), 0);
    struct status st =
        stream_connect(&to, 1000, -1, &s); /* bound, not listening */
    assert_int_equal(st.smtp, 451);
    assert_null(s);
    assert_non_null(strstr(st.why, "127.0.0.1 port "));
    assert_non_null(strstr(st.why, "refused"));
    assert_int_equal(listen(fd, 1), 0);
    st = stream_connect(&to, 1000, -1, &s);
    assert_true(status_is_ok(st));
    assert_string_equal(stream_peer(s), "127.0.0.1");
    assert_int_equal(stream_peer_port(s), ntohs(v4->sin_port));
    stream_free(&s);
    close(fd);
}

/* A black hole, and a time that was over before: neither waits for ever. A
 * listener whose queue is full answers nothing. */
static void connect_in_time(void **state)
{
    struct sockaddr_storage to = { .ss_family = AF_INET };
    struct sockaddr_in *v4 = (struct sockaddr_in *)&to;
    socklen_t n = sizeof(*v4);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct stream *first[4] = { NULL }, *s;
    struct status st = status_ok();

    (void)state;
    v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&to, n), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&to, &n), 0);
    assert_int_equal(listen(fd, 0), 0);
    for (size_t i = 0; status_is_ok(st) && i < 4; i++)
        st = stream_connect(&to, 100, -1, &first[i]);
    assert_false(status_is_ok(st));
    assert_non_null(strstr(st.why, "timed out"));
    int64_t begun = clock_mono_ms();
    st = stream_connect(&to, -5, -1, &s);
    assert_false(status_is_ok(st));
    assert_true(clock_mono_ms() - begun < 1000);
    for (size_t i = 0; i < 4; i++)
        stream_free(&first[i]);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_table),
        cmocka_unit_test(after_too_long),
        cmocka_unit_test(blocks),
        cmocka_unit_test(deadline),
        cmocka_unit_test(nobody_reads),
        cmocka_unit_test(writes_are_one_packet),
        cmocka_unit_test(broken_stays_broken),
        cmocka_unit_test(connects),
        cmocka_unit_test(connect_in_time),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
