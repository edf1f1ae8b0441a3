/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes mail and checks it: every stamp must arrive once and intact. Ends when
 * --wait messages have arrived and nothing came for a moment, or at --seconds.
 * Prints one JSON object. See bench/README.md.
 */
#include "bench/stamp.h"
#include "net/listener.h"
#include "net/tls.h"
#include "smtp/data.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NUMBERS_MAX = 4000000, QUIET_MS = 300 };

static struct {
    uint16_t port;
    uint64_t wait;
    double seconds;
    bool quick;
    const char *certificate, *key, *arrived_path;
    struct tls_server *tls;
} set;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned char seen[NUMBERS_MAX];
static uint32_t *latency_us; /* by number */
static uint64_t unique, doubled, corrupt, first_ns, last_ns;

static void arrived(struct str message)
{
    uint64_t now = stamp_now_ns();
    struct stamp stamp;
    bool ok = stamp_read(message, &stamp) && stamp.number < NUMBERS_MAX;

    pthread_mutex_lock(&lock);
    if (!ok) {
        corrupt++;
    } else if (seen[stamp.number]++ > 0) {
        doubled++;
    } else {
        unique++;
        latency_us[stamp.number] = (uint32_t)((now - stamp.sent_ns) / 1000);
    }
    if (first_ns == 0)
        first_ns = now;
    last_ns = now;
    pthread_mutex_unlock(&lock);
}

struct guest {
    struct stream *stream;
    struct buf message, piece;
    bool greeted, closing;
};

static void *open_guest(void *context, size_t which, struct stream **stream)
{
    struct guest *g = calloc(1, sizeof(*g));

    (void)context;
    (void)which;
    g->stream = *stream;
    *stream = NULL;
    stream_timeout(g->stream, 300000);
    return g;
}

static void free_guest(void *session)
{
    struct guest *g = session;

    stream_free(&g->stream);
    buf_free(&g->message);
    buf_free(&g->piece);
    free(g);
}

static void take_data(struct guest *g)
{
    struct smtp_data_decoder d;
    enum smtp_data_state state = SMTP_DATA_MORE;

    stream_write(g->stream, STR("354 go\r\n"));
    stream_flush(g->stream);
    smtp_data_begin(&d, false);
    buf_clear(&g->message);
    while (state == SMTP_DATA_MORE) {
        struct str block;
        size_t used;

        if (stream_peek(g->stream, &block) != STREAM_OK) {
            g->closing = true;
            return;
        }
        state = smtp_data_decode(&d, block, &g->message, &used);
        stream_consume(g->stream, used);
    }
    if (state == SMTP_DATA_END) {
        arrived(buf_str(&g->message));
        stream_write(g->stream, STR("250 2.0.0 Ok: taken\r\n"));
    } else {
        g->closing = true;
    }
}

static void command(struct guest *g, struct str line)
{
    bool tls = stream_is_tls(g->stream);

    if (str_starts_nocase(line, STR("EHLO"))) {
        stream_write(g->stream,
                     STR("250-sink.example\r\n250-PIPELINING\r\n"
                         "250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n"
                         "250-SIZE 1000000000\r\n"
                         "250-ENHANCEDSTATUSCODES\r\n"));
        stream_write(g->stream, tls || set.tls == NULL
                                    ? STR("250 HELP\r\n")
                                    : STR("250 STARTTLS\r\n"));
    } else if (str_starts_nocase(line, STR("STARTTLS")) && set.tls != NULL) {
        stream_write(g->stream, STR("220 go\r\n"));
        g->closing = stream_start_tls_server(g->stream, set.tls) != STREAM_OK;
    } else if (str_starts_nocase(line, STR("DATA"))) {
        take_data(g);
    } else if (str_starts_nocase(line, STR("QUIT"))) {
        stream_write(g->stream, STR("221 2.0.0 Bye\r\n"));
        g->closing = true;
    } else {
        stream_write(g->stream, STR("250 2.0.0 Ok\r\n"));
    }
}

static enum listener_next step(void *session, int64_t *park_until_mono_ms)
{
    struct guest *g = session;
    int one = 1;

    (void)park_until_mono_ms;
    if (!g->greeted)
        stream_write(g->stream, STR("220 sink.example ESMTP\r\n"));
    g->greeted = true;
    while (!g->closing) {
        struct str line;

        if (set.quick)
            setsockopt(stream_fd(g->stream), IPPROTO_TCP, TCP_QUICKACK, &one,
                       sizeof(one));
        if (!stream_has_input(g->stream) &&
            stream_flush(g->stream) != STREAM_OK)
            break;
        if (stream_read_line(g->stream, 4096, &line) != STREAM_OK)
            break;
        command(g, line);
    }
    stream_flush(g->stream);
    stream_shutdown(g->stream);
    return LISTENER_DONE;
}

