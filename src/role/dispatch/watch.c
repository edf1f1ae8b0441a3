/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/watch.h"

#include "base/clock.h"
#include "base/panic.h"
#include "store/watch.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    LOOK_MS = 60000,
    TICK_MS = 200,
    FIRST_MS = 10000, /* after the start: the role settles in first */
    STEP_MS = 30000,  /* between two first looks at most */
    DOUBT_MS = 600000,
    STOP_S = 5,
    ANSWER_MAX = 2000
};

struct watched {
    struct str domain;
    int64_t due_ms; /* monotonic */
    bool doubted;   /* a change was seen once */
};

struct watch {
    struct dispatch *dispatch;
    struct prober *prober;
    struct watched *list;
    size_t n;
    int64_t every_ms, start_ms;
    pthread_t thread;
    bool started;
};

/* --- the answer as a line -------------------------------------------------
 */

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* " mx a.example b.example": sorted, each once; equals come shuffled. */
static void add_sorted(struct str *list, size_t n, const char *title,
                       struct buf *out)
{
    if (n > 1)
        qsort(list, n, sizeof(*list), by_text);
    for (size_t i = 0; i < n && out->n < ANSWER_MAX; i++)
        if (i == 0 || !str_eq(list[i], list[i - 1]))
            buf_addf(out, "%s %.*s", i == 0 ? title : "", STR_ARG(list[i]));
}

static void add_hosts(const struct probe *p, struct arena *arena,
                      struct buf *out)
{
    struct str *names = arena_array(arena, p->hosts_n + 1, sizeof(*names));

    for (size_t i = 0; i < p->hosts_n; i++)
        names[i] = p->hosts[i].mx->name;
    add_sorted(names, p->hosts_n, ", mx", out);
}

static void add_findings(const struct answers *a, struct arena *arena,
                         struct buf *out)
{
    struct str *ids = arena_array(arena, a->findings_n + 1, sizeof(*ids));
    size_t n = 0;

    for (size_t i = 0; i < a->findings_n; i++)
        if (a->findings[i].severity >= SEVERITY_WARNING)
            ids[n++] = a->findings[i].id;
    add_sorted(ids, n, ", findings", out);
}

struct str watch_answer(const struct probe *probe,
                        const struct answers *answers, struct arena *arena)
{
    const struct sts_policy *sts = &probe->posture.sts;
    static const char *const modes[] = { "none", "testing", "enforce" };
    struct buf text = { 0 };

    for (size_t i = 0; i < ANSWER_FLOORS; i++) {
        const struct floor_answer *f = &answers->floor[i];
        struct str by = verified_by_name(f->by);
        bool proven = f->floor == FLOOR_VERIFIED && by.n > 0;

        buf_addf(&text, "%s%.*s %.*s%s%.*s%s", i == 0 ? "" : ", ",
                 STR_ARG(floor_name(f->floor)), STR_ARG(answer_name(f->can)),
                 proven ? " (" : "", STR_ARG(proven ? by : STR("")),
                 proven ? ")" : "");
    }
    buf_addf(&text, ", mta-sts %s", sts->present ? modes[sts->mode] : "no");
    add_hosts(probe, arena, &text);
    add_findings(answers, arena, &text);
    struct str kept = str_keep(arena, str_first(buf_str(&text), ANSWER_MAX));
    buf_free(&text);
    return kept;
}

/* --- one look -------------------------------------------------------------
 */

struct saving {
    struct str domain;
    struct watch_row row;
};

static struct status save_work(struct tx *tx, void *argument)
{
    const struct saving *s = argument;

    return watch_save(tx, s->domain, &s->row);
}

static void save(struct watch *w, struct str domain, struct str answer)
{
    struct saving s = { domain, { answer, clock_wall_ms() } };

    if (!atomic_load(&w->dispatch->stopping))
        (void)store_commit_soft(w->dispatch->store, save_work, &s);
}

static bool load(struct watch *w, struct str domain, struct arena *arena,
                 struct watch_row *out)
{
    struct rx *rx = store_read(w->dispatch->store);
    bool found = false;
    struct status st = watch_load(rx, domain, arena, out, &found);

    store_read_done(w->dispatch->store, &rx);
    return status_is_ok(st) && found;
}

static bool is_determined(const struct answers *a)
{
    for (size_t i = 0; i < ANSWER_FLOORS; i++)
        if (a->floor[i].can == ANSWER_UNKNOWN ||
            a->floor[i].fault == ANSWER_FAULT_OURS ||
            a->floor[i].fault == ANSWER_FAULT_UNCLEAR)
            return false;
    return true;
}

static int64_t doubt_ms(const struct watch *w)
{
    return w->every_ms / 4 < DOUBT_MS ? w->every_ms / 4 : DOUBT_MS;
}

