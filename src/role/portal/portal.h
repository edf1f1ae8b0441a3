/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The portal role: hands a message to the person it is for. It proves the
 * reader by a one-time code sent to their address (and a PIN where that way is
 * open to all), and then gives out opaque octets: it parses no mail. Links come
 * from the configuration alone, never from a request.
 */
#ifndef POSTSEAL_ROLE_PORTAL_PORTAL_H
#define POSTSEAL_ROLE_PORTAL_PORTAL_H

#include "net/http_server.h"
#include "role/role.h"
#include "seal/rest.h"
#include "store/pickup.h"
#include "store/store.h"

enum { PORTAL_HASH = 32 };

struct portal {
    const struct config *config;
    const struct role *role;
    struct store *store;
    struct tls_server *tls;              /* NULL behind a proxy */
    struct rest_private *own;            /* opens pickups */
    struct rest_public *dispatch_public; /* seals codes on their way */
    struct str organisation;
};

/* One request, with what is known about who sent it. */
struct visit {
    struct portal *portal;
    struct http_exchange *x;
    struct arena *arena;
    int64_t now_wall_ms;
    struct str token;       /* of the link; "" on pages without one */
    struct pickup pickup;   /* by the token */
    struct str browser;     /* secret of this browser's cookie; may be new */
    bool browser_known;     /* it came with the request */
    struct str session;     /* cookie as sent, "" without */
    bool signed_in;         /* the session is live and of this pickup */
    struct str session_key; /* name of the session's cookie */
};

/* Answers one request: the server's handler; context is a struct portal. */
void portal_handle(void *context, struct http_exchange *exchange);

#endif