static int fd_of(void *session)
{
    return stream_fd(((struct guest *)session)->stream);
}

static void expired(void *session, bool stopping)
{
    (void)session;
    (void)stopping;
}

static struct str busy(void *context, size_t which, bool per_source)
{
    (void)context;
    (void)which;
    (void)per_source;
    return STR("421 busy\r\n");
}

static int bind_port(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons(set.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
        listen(fd, 4096) != 0) {
        fprintf(stderr, "sink: port %u: %s\n", set.port, strerror(errno));
        exit(1);
    }
    return fd;
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void print_result(void)
{
    uint32_t *sorted = malloc((unique + 1) * sizeof(*sorted));
    uint64_t n = 0;
    FILE *list = set.arrived_path == NULL ? NULL : fopen(set.arrived_path, "w");

    for (uint64_t i = 0; i < NUMBERS_MAX; i++) {
        if (seen[i] == 0)
            continue;
        if (n < unique)
            sorted[n++] = latency_us[i];
        if (list != NULL)
            fprintf(list, "%" PRIu64 " %u\n", i, seen[i]);
    }
    if (list != NULL)
        fclose(list);
    qsort(sorted, n, sizeof(*sorted), by_size);
    printf("{\"unique\": %" PRIu64 ", \"doubled\": %" PRIu64
           ", \"corrupt\": %" PRIu64 ", \"first_ns\": %" PRIu64
           ", \"last_ns\": %" PRIu64 ", \"latency_ms\": {\"p50\": %.2f, "
           "\"p99\": %.2f, \"max\": %.2f}}\n",
           unique, doubled, corrupt, first_ns, last_ns,
           n == 0 ? 0 : sorted[n / 2] / 1e3,
           n == 0 ? 0 : sorted[n * 99 / 100] / 1e3,
           n == 0 ? 0 : sorted[n - 1] / 1e3);
    free(sorted);
}

static void parse(int argc, char **argv)
{
    static const struct option options[] = {
        { "port", 1, NULL, 'p' },    { "wait", 1, NULL, 'w' },
        { "seconds", 1, NULL, 's' }, { "certificate", 1, NULL, 'c' },
        { "key", 1, NULL, 'k' },     { "quickack", 0, NULL, 'q' },
        { "arrived", 1, NULL, 'a' }, { NULL, 0, NULL, 0 },
    };
    int c;

    set.seconds = 60;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'p')
            set.port = (uint16_t)strtoul(optarg, NULL, 10);
        else if (c == 'w')
            set.wait = strtoull(optarg, NULL, 10);
        else if (c == 's')
            set.seconds = strtod(optarg, NULL);
        else if (c == 'c')
            set.certificate = optarg;
        else if (c == 'k')
            set.key = optarg;
        else if (c == 'q')
            set.quick = true;
        else if (c == 'a')
            set.arrived_path = optarg;
        else
            exit(2);
    }
}

static volatile sig_atomic_t interrupted;

static void interrupt(int sig)
{
    interrupted = sig;
}

static bool done(uint64_t end_ns)
{
    uint64_t now = stamp_now_ns();
    bool all;

    pthread_mutex_lock(&lock);
    all = set.wait > 0 && unique >= set.wait &&
          now - last_ns > QUIET_MS * 1000000ull;
    pthread_mutex_unlock(&lock);
    return all || now > end_ns || interrupted;
}

int main(int argc, char **argv)
{
    struct listener_callbacks callbacks = { .open = open_guest,
                                            .step = step,
                                            .fd = fd_of,
                                            .expired = expired,
                                            .free = free_guest,
                                            .busy = busy };
    struct listener_limits limits = { 10000, 10000, 256 };
    uint64_t end_ns;
    int fd;

    parse(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, interrupt);
    latency_us = calloc(NUMBERS_MAX, sizeof(*latency_us));
    if (set.certificate != NULL &&
        !status_is_ok(tls_server_new(str_from_cstr(set.certificate),
                                     str_from_cstr(set.key), TLS_FOR_SMTP,
                                     &set.tls)))
        return 1;
    fd = bind_port();
    end_ns = stamp_now_ns() + (uint64_t)(set.seconds * 1e9);
    listener_start(&fd, 1, &callbacks, &limits);
    while (!done(end_ns))
        usleep(20000);
    print_result();
    return set.wait == 0 || (unique == set.wait && corrupt == 0) ? 0 : 1;
}
