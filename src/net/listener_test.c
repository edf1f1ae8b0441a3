/* SPDX-License-Identifier: Apache-2.0 */
/* A small line server on the listener: "hi" is echoed, "bye" ends it. */
#include "net/listener.h"

#include "base/clock.h"
#include "base/panic.h"
#include "net/sources.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { THREADS = 2, WAIT_MS = 10000 };

static atomic_int opened, freed, expired_idle, expired_stop, steps;
static atomic_int idle_ms, line_ms; /* line_ms: time for the first line */

struct session {
    struct stream *stream;
    int64_t begun;
};

static void *session_open(void *context, size_t which, struct stream **stream)
{
    struct session *s = calloc(1, sizeof(*s));

    (void)context;
    (void)which;
    if (s == NULL)
        panic("out of memory");
    s->stream = *stream;
    *stream = NULL;
    s->begun = clock_mono_ms();
    opened++;
    return s;
}

static enum listener_next session_step(void *session, int64_t *until)
{
    struct session *s = session;
    struct str line;

    steps++;
    stream_timeout(s->stream, WAIT_MS);
    while (stream_line_ready(s->stream, 100)) {
        if (stream_read_line(s->stream, 100, &line) != STREAM_OK ||
            str_eq(line, STR("bye")))
            return LISTENER_DONE;
        stream_writef(s->stream, "%.*s\r\n", STR_ARG(line));
        stream_flush(s->stream);
    }
    stream_park(s->stream);
    *until = line_ms > 0 ? s->begun + line_ms : clock_mono_ms() + idle_ms;
    return LISTENER_PARK;
}

static int session_fd(void *session)
{
    return stream_fd(((struct session *)session)->stream);
}

static void session_expired(void *session, bool stopping)
{
    struct session *s = session;

    if (stopping)
        expired_stop++;
    else
        expired_idle++;
    stream_write(s->stream, STR("421\r\n"));
    stream_flush(s->stream);
}

static void session_free(void *session)
{
    struct session *s = session;

    stream_free(&s->stream);
    free(s);
    freed++;
}

static struct str busy(void *context, size_t which, bool per_source)
{
    (void)context;
    (void)which;
    return per_source ? STR("too many from you\r\n") : STR("too many\r\n");
}

struct server {
    struct listener *listener;
    struct sockaddr_in address;
    int fd;
};

static struct server start(uint32_t connections, uint32_t per_source)
{
    const struct listener_callbacks call = {
        .open = session_open,
        .step = session_step,
        .fd = session_fd,
        .expired = session_expired,
        .free = session_free,
        .busy = busy,
    };
    const struct listener_limits limits = { connections, per_source, THREADS };
    static struct server server; /* its fd outlives the threads */
    socklen_t n = sizeof(server.address);

    opened = freed = expired_idle = expired_stop = steps = 0;
    idle_ms = WAIT_MS;
    server.address = (struct sockaddr_in){ .sin_family = AF_INET };
    server.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server.fd, (struct sockaddr *)&server.address, n), 0);
    assert_int_equal(listen(server.fd, 4096), 0);
    getsockname(server.fd, (struct sockaddr *)&server.address, &n);
    server.listener = listener_start(&server.fd, 1, &call, &limits);
    return server;
}

static void stop(struct server *server)
{
    listener_stop(&server->listener, WAIT_MS);
    assert_null(server->listener);
    listener_stop(&server->listener, WAIT_MS); /* accepts NULL */
    close(server->fd);
    assert_int_equal(opened, freed);
}

static int dial_from(const struct server *server, const char *source)
{
    struct sockaddr_in from = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    inet_pton(AF_INET, source, &from.sin_addr);
    assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&server->address,
                             sizeof(server->address)),
                     0);
    return fd;
}

static void ask(int fd, const char *line, const char *want)
{
    char reply[100];
    struct pollfd p = { fd, POLLIN, 0 };

    assert_int_equal(send(fd, line, strlen(line), MSG_NOSIGNAL), strlen(line));
    assert_int_equal(poll(&p, 1, WAIT_MS), 1);
    ssize_t n = recv(fd, reply, sizeof(reply), 0);
    if (want == NULL)
        assert_true(n <= 0);
    else
        assert_true(
            str_eq(str_of(reply, n > 0 ? (size_t)n : 0), str_from_cstr(want)));
}

