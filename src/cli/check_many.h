/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many domains at a time: each job is a thread that takes the next domain,
 * looks at it in an arena of its own, and hands the result on, one at a time
 * and in the order in which they come. The arena is freed at once, so memory
 * grows with the jobs and not with the list.
 */
#ifndef POSTSEAL_CLI_CHECK_MANY_H
#define POSTSEAL_CLI_CHECK_MANY_H

#include "cli/check_list.h"

enum { CHECK_JOBS = 20, CHECK_JOBS_MAX = 200 };

struct check_many {
    const struct cli *cli;
    const struct check_list *list;
    size_t jobs;
    void *context;
    /* Many at a time; the result lives in arena. */
    void *(*look)(void *context, struct str domain, struct arena *arena);
    /* One at a time. False: no more domains are looked at. */
    bool (*show)(void *context, void *result);
};

/* False when it was ended early by show. */
bool check_many_run(const struct check_many *many);

#endif
