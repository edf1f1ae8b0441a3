/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches an MTA-STS policy over HTTPS (RFC 8461, 3.3): public CA, the name
 * mta-sts.<domain>, no redirects, bounded in size and time, names resolved by
 * our own resolver. Private addresses are refused at the public port; who sets
 * another port runs the policy hosts himself, inside.
 */
#ifndef POSTSEAL_POSTURE_FETCH_H
#define POSTSEAL_POSTURE_FETCH_H

#include "net/resolver.h"

struct fetcher;
/* Once, before threads and while the rights last: reads the CA file (or the
 * system's), which nobody may be able to read later. */
struct status fetcher_open(struct resolver *resolver,
                           const struct config *config, struct fetcher **out);
/* Ends fetches under way, and those to come, within a second. */
void fetcher_give_up(struct fetcher *fetcher);
void fetcher_close(struct fetcher **fetcher);
struct fetch_request {
    const char *what; /* for words: "MTA-STS policy fetch" */
    struct str host, path;
    uint16_t port;
    size_t max_octets;
    const char *type;   /* that the answer must have; NULL: any */
    int64_t timeout_ms; /* names and all */
};
/* Any other document by the same rules. found false with ok: the server says
 * that there is none (404, 410). no_host (may be NULL): the name does not
 * exist or has no address, which is no fault either. */
struct status fetch_get(struct fetcher *fetcher,
                        const struct fetch_request *request,
                        struct arena *arena, struct str *body, bool *found,
                        bool *no_host);
/* The body, in arena. The enhanced code tells the kind of fault: 4.7.5
 * certificate, 4.5.0 what the web server answered, else not reached. */
struct status fetch_policy(struct fetcher *fetcher, struct str domain,
                           int64_t timeout_ms, struct arena *arena,
                           struct str *body);

#endif