static void wait_count(struct server *server, uint32_t want)
{
    int64_t end = clock_mono_ms() + WAIT_MS;

    while (listener_count(server->listener) != want && clock_mono_ms() < end)
        usleep(1000);
    assert_int_equal(listener_count(server->listener), want);
}

/* Another process shares the socket: nobody who waits there is lost. */
static void close_leaves_sessions_and_who_waits(void **state)
{
    struct server server = start(100, 100);
    struct pollfd waits = { server.fd, POLLIN, 0 };
    int in = dial_from(&server, "127.0.0.1"), late;

    (void)state;
    ask(in, "hi\r\n", "hi\r\n");
    listener_close(server.listener);
    late = dial_from(&server, "127.0.0.1");
    usleep(20000);
    assert_int_equal(poll(&waits, 1, WAIT_MS), 1);
    assert_int_equal(listener_count(server.listener), 1);
    ask(in, "still\r\n", "still\r\n");
    ask(in, "bye\r\n", NULL);
    wait_count(&server, 0);
    stop(&server);
    close(in);
    close(late);
}

static void parks_and_wakes(void **state)
{
    struct server server = start(100, 100);
    int fd = dial_from(&server, "127.0.0.1");

    (void)state;
    for (int i = 0; i < 50; i++) {
        ask(fd, "hi\r\n", "hi\r\n");
        if (i % 10 == 0)
            usleep(2000); /* let it park */
    }
    ask(fd, "bye\r\n", NULL);
    wait_count(&server, 0);
    close(fd);
    fd = dial_from(&server, "127.0.0.1");
    ask(fd, "hi\r\n", "hi\r\n");
    close(fd); /* hangs up while parked */
    wait_count(&server, 0);
    stop(&server);
}

/* SI-12: two threads, many who stop in the middle of a line. */
static void slow_ones_cost_nobody(void **state)
{
    enum { SLOW = 400 };
    struct server server = start(1000, 100);
    static int slow[SLOW];
    char source[32];

    (void)state;
    for (int i = 0; i < SLOW; i++) {
        snprintf(source, sizeof(source), "127.0.%d.1", i / 50 + 1);
        slow[i] = dial_from(&server, source);
        assert_int_equal(send(slow[i], "h", 1, 0), 1);
    }
    wait_count(&server, SLOW);
    int honest = dial_from(&server, "127.0.0.1");
    int64_t begun = clock_mono_ms();
    for (int i = 0; i < 100; i++) {
        ask(honest, "hi\r\n", "hi\r\n");
        send(slow[i], "i", 1, 0);
    }
    assert_true(clock_mono_ms() - begun < 5000);
    ask(slow[7], "\r\n", "hi\r\n"); /* and nothing of theirs is lost */
    close(honest);
    stop(&server);
    assert_int_equal(expired_idle, 0);
    assert_int_equal(opened, SLOW + 1);
    for (int i = 0; i < SLOW; i++)
        close(slow[i]);
}

static void caps(void **state)
{
    struct server server = start(4, 2);
    int a = dial_from(&server, "127.0.0.1");
    int b = dial_from(&server, "127.0.0.1");

    (void)state;
    wait_count(&server, 2);
    int c = dial_from(&server, "127.0.0.1");
    ask(c, "", "too many from you\r\n");
    int d = dial_from(&server, "127.0.0.2");
    int e = dial_from(&server, "127.0.0.3");
    wait_count(&server, 4);
    int f = dial_from(&server, "127.0.0.4");
    ask(f, "", "too many\r\n");
    close(a);
    wait_count(&server, 3);
    int g = dial_from(&server, "127.0.0.1"); /* its place is free again */
    ask(g, "hi\r\n", "hi\r\n");
    ask(d, "hi\r\n", "hi\r\n");
    stop(&server);
    for (size_t i = 0; i < 6; i++)
        close((int[]){ b, c, d, e, f, g }[i]);
}

static void idle_ones_end(void **state)
{
    struct server server = start(10, 10);

    (void)state;
    idle_ms = 100;
    int fd = dial_from(&server, "127.0.0.1");
    ask(fd, "hi\r\n", "hi\r\n");
    ask(fd, "", "421\r\n");
    wait_count(&server, 0);
    assert_int_equal(expired_idle, 1);
    close(fd);
    stop(&server);
}

