/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writers of several processes take turns. SQLite lets those who wait for its
 * writer lock try again and again, so one busy process would keep the others
 * out for long. Here whoever waits is next, and is woken at once. A turn is
 * held by an open file and ends with it, whatever happens to the process.
 */
#ifndef POSTSEAL_STORE_TURN_H
#define POSTSEAL_STORE_TURN_H

#include <stdbool.h>

/* The file is path + "-turn", made for whoever owns path. -1 when it cannot
 * be had: writing works without turns, only less evenly. */
int turn_open(const char *path);
/* Waits until it is our turn. */
void turn_take(int fd);
void turn_give(int fd);
void turn_close(int fd);

#endif
