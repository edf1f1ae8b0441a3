/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/panic.h"
#include "store/schema.h"
#include "store/tx.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    BATCH_MAX = 512,
    RESTARTS_MAX = 4, /* then every work gets a transaction of its own */
    STACK_BYTES = 512 * 1024,
    LOG_PAGES_MAX = 8000, /* 32 MB in the log: checkpoint */
    LOG_PAGES_FEW = 1000, /* so many may be moved while writers wait */
    IDLE_MS = 500,
    NAP_MS = 100,
};

struct job {
    struct job *next;
    store_work *work;
    void *argument;
    bool durable;
    bool finished;
    struct status status;
    bool waits;       /* the caller sleeps on told, and owns the job, or */
    _Atomic int told; /* 1: status is there */
    void (*done)(void *argument, struct status st); /* told afterwards */
};

struct store {
    char data_dir[512];
    struct db *db, *keeper_db;
    pthread_mutex_t lock;
    pthread_cond_t work, keeper_wake;
    struct job *first, *last;
    pthread_t committer, keeper;
    bool closing;
    _Atomic bool broken;
    _Atomic int64_t newest_commit_mono_ms;
    struct rx *readers;
    void (*ring)(void *context);
    void *ring_context;
};

/* --- the batch ------------------------------------------------------- */

static struct status run_work(struct store *store, struct tx *tx,
                              struct job *job)
{
    struct status st;

    (void)store;
    tx_begin_work(tx);
    st = job->work(tx, job->argument);
    return status_is_ok(st) ? tx_end_work(tx) : st;
}

static void finish(struct job *job, struct status st)
{
    job->status = st;
    job->finished = true;
}

/* Runs the unfinished jobs in one transaction. A work that fails is finished
 * alone and the rest must start over: true then. */
static bool try_batch(struct store *store, struct job **jobs, size_t n,
                      bool *rang)
{
    struct tx tx = { .db = store->db };
    bool durable = false;
    struct status st;

    for (size_t i = 0; i < n; i++)
        durable |= jobs[i]->durable && !jobs[i]->finished;
    st = db_begin(store->db, durable);
    for (size_t i = 0; i < n && status_is_ok(st); i++) {
        struct status one;

        if (jobs[i]->finished)
            continue;
        one = run_work(store, &tx, jobs[i]);
        if (!status_is_ok(one)) {
            db_rollback(store->db);
            finish(jobs[i], one);
            return true;
        }
    }
    if (status_is_ok(st))
        st = db_commit(store->db);
    if (!status_is_ok(st))
        db_rollback(store->db);
    for (size_t i = 0; i < n; i++)
        if (!jobs[i]->finished)
            finish(jobs[i], st);
    *rang |= tx.new_work && status_is_ok(st);
    return false;
}

static bool any_left(struct job **jobs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!jobs[i]->finished)
            return true;
    return false;
}

static void note_broken(struct store *store, const struct db *db)
{
    if (!db_is_broken(db) || atomic_exchange(&store->broken, true))
        return;
    log_event(LOG_ERROR, "store.broken",
              LOG_CSTR("why", "a sync failed: nothing more is accepted until "
                              "the role has started again"));
}

static void run_batch(struct store *store, struct job **jobs, size_t n)
{
    bool rang = false;
    int restarts = 0;
    int64_t begun = clock_mono_ms();

    while (any_left(jobs, n)) {
        if (restarts++ < RESTARTS_MAX) {
            if (!try_batch(store, jobs, n, &rang))
                break;
            continue;
        }
        for (size_t i = 0; i < n; i++)
            if (!jobs[i]->finished)
                try_batch(store, &jobs[i], 1, &rang);
    }
    store->newest_commit_mono_ms = clock_mono_ms();
    metric_took(TIMES_COMMIT, store->newest_commit_mono_ms - begun);
    note_broken(store, store->db);
    if (rang && store->ring != NULL)
        store->ring(store->ring_context);
}

/* --- the committer --------------------------------------------------- */

static size_t take_jobs(struct store *store, struct job **jobs)
{
    size_t n = 0;

    while (store->first != NULL && n < BATCH_MAX) {
        jobs[n++] = store->first;
        store->first = store->first->next;
    }
    if (store->first == NULL)
        store->last = NULL;
    return n;
}

