/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The domains to check: words of the command line and lines of a list. A word
 * is a domain or a mail address (then its domain counts); of a line with
 * commas the first field counts, so that a table of ours or of others can be
 * given back. Empty lines and those that begin with '#' are passed over, and
 * no domain is checked twice.
 */
#ifndef POSTSEAL_CLI_CHECK_LIST_H
#define POSTSEAL_CLI_CHECK_LIST_H

#include "base/arena.h"
#include "cli/cli.h"

enum { CHECK_LIST_MAX = 1000000 };

/* A zeroed one is empty. */
struct check_list {
    struct arena arena;
    struct str *domains; /* A-labels, lower case */
    size_t n, room;
    size_t *slots; /* of a hash table: 1 + place in domains, 0: free */
    size_t slots_n;
};

/* False when the word is no domain. */
bool check_list_add(struct check_list *list, struct str word);
/* Every line of a file, "-" is standard input. False with a complaint that
 * names file and line. */
bool check_list_read(struct check_list *list, const struct cli *cli,
                     const char *path);
void check_list_free(struct check_list *list);

#endif