static void set_next(struct watch *w, struct watched *one)
{
    int64_t now = clock_mono_ms();

    one->due_ms = one->doubted ? now + doubt_ms(w)
                               : watch_due_ms((size_t)(one - w->list), w->n,
                                              w->every_ms, w->start_ms, now);
}

/* True when the look stands and is to be kept. */
static bool compare(struct watched *one, bool known, struct str was,
                    struct str now, struct str summary)
{
    bool same = !known || str_eq(was, now);

    if (!known)
        log_event(LOG_INFO, "domain.watched", LOG_STR("domain", one->domain),
                  LOG_STR("new", now));
    if (same || one->doubted) {
        if (!same)
            log_event(LOG_WARNING, "domain.changed",
                      LOG_STR("domain", one->domain), LOG_STR("old", was),
                      LOG_STR("new", now), LOG_STR("why", summary));
        one->doubted = false;
        return true;
    }
    one->doubted = true;
    return false;
}

static void look(struct watch *w, struct watched *one)
{
    struct arena arena = { 0 };
    struct probe probe = { 0 };
    struct answers answers = { 0 };
    struct watch_row row = { 0 };

    probe_domain(w->prober, one->domain, LOOK_MS, &arena, &probe);
    answers_of(&probe, NULL, &arena, &answers);
    if (atomic_load(&w->dispatch->stopping))
        goto done;
    if (!is_determined(&answers)) {
        log_event(LOG_INFO, "domain.unclear", LOG_STR("domain", one->domain),
                  LOG_STR("why", answers.summary));
        one->doubted = false;
        goto done;
    }
    struct str answer = watch_answer(&probe, &answers, &arena);
    bool known = load(w, one->domain, &arena, &row);
    if (compare(one, known, row.answer, answer, answers.summary))
        save(w, one->domain, answer);
done:
    set_next(w, one);
    arena_free(&arena);
}

/* --- the thread -----------------------------------------------------------
 */

int64_t watch_due_ms(size_t i, size_t n, int64_t every_ms, int64_t start_ms,
                     int64_t now_ms)
{
    int64_t place = start_ms + every_ms / (int64_t)n * (int64_t)i;
    int64_t least = now_ms + every_ms / 2;

    if (place > least)
        return place;
    return place + ((least - place) / every_ms + 1) * every_ms;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* First looks come soon; of what was looked at before a restart, in turn. */
static void set_first(struct watch *w, size_t i)
{
    struct watched *one = &w->list[i];
    struct arena arena = { 0 };
    struct watch_row row = { 0 };
    int64_t step = least(w->every_ms / (int64_t)w->n, STEP_MS);
    int64_t age = 0;

    if (load(w, one->domain, &arena, &row))
        age = clock_wall_ms() - row.checked_wall_ms;
    if (age > 0 && age < w->every_ms)
        set_next(w, one);
    else
        one->due_ms =
            w->start_ms + least(w->every_ms / 4, FIRST_MS) + step * (int64_t)i;
    arena_free(&arena);
}

static void *run(void *argument)
{
    struct watch *w = argument;

    w->start_ms = clock_mono_ms();
    for (size_t i = 0; i < w->n; i++)
        set_first(w, i);
    while (!atomic_load(&w->dispatch->stopping)) {
        for (size_t i = 0; i < w->n; i++)
            if (w->list[i].due_ms <= clock_mono_ms() &&
                !atomic_load(&w->dispatch->stopping))
                look(w, &w->list[i]);
        poll(NULL, 0, TICK_MS);
    }
    return NULL;
}

struct status watch_open(struct dispatch *dispatch, struct watch **out)
{
    const struct check_config *check = &dispatch->config->check;
    struct watch *w;
    struct status st;

    *out = NULL;
    if (check->watch_n == 0)
        return status_ok();
    w = calloc(1, sizeof(*w));
    if (w == NULL)
        panic("out of memory");
    w->dispatch = dispatch;
    w->every_ms = check->every_ms;
    w->n = check->watch_n;
    w->list = calloc(w->n, sizeof(*w->list));
    if (w->list == NULL)
        panic("out of memory");
    for (size_t i = 0; i < w->n; i++)
        w->list[i].domain = check->watch[i];
    st = prober_open(dispatch->config, &w->prober);
    *out = w;
    if (!status_is_ok(st))
        (void)watch_stop(out);
    return st;
}

void watch_start(struct watch *watch)
{
    if (watch == NULL)
        return;
    if (pthread_create(&watch->thread, NULL, run, watch) != 0)
        panic("no thread for the watch");
    watch->started = true;
}

bool watch_stop(struct watch **watch)
{
    struct watch *w = *watch;
    struct timespec until;

    *watch = NULL;
    if (w == NULL)
        return true;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STOP_S;
    if (w->started && pthread_timedjoin_np(w->thread, NULL, &until) != 0)
        return false;
    prober_close(&w->prober);
    free(w->list);
    free(w);
    return true;
}
