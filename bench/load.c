/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SMTP load: N threads, each with a connection of its own, hand in messages
 * with a stamp. Prints one JSON object. See bench/README.md.
 */
#include "base/log.h"
#include "bench/stamp.h"
#include "net/tls.h"
#include "net/tls_profile.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    struct sockaddr_storage to;
    unsigned connections, idle;
    uint64_t messages, run;
    size_t size;
    bool tls, fresh, quick, resume;
    FILE *acked_file;
    struct tls_client client;
} set;

static _Atomic uint64_t next_number, accepted, refused, broken;
static pthread_mutex_t file_lock = PTHREAD_MUTEX_INITIALIZER;

/* --- resumption ---------------------------------------------------------
 * As mail systems do it that send much to one host; the product's own client
 * never does (TP-21), so it is hung into its context from outside. */

static _Thread_local SSL_SESSION *last_session;
static _Atomic uint64_t resumed;

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(last_session);
    last_session = session;
    return 1;
}

static void offer_session(const SSL *ssl, int where, int result)
{
    (void)result;
    if (where != SSL_CB_HANDSHAKE_START || SSL_is_init_finished(ssl) ||
        last_session == NULL)
        return;
    SSL_set_session((SSL *)(uintptr_t)ssl, last_session);
}

static void resume_sessions(void)
{
    SSL_CTX *ctx = tls_trust_forced(set.client.trust);

    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
                                            SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, keep_session);
    SSL_CTX_set_info_callback(ctx, offer_session);
}

/* --- one client ---------------------------------------------------------- */