/* Who drips is never idle, and its time still ends. */
static void dripping_ones_end(void **state)
{
    struct server server = start(10, 10);
    int fd = dial_from(&server, "127.0.0.1");
    int64_t begun = clock_mono_ms(), end = begun + 5000;

    (void)state;
    line_ms = 300;
    while (clock_mono_ms() < end && send(fd, "x", 1, MSG_NOSIGNAL) == 1 &&
           recv(fd, (char[8]){ 0 }, 8, MSG_DONTWAIT) < 0)
        usleep(10000);
    line_ms = 0;
    assert_in_range(clock_mono_ms() - begun, 250, 3000);
    wait_count(&server, 0);
    assert_int_equal(expired_idle, 1);
    close(fd);
    stop(&server);
}

/* QD-13: who is parked hears of it, nobody new is served. */
static void orderly_stop(void **state)
{
    struct server server = start(10, 10);
    int fd = dial_from(&server, "127.0.0.1");
    int64_t begun = clock_mono_ms();

    (void)state;
    ask(fd, "hi\r\n", "hi\r\n");
    stop(&server);
    assert_true(clock_mono_ms() - begun < 5000);
    assert_int_equal(expired_stop, 1);
    ask(fd, "", "421\r\n");
    close(fd);
}

/* No descriptor is left: no spinning, no loss, and it goes on afterwards. */
static void out_of_descriptors(void **state)
{
    struct server server = start(1000, 1000);
    struct rlimit old, few;
    int mine = dial_from(&server, "127.0.0.1");
    int late = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    ask(mine, "hi\r\n", "hi\r\n");
    getrlimit(RLIMIT_NOFILE, &old);
    few = old;
    few.rlim_cur = 3; /* all numbers above are taken or refused */
    setrlimit(RLIMIT_NOFILE, &few);
    assert_int_equal(connect(late, (const struct sockaddr *)&server.address,
                             sizeof(server.address)),
                     0);
    usleep(100000);
    assert_int_equal(listener_count(server.listener), 1);
    ask(mine, "hi\r\n", "hi\r\n"); /* others are served meanwhile */
    setrlimit(RLIMIT_NOFILE, &old);
    ask(late, "hi\r\n", "hi\r\n");
    close(mine);
    close(late);
    stop(&server);
}

/* --- sources ---------------------------------------------------------------
 */

static struct sockaddr_storage address(const char *text)
{
    struct sockaddr_storage a = { 0 };
    struct sockaddr_in *v4 = (struct sockaddr_in *)&a;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a;

    if (strchr(text, ':') != NULL) {
        v6->sin6_family = AF_INET6;
        assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
    } else {
        v4->sin_family = AF_INET;
        assert_int_equal(inet_pton(AF_INET, text, &v4->sin_addr), 1);
    }
    return a;
}

static void same_source(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        { "192.0.2.1", "192.0.2.1", true },
        { "192.0.2.1", "192.0.2.2", false },
        { "192.0.2.1", "::ffff:192.0.2.1", true },
        { "::ffff:192.0.2.1", "::ffff:192.0.2.2", false },
        { "2001:db8::1", "2001:db8::2", true },
        { "2001:db8::1", "2001:db8::a:b:c:d", true },
        { "2001:db8:0:1::1", "2001:db8:0:2::1", false },
        { "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", true },
        { "::", "0.0.0.0", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sources *s = sources_new();
        struct sockaddr_storage a = address(rows[i].a), b = address(rows[i].b);
        struct source *first = sources_enter(s, &a, 1);
        struct source *second = sources_enter(s, &b, 1);

        assert_non_null(first);
        if ((second == NULL) != rows[i].same)
            fail_msg("%s, %s", rows[i].a, rows[i].b);
        sources_leave(s, first);
        if (second != NULL)
            sources_leave(s, second);
        first = sources_enter(s, &a, 1);
        assert_non_null(first);
        sources_leave(s, first);
        assert_null(sources_enter(s, &a, 0));
        sources_free(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parks_and_wakes),
        cmocka_unit_test(close_leaves_sessions_and_who_waits),
        cmocka_unit_test(caps),
        cmocka_unit_test(slow_ones_cost_nobody),
        cmocka_unit_test(idle_ones_end),
        cmocka_unit_test(dripping_ones_end),
        cmocka_unit_test(orderly_stop),
        cmocka_unit_test(out_of_descriptors),
        cmocka_unit_test(same_source),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
