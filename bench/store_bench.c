/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many messages a second the store can accept, lease and settle, one
 * recipient each, every acceptance and settlement on disk before it counts.
 * As in the gateway, one process accepts and another leases and settles.
 *
 *     store_bench [--dir DIR] [--threads N] [--messages N] [--size OCTETS]
 *                 [--one-process] [--backlog] [--dead N]
 *
 * --backlog: settling begins when all is accepted (the queue is deep).
 * --dead N: N more deliveries wait for a domain that takes no more.
 */
#include "base/clock.h"
#include "base/id.h"
#include "base/panic.h"
#include "store/audit.h"
#include "store/queue.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LEASE_MAX = 256, THREADS_MAX = 256, IN_FLIGHT_MAX = 1000 };

static struct {
    char dir[256];
    int threads, messages, dead;
    size_t size;
    bool one_process, backlog;
} o = { "", 20, 60000, 0, 4096, false, false };

static struct store *store;
static _Atomic int accepted, settled, in_flight, refused;
static double *waits_ms;

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_s(void)
{
    struct rusage r;

    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
           (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static void must(struct status st, const char *what)
{
    if (!status_is_ok(st))
        panic("%s: %s", what, st.why);
}

/* --- accepting ----------------------------------------------------------- */

struct mail {
    struct message message;
    struct delivery delivery;
    struct str frame;
};

static struct status accept_work(struct tx *tx, void *argument)
{
    struct mail *m = argument;
    struct status st =
        queue_body_append(tx, &m->message.body_id, 0, &m->frame, 1);

    return status_is_ok(st) ? queue_accept(tx, &m->message, &m->delivery, 1)
                            : st;
}

static void make_mail(struct mail *m, struct str frame, int i)
{
    static const char *const domains[] = { "dane.example", "sts.example",
                                           "pkix.example" };

    *m = (struct mail){ .frame = frame };
    m->message = (struct message){
        .id = id_new(),
        .received_wall_ms = clock_wall_ms(),
        .from = STR("practice.manager@clinic.example"),
        .size_bytes = frame.n,
        .listener = STR("127.0.0.1:2525"),
        .client_address = STR("127.0.0.1"),
        .client_helo = STR("client.clinic.example"),
        .protocol = STR("ESMTP"),
        .tls = STR("TLSv1.3 TLS_AES_256_GCM_SHA384"),
        .body_id = id_new(),
        .body_key = str_first(frame, 150),
        .body_chunks = 1,
    };
    m->delivery = (struct delivery){
        .id = id_new(),
        .message_id = m->message.id,
        .recipient = STR("somebody@dane.example"),
        .domain = str_from_cstr(domains[i % 3]),
        .next_wall_ms = m->message.received_wall_ms,
    };
}

static void *accept_some(void *argument)
{
    char *frame = malloc(o.size);
    int i;

    (void)argument;
    memset(frame, 'x', o.size);
    while ((i = atomic_fetch_add(&accepted, 1)) < o.messages) {
        struct mail m;
        double begun = now_s();

        make_mail(&m, str_of(frame, o.size), i);
        must(store_commit(store, accept_work, &m), "accept");
        waits_ms[i] = (now_s() - begun) * 1e3;
    }
    free(frame);
    return NULL;
}

static struct status dead_work(struct tx *tx, void *argument)
{
    char frame[200] = "";
    struct status st = status_ok();

    (void)argument;
    for (int i = 0; i < o.dead && status_is_ok(st); i++) {
        struct mail m;

        make_mail(&m, str_of(frame, sizeof(frame)), i);
        m.delivery.domain = STR("dead.example");
        st = accept_work(tx, &m);
    }
    return st;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static void accept_all(void)
{
    pthread_t threads[THREADS_MAX];
    double begun = now_s(), cpu = cpu_s(), took;

    waits_ms = calloc((size_t)o.messages, sizeof(*waits_ms));
    for (int i = 0; i < o.threads; i++)
        pthread_create(&threads[i], NULL, accept_some, NULL);
    for (int i = 0; i < o.threads; i++)
        pthread_join(threads[i], NULL);
    took = now_s() - begun;
    qsort(waits_ms, (size_t)o.messages, sizeof(*waits_ms), compare);
    printf("accepted %7.0f /s  cpu %5.1f us each  wait median %.2f ms, "
           "99 %% %.2f ms, most %.2f ms\n",
           o.messages / took, (cpu_s() - cpu) * 1e6 / o.messages,
           waits_ms[o.messages / 2], waits_ms[o.messages / 100 * 99],
           waits_ms[o.messages - 1]);
    fflush(stdout);
}

/* --- settling ------------------------------------------------------------ */

struct load {
    struct arena arena;
    struct leased *leased;
    size_t n, left;
    struct lease_request request;
};

struct one {
    struct load *load;
    const struct leased *leased;
};

static struct status lease_work(struct tx *tx, void *argument)
{
    struct load *l = argument;

    arena_reset(&l->arena);
    return queue_lease(tx, &l->request, &l->arena, &l->leased, &l->n);
}

static struct status settle_work(struct tx *tx, void *argument)
{
    struct one *one = argument;
    struct delivery d = one->leased->delivery;
    struct attempt a = {
        .delivery_id = d.id,
        .at_wall_ms = clock_wall_ms(),
        .method = STR("tls"),
        .mx = STR("mx1.dane.example"),
        .address = STR("127.0.0.1:25"),
        .tls_version = STR("TLSv1.3"),
        .tls_cipher = STR("TLS_AES_256_GCM_SHA384"),
        .tls_group = STR("X25519"),
        .verified_by = STR("dane-ee"),
        .reply = STR("250 2.0.0 Ok: queued as 4F2A81B2C3"),
        .result = STR("delivered"),
        .why = STR("DANE-EE matched"),
    };
    struct status st;

    d.floor = STR("verified");
    d.ladder = STR("tls portal");
    d.rule = STR("everything else");
    d.decision_why = STR("no rule says otherwise");
    d.state = DELIVERY_DELIVERED;
    d.method = STR("tls");
    d.why = STR("DANE-EE matched");
    d.attempts = 1;
    st = queue_decide(tx, &d);
    if (status_is_ok(st))
        st = audit_decided(tx, one->leased->message, &d);
    if (status_is_ok(st))
        st = queue_settle(tx, &d, &a, 1);
    if (status_is_ok(st))
        st = audit_attempted(tx, &d, &a);
    return status_is_ok(st)
               ? audit_settled(tx, &d, status_make(250, "2.0.0", "Ok"))
               : st;
}

static void done(void *argument, struct status st)
{
    struct one *one = argument;
    struct load *load = one->load;

    if (!status_is_ok(st))
        atomic_fetch_add(&refused, 1);
    atomic_fetch_add(&settled, 1);
    atomic_fetch_sub(&in_flight, 1);
    if (--load->left == 0) { /* always in the committer */
        arena_free(&load->arena);
        free(load);
    }
    free(one);
}

static bool lease_some(void)
{
    static const struct str dead = STR_INIT("dead.example");
    static struct lease_memory memory;
    struct load *load = calloc(1, sizeof(*load));

    load->request = (struct lease_request){ .now_wall_ms = clock_wall_ms() + 1,
                                            .lease_ms = 60000,
                                            .max = LEASE_MAX,
                                            .busy_domains = &dead,
                                            .busy_domains_n = 1,
                                            .memory = &memory };
    must(store_commit_soft(store, lease_work, load), "lease");
    load->left = load->n;
    if (load->n == 0) {
        arena_free(&load->arena);
        free(load);
        return false;
    }
    for (size_t i = 0, n = load->n; i < n; i++) {
        struct one *one = calloc(1, sizeof(*one));

        *one = (struct one){ load, &load->leased[i] };
        atomic_fetch_add(&in_flight, 1);
        store_commit_async(store, settle_work, one, done);
    }
    return true;
}

static void settle_all(void)
{
    double begun = now_s(), cpu = cpu_s(), took;

    while (settled < o.messages)
        if (in_flight > IN_FLIGHT_MAX || !lease_some())
            usleep(1000);
    took = now_s() - begun;
    printf("settled  %7.0f /s  cpu %5.1f us each  refused %d\n",
           o.messages / took, (cpu_s() - cpu) * 1e6 / o.messages, refused);
}

/* --- both ------------------------------------------------------------------
 */

static void open_it(void)
{
    must(store_open(o.dir, &store), "open");
}

static void *accept_thread(void *argument)
{
    accept_all();
    return argument;
}

static void in_one_process(void)
{
    pthread_t thread;

    open_it();
    pthread_create(&thread, NULL, accept_thread, NULL);
    if (o.backlog)
        pthread_join(thread, NULL);
    settle_all();
    if (!o.backlog)
        pthread_join(thread, NULL);
    store_close(&store);
}

static void in_two_processes(void)
{
    pid_t pid = fork();
    int code;

    if (pid == 0) {
        open_it();
        accept_all();
        store_close(&store);
        exit(0);
    }
    if (o.backlog)
        waitpid(pid, &code, 0);
    open_it();
    settle_all();
    store_close(&store);
    if (!o.backlog)
        waitpid(pid, &code, 0);
}

static void read_arguments(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;

        if (strcmp(argv[i], "--one-process") == 0)
            o.one_process = true;
        else if (strcmp(argv[i], "--backlog") == 0)
            o.backlog = true;
        else if (strcmp(argv[i], "--dir") == 0 && more)
            snprintf(o.dir, sizeof(o.dir), "%s", argv[++i]);
        else if (strcmp(argv[i], "--threads") == 0 && more)
            o.threads = (int)strtol(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--messages") == 0 && more)
            o.messages = (int)strtol(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--dead") == 0 && more)
            o.dead = (int)strtol(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--size") == 0 && more)
            o.size = (size_t)strtol(argv[++i], NULL, 10);
        else
            panic("what is %s? (see the head of bench/store_bench.c)", argv[i]);
    }
    if (o.threads < 1 || o.threads > THREADS_MAX || o.messages < 100 ||
        o.size < 200)
        panic("1 to 256 threads, 100 messages or more, 200 octets or more");
}

static void clean_up(void)
{
    static const char *const names[] = { "db", "db-wal", "db-shm", "db-turn" };
    char path[300];

    for (int i = 0; i < 4; i++) {
        struct stat info;

        snprintf(path, sizeof(path), "%s/postseal.%s", o.dir, names[i]);
        if (stat(path, &info) == 0)
            printf("%s %.1f MB  ", names[i], (double)info.st_size / 1e6);
        unlink(path);
    }
    puts("");
    rmdir(o.dir);
}

int main(int argc, char **argv)
{
    char own[] = "/var/tmp/store_bench.XXXXXX";
    double begun;

    read_arguments(argc, argv);
    if (o.dir[0] == '\0')
        snprintf(o.dir, sizeof(o.dir), "%s", mkdtemp(own));
    must(store_create(o.dir), "create");
    open_it();
    must(store_commit(store, dead_work, NULL), "dead");
    store_close(&store);
    begun = now_s();
    if (o.one_process)
        in_one_process();
    else
        in_two_processes();
    printf("all      %7.0f /s accepted, leased and settled\n",
           o.messages / (now_s() - begun));
    clean_up();
    return 0;
}