static int reply(struct stream *s)
{
    struct str line;

    do {
        if (stream_read_line(s, 4096, &line) != STREAM_OK || line.n < 4)
            return 0;
    } while (line.p[3] == '-');
    return (line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 + (line.p[2] - '0');
}

static int ask(struct stream *s, const char *command)
{
    stream_write(s, str_from_cstr(command));
    return stream_flush(s) == STREAM_OK ? reply(s) : 0;
}

/* Linux forgets TCP_QUICKACK again and again. */
static void acknowledge_at_once(struct stream *s)
{
    int one = 1;

    if (set.quick)
        setsockopt(stream_fd(s), IPPROTO_TCP, TCP_QUICKACK, &one, sizeof(one));
}

static struct stream *open_session(void)
{
    struct stream *s = NULL;
    struct status st = stream_connect(&set.to, 10000, -1, &s);

    if (!status_is_ok(st))
        return NULL;
    stream_timeout(s, 60000);
    if (reply(s) == 220 && ask(s, "EHLO load.example\r\n") == 250 &&
        (!set.tls ||
         (ask(s, "STARTTLS\r\n") == 220 &&
          stream_start_tls_client(s, &set.client, "") == STREAM_OK &&
          ask(s, "EHLO load.example\r\n") == 250))) {
        resumed += set.resume && SSL_session_reused(stream_ssl(s)) == 1;
        return s;
    }
    fprintf(stderr, "load: no session: %s\n", stream_fault(s));
    stream_free(&s);
    return NULL;
}

static bool hand_in(struct stream *s, uint64_t number, struct buf *text)
{
    struct stamp stamp = { set.run, number, stamp_now_ns() };

    buf_clear(text);
    stamp_write(&stamp, set.size, text);
    acknowledge_at_once(s);
    stream_write(s, STR("MAIL FROM:<load@clinic.example>\r\n"
                        "RCPT TO:<sink@sink.example>\r\nDATA\r\n"));
    if (stream_flush(s) != STREAM_OK || reply(s) != 250 || reply(s) != 250 ||
        reply(s) != 354)
        return false;
    acknowledge_at_once(s);
    stream_write(s, buf_str(text));
    return ask(s, ".\r\n") == 250;
}

static void note_acked(uint64_t number)
{
    accepted++;
    if (set.acked_file == NULL)
        return;
    pthread_mutex_lock(&file_lock);
    fprintf(set.acked_file, "%" PRIu64 "\n", number);
    fflush(set.acked_file);
    pthread_mutex_unlock(&file_lock);
}

static void *sender(void *unused)
{
    struct stream *s = NULL;
    struct buf text = { 0 };
    uint64_t number;
    unsigned failures = 0;

    while ((number = next_number++) < set.messages && failures < 2000) {
        if (s == NULL)
            s = open_session();
        if (s != NULL && hand_in(s, number, &text)) {
            note_acked(number);
            failures = 0;
        } else {
            /* Its fate is open; it is not counted as acknowledged. */
            *(s == NULL ? &broken : &refused) += 1;
            failures++;
            stream_free(&s);
            usleep(20000);
            continue;
        }
        if (set.fresh) {
            ask(s, "QUIT\r\n");
            /* A session that was not ended is not resumed. */
            stream_shutdown(s);
            stream_free(&s);
        }
    }
    if (s != NULL)
        ask(s, "QUIT\r\n");
    stream_free(&s);
    buf_free(&text);
    return unused;
}

static int hold_idle(void)
{
    struct stream **all = calloc(set.idle, sizeof(struct stream *));
    unsigned n = 0;

    for (; n < set.idle && (all[n] = open_session()) != NULL; n++)
        stream_park(all[n]);
    printf("{\"idle\": %u}\n", n);
    fflush(stdout);
    /* Held until standard input ends. */
    while (getchar() != EOF)
        continue;
    return n == set.idle ? 0 : 1;
}

static void usage(void)
{
    fputs("usage: load --to ADDRESS:PORT [--connections N] [--messages N]\n"
          "            [--size OCTETS] [--tls] [--fresh [--resume]]\n"
          "            [--quickack] [--acked FILE] [--run HEX] | --idle N\n",
          stderr);
    exit(2);
}

static void parse_to(const char *text)
{
    struct sockaddr_in *four = (struct sockaddr_in *)&set.to;
    char host[64];
    unsigned port;

    if (sscanf(text, "%63[^:]:%u", host, &port) != 2 ||
        inet_pton(AF_INET, host, &four->sin_addr) != 1)
        usage();
    four->sin_family = AF_INET;
    four->sin_port = htons((uint16_t)port);
}

static void parse(int argc, char **argv)
{
    static const struct option options[] = {
        { "to", 1, NULL, 't' },       { "connections", 1, NULL, 'c' },
        { "messages", 1, NULL, 'm' }, { "size", 1, NULL, 's' },
        { "tls", 0, NULL, 'T' },      { "fresh", 0, NULL, 'f' },
        { "quickack", 0, NULL, 'q' }, { "acked", 1, NULL, 'a' },
        { "resume", 0, NULL, 'R' },   { "run", 1, NULL, 'r' },
        { "idle", 1, NULL, 'i' },     { NULL, 0, NULL, 0 },
    };
    int c;

    set.connections = 1;
    set.messages = 1;
    set.size = 4096;
    set.run = stamp_now_ns();
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 't')
            parse_to(optarg);
        else if (c == 'c')
            set.connections = (unsigned)strtoul(optarg, NULL, 10);
        else if (c == 'm')
            set.messages = strtoull(optarg, NULL, 10);
        else if (c == 's')
            set.size = strtoull(optarg, NULL, 10);
        else if (c == 'T')
            set.tls = true;
        else if (c == 'f')
            set.fresh = true;
        else if (c == 'R')
            set.resume = true;
        else if (c == 'q')
            set.quick = true;
        else if (c == 'a')
            set.acked_file = fopen(optarg, "w");
        else if (c == 'r')
            set.run = strtoull(optarg, NULL, 16);
        else if (c == 'i')
            set.idle = (unsigned)strtoul(optarg, NULL, 10);
        else
            usage();
    }
    if (set.to.ss_family == 0 || set.connections == 0)
        usage();
}

int main(int argc, char **argv)
{
    pthread_t *threads;
    uint64_t begun;
    double seconds;

    parse(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    set.client = (struct tls_client){ .need = TLS_NEED_ENCRYPT };
    if (!status_is_ok(tls_trust_open(STR(""), &set.client.trust)))
        return 1;
    if (set.resume)
        resume_sessions();
    if (set.idle > 0)
        return hold_idle();
    threads = calloc(set.connections, sizeof(*threads));
    begun = stamp_now_ns();
    for (unsigned i = 0; i < set.connections; i++)
        pthread_create(&threads[i], NULL, sender, NULL);
    for (unsigned i = 0; i < set.connections; i++)
        pthread_join(threads[i], NULL);
    seconds = (double)(stamp_now_ns() - begun) / 1e9;
    printf("{\"run\": \"%" PRIx64 "\", \"accepted\": %" PRIu64
           ", \"refused\": %" PRIu64 ", \"broken\": %" PRIu64
           ", \"resumed\": %" PRIu64
           ", \"seconds\": %.4f, \"per_second\": %.1f}\n",
           set.run, accepted, refused, broken, resumed, seconds,
           (double)accepted / seconds);
    return accepted == set.messages ? 0 : 1;
}