/* A futex and not a condition: the many that are woken together would all go
 * for one lock at once. */
static void wake(struct job *job)
{
    atomic_store(&job->told, 1);
    /* From here on the job may be gone; a wake-up too many does no harm. */
    syscall(SYS_futex, &job->told, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void sleep_until_told(struct job *job)
{
    while (atomic_load(&job->told) == 0)
        syscall(SYS_futex, &job->told, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

static void tell(struct job **jobs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (jobs[i]->waits) {
            wake(jobs[i]);
            continue;
        }
        if (jobs[i]->done != NULL)
            jobs[i]->done(jobs[i]->argument, jobs[i]->status);
        free(jobs[i]);
    }
}

static void *committer(void *argument)
{
    struct store *store = argument;
    struct job *jobs[BATCH_MAX];

    for (;;) {
        size_t n;

        pthread_mutex_lock(&store->lock);
        while (store->first == NULL && !store->closing)
            pthread_cond_wait(&store->work, &store->lock);
        n = take_jobs(store, jobs);
        pthread_mutex_unlock(&store->lock);
        if (n == 0)
            return NULL;
        run_batch(store, jobs, n);
        tell(jobs, n);
    }
}

/* Most of the log is moved beside the writers, and the few pages they wrote
 * meanwhile with writers waiting: only then can the log begin anew instead of
 * growing without end. */
static void begin_log_anew(struct db *db)
{
    int left = db_checkpoint(db, DB_CHECKPOINT_BESIDE);

    for (int i = 0; i < 3 && left > LOG_PAGES_FEW; i++)
        left = db_checkpoint(db, DB_CHECKPOINT_BESIDE);
    db_checkpoint(db, DB_CHECKPOINT_RESTART);
}

/* Moves the log into the database beside the commits, and empties it when
 * nothing happens, so that destroyed keys leave it too (CR-05). */
static void *keeper(void *argument)
{
    struct store *store = argument;
    /* At the start once, whatever a former process left: pages that a failed
     * sync may have lost are written to the database anew. */
    int64_t emptied = -1;

    pthread_mutex_lock(&store->lock);
    while (!store->closing) {
        struct timespec until;
        int64_t newest = store->newest_commit_mono_ms, now;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += NAP_MS * 1000000L;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000L;
        }
        pthread_cond_timedwait(&store->keeper_wake, &store->lock, &until);
        pthread_mutex_unlock(&store->lock);
        now = clock_mono_ms();
        if (newest > emptied && now - newest > IDLE_MS) {
            /* A reader of another process may be in the way: then again. */
            if (db_checkpoint(store->keeper_db, DB_CHECKPOINT_EMPTY) == 0)
                emptied = newest;
        } else if (db_log_pages(store->db) > LOG_PAGES_MAX) {
            begin_log_anew(store->keeper_db);
        }
        note_broken(store, store->keeper_db);
        pthread_mutex_lock(&store->lock);
    }
    pthread_mutex_unlock(&store->lock);
    return NULL;
}

/* --- handing in ------------------------------------------------------ */

static void enqueue(struct store *store, struct job *job)
{
    job->next = NULL;
    if (store->last != NULL)
        store->last->next = job;
    else
        store->first = job;
    store->last = job;
    pthread_cond_signal(&store->work);
}

static struct status broken_status(void)
{
    return status_make(451, "4.3.0", "the store's disk failed");
}

static struct status commit(struct store *store, store_work *work,
                            void *argument, bool durable)
{
    struct job job = {
        .work = work, .argument = argument, .durable = durable, .waits = true
    };

    if (store->broken)
        return broken_status();
    pthread_mutex_lock(&store->lock);
    enqueue(store, &job);
    pthread_mutex_unlock(&store->lock);
    sleep_until_told(&job);
    return job.status;
}

struct status store_commit(struct store *store, store_work *work,
                           void *argument)
{
    return commit(store, work, argument, true);
}

struct status store_commit_soft(struct store *store, store_work *work,
                                void *argument)
{
    return commit(store, work, argument, false);
}

void store_commit_async(struct store *store, store_work *work, void *argument,
                        void (*done)(void *argument, struct status status))
{
    struct job *job = calloc(1, sizeof(*job));

    if (job == NULL)
        panic("out of memory");
    *job = (struct job){
        .work = work, .argument = argument, .durable = true, .done = done
    };
    if (store->broken) {
        free(job);
        if (done != NULL)
            done(argument, broken_status());
        return;
    }
    pthread_mutex_lock(&store->lock);
    enqueue(store, job);
    pthread_mutex_unlock(&store->lock);
}

bool store_is_broken(const struct store *store)
{
    return store->broken;
}

void store_on_new_work(struct store *store, void (*ring)(void *context),
                       void *context)
{
    store->ring_context = context;
    store->ring = ring;
}

/* --- reading --------------------------------------------------------- */

struct rx *store_read(struct store *store)
{
    struct rx *rx;

    pthread_mutex_lock(&store->lock);
    rx = store->readers;
    if (rx != NULL)
        store->readers = rx->next;
    pthread_mutex_unlock(&store->lock);
    if (rx != NULL)
        return rx;
    rx = calloc(1, sizeof(*rx));
    if (rx == NULL)
        panic("out of memory");
    struct status st = db_open(store->data_dir, DB_READ, &rx->db);
    if (!status_is_ok(st))
        panic("store: %s", st.why);
    return rx;
}

void store_read_done(struct store *store, struct rx **rx)
{
    pthread_mutex_lock(&store->lock);
    (*rx)->next = store->readers;
    store->readers = *rx;
    pthread_mutex_unlock(&store->lock);
    *rx = NULL;
}

/* --- opening and closing --------------------------------------------- */

struct status store_create(const char *data_dir)
{
    struct db *db = NULL;
    struct status st = db_open(data_dir, DB_CREATE, &db);

    if (status_is_ok(st))
        st = db_begin(db, true);
    if (status_is_ok(st))
        st = schema_create(db);
    if (status_is_ok(st))
        st = db_commit(db);
    if (db != NULL)
        db_checkpoint(db, DB_CHECKPOINT_EMPTY);
    db_close(&db);
    return st;
}

static void start_thread(pthread_t *thread, void *(*run)(void *),
                         struct store *store)
{
    pthread_attr_t attr;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    if (pthread_create(thread, &attr, run, store) != 0)
        panic("no thread for the store");
    pthread_attr_destroy(&attr);
}

static void start(struct store *store)
{
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&store->lock, NULL);
    pthread_cond_init(&store->work, NULL);
    pthread_cond_init(&store->keeper_wake, &attr);
    start_thread(&store->committer, committer, store);
    start_thread(&store->keeper, keeper, store);
}

/* Once a role gave up its rights it may stand in a directory it could not
 * walk to: then the plain name is used. */
static const char *reachable(const char *data_dir)
{
    char here[512];

    return getcwd(here, sizeof(here)) != NULL && strcmp(here, data_dir) == 0
               ? ""
               : data_dir;
}

struct status store_open(const char *data_dir, struct store **out)
{
    struct store *store = calloc(1, sizeof(*store));
    struct status st;

    *out = NULL;
    if (store == NULL)
        panic("out of memory");
    if (strlen(data_dir) >= sizeof(store->data_dir))
        panic("data directory name is too long");
    data_dir = reachable(data_dir);
    memcpy(store->data_dir, data_dir, strlen(data_dir));
    st = db_open(data_dir, DB_WRITE, &store->db);
    if (status_is_ok(st))
        st = schema_check(store->db);
    if (status_is_ok(st))
        st = db_open(data_dir, DB_WRITE, &store->keeper_db);
    if (!status_is_ok(st)) {
        db_close(&store->db);
        free(store);
        return st;
    }
    start(store);
    *out = store;
    return st;
}

void store_close(struct store **store_in)
{
    struct store *store = *store_in;

    if (store == NULL)
        return;
    pthread_mutex_lock(&store->lock);
    store->closing = true;
    pthread_cond_broadcast(&store->work);
    pthread_cond_broadcast(&store->keeper_wake);
    pthread_mutex_unlock(&store->lock);
    pthread_join(store->committer, NULL);
    pthread_join(store->keeper, NULL);
    while (store->readers != NULL) {
        struct rx *rx = store->readers;

        store->readers = rx->next;
        db_close(&rx->db);
        free(rx);
    }
    db_close(&store->db);
    db_close(&store->keeper_db);
    free(store);
    *store_in = NULL;
}
