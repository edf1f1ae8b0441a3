/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recursive servers that we forward to, and whether they answer at all: a
 * look-up that failed must not be blamed on somebody's domain when our own
 * server is down.
 */
#ifndef POSTSEAL_NET_NAMESERVER_H
#define POSTSEAL_NET_NAMESERVER_H

#include "base/str.h"

#include <sys/socket.h>

enum { NAMESERVERS_MAX = 8, NAMESERVER_TEXT = 72 };

struct nameservers {
    struct {
        struct sockaddr_storage address;
        char text[NAMESERVER_TEXT]; /* "127.0.0.1@5353"; for readers */
    } list[NAMESERVERS_MAX];
    size_t n;
};

/* "ADDRESS" or "ADDRESS@PORT"; false when it is neither. */
bool nameserver_add(struct nameservers *servers, struct str text);
/* The nameserver lines of a resolv.conf; others are passed over. */
void nameservers_parse(struct str resolv_conf, struct nameservers *servers);
/* One of them stands on this machine. */
bool nameservers_are_local(const struct nameservers *servers);
/* Asks each for the root's name servers; true as soon as one sends any answer
 * within wait_ms. */
bool nameservers_answer(const struct nameservers *servers, int wait_ms);

/* From when to when signatures hold, in seconds since 1970. */
struct signature_times {
    int64_t from_s, until_s;
};
/* Of the root's SOA, as one of them passes it on, not checked: good enough to
 * see whether our clock is right. False: no answer, or none that is signed. */
bool nameservers_root_times(const struct nameservers *servers, int wait_ms,
                            struct signature_times *out);
/* Of the first signature in a DNS message (RFC 4034, 3.1). Pure. */
bool nameserver_reply_times(struct str reply, struct signature_times *out);

#endif
