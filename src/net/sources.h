/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many connections each source has open. A source is an IPv4 address or an
 * IPv6 /64: who has one address of a /64 has them all. Counted exactly; the
 * seed of the table is random, so that no stranger can choose to share a count
 * with somebody else. Not locked: the owner's lock guards it.
 */
#ifndef POSTSEAL_NET_SOURCES_H
#define POSTSEAL_NET_SOURCES_H

#include <stdint.h>
#include <sys/socket.h>

struct sources;
struct source;

struct sources *sources_new(void);
/* Accepts NULL, sets NULL. */
void sources_free(struct sources **sources);
/* Counts one more; NULL when most are open already. */
struct source *sources_enter(struct sources *sources,
                             const struct sockaddr_storage *address,
                             uint32_t most);
/* One less; a source without connections is forgotten. */
void sources_leave(struct sources *sources, struct source *source);

#endif
