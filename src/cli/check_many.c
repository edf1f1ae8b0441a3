/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/check_many.h"

#include "base/panic.h"
#include "cli/check_progress.h"

#include <pthread.h>

/* libunbound puts much on the stack where it makes a context; pages that are
 * never touched cost nothing. */
enum { STACK_BYTES = 2 << 20, BAR_MS = 250 };

struct crew {
    const struct check_many *many;
    pthread_mutex_t lock;
    pthread_cond_t over;
    size_t next, running;
    bool ended; /* early */
    struct check_progress progress;
};

/* NULL when there is nothing more to do. */
static const struct str *take(struct crew *crew)
{
    const struct check_list *list = crew->many->list;
    const struct str *domain = NULL;

    pthread_mutex_lock(&crew->lock);
    if (!crew->ended && crew->next < list->n)
        domain = &list->domains[crew->next++];
    pthread_mutex_unlock(&crew->lock);
    return domain;
}

static void hand_on(struct crew *crew, void *result)
{
    const struct check_many *many = crew->many;

    pthread_mutex_lock(&crew->lock);
    crew->progress.done++;
    check_progress_clear(&crew->progress);
    if (!crew->ended && !many->show(many->context, result))
        crew->ended = true;
    check_progress_draw(&crew->progress);
    pthread_mutex_unlock(&crew->lock);
}

static void *job(void *argument)
{
    struct crew *crew = argument;
    const struct check_many *many = crew->many;
    const struct str *domain;

    while ((domain = take(crew)) != NULL) {
        struct arena arena = { 0 };

        hand_on(crew, many->look(many->context, *domain, &arena));
        arena_free(&arena);
    }
    pthread_mutex_lock(&crew->lock);
    crew->running--;
    pthread_cond_signal(&crew->over);
    pthread_mutex_unlock(&crew->lock);
    return NULL;
}

/* The bar moves on while slow domains keep every job busy. */
static void wait_for_all(struct crew *crew)
{
    struct timespec until;

    pthread_mutex_lock(&crew->lock);
    while (crew->running > 0) {
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += BAR_MS * 1000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&crew->over, &crew->lock, &until);
        check_progress_draw(&crew->progress);
    }
    check_progress_clear(&crew->progress);
    pthread_mutex_unlock(&crew->lock);
}

bool check_many_run(const struct check_many *many)
{
    struct crew crew = { .many = many,
                         .lock = PTHREAD_MUTEX_INITIALIZER,
                         .over = PTHREAD_COND_INITIALIZER,
                         .progress =
                             check_progress_start(many->cli, many->list->n) };
    size_t jobs = many->jobs < many->list->n ? many->jobs : many->list->n;
    pthread_t threads[CHECK_JOBS_MAX];
    pthread_attr_t attributes;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    crew.running = jobs;
    for (size_t i = 0; i < jobs; i++)
        if (pthread_create(&threads[i], &attributes, job, &crew) != 0)
            panic("no thread for a check");
    wait_for_all(&crew);
    for (size_t i = 0; i < jobs; i++)
        pthread_join(threads[i], NULL);
    pthread_attr_destroy(&attributes);
    return !crew.ended;
}
