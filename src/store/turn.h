/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writers of several processes take turns. SQLite lets those who wait for its
 * writer lock try again and again, so one busy process would keep the others
 * out for long. Here whoever waits is next, and is woken at once. A turn is
 * held by an open file and ends with it, whatever happens to the process.
 *
 * A turn is a courtesy, not a lock: whoever holds it too long (a process that
 * was stopped) is passed over, and SQLite's own lock keeps order then.
 */
#ifndef POSTSEAL_STORE_TURN_H
#define POSTSEAL_STORE_TURN_H

#include <stdbool.h>

enum { TURN_WAIT_MS = 3000 };

struct turn {
    int fd;    /* -1: none could be had */
    bool late; /* the one before us did not come back: do not wait for it */
};

/* The file is path + "-turn", made for whoever owns path. Without it writing
 * works as well, only less evenly. */
struct turn turn_open(const char *path);
/* Waits until it is our turn, TURN_WAIT_MS at most, and after that not at all
 * until a turn was to be had again. */
void turn_take(struct turn *turn);
void turn_give(struct turn *turn);
void turn_close(struct turn *turn);

#endif
