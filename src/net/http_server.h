/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small HTTP/1.1 server over the listener and the stream. It knows nothing of
 * what it serves: a handler gets a whole request and fills in an answer. Every
 * answer carries the security headers; requests for another host, ambiguous
 * ones, and clients that drip are turned away here.
 */
#ifndef POSTSEAL_NET_HTTP_SERVER_H
#define POSTSEAL_NET_HTTP_SERVER_H

#include "base/arena.h"
#include "net/http_request.h"
#include "net/listener.h"

struct http_server;
struct http_exchange;

struct http_answer {
    uint16_t status;
    struct str type;   /* Content-Type */
    struct str policy; /* Content-Security-Policy; "": nothing at all */
    struct buf fields; /* further field lines, each with CR LF */
    bool keep;         /* may be cached for ever; else no-store */
    struct buf body;   /* or: */
    struct str shared; /* a body that outlives the answer; or: */
    /* A body of length octets written piece by piece with http_send(). False:
     * the connection is cut, so that the client sees that it is not whole. */
    bool (*write)(struct http_exchange *exchange);
    void *write_context;
    uint64_t length;
};

struct http_exchange {
    const struct http_request *request;
    struct str body;    /* of the request, whole */
    const char *client; /* address text */
    struct arena *arena;
    struct http_answer answer; /* 404 without a body to begin with */
    struct stream *stream;
    int64_t begun_mono_ms;
    uint64_t sent;
    struct http_server *server;
};

struct http_settings {
    struct tls_server *tls; /* NULL: in clear (loopback) */
    struct str host;        /* "name" or "name:port"; "" = any */
    bool https;             /* to the browser, maybe by a proxy in front */
    bool behind_proxy;      /* X-Forwarded-For of a loopback peer counts */
    size_t body_max;        /* of a request */
    struct listener_limits limits;
    void (*handle)(void *context, struct http_exchange *exchange);
    void *context;
};

/* settings must outlive the server. */
struct http_server *http_server_start(const int *fds, size_t n,
                                      const struct http_settings *settings);
/* Accepts no more and ends each connection with its next answer; true once
 * none is left. To be asked again and again while a reload drains. */
bool http_server_retired(struct http_server *server);
void http_server_stop(struct http_server **server, int64_t drain_ms);

/* For answer.write; false when the client is gone or too slow. */
bool http_send(struct http_exchange *exchange, struct str bytes);

/* Fills in a short plain answer. */
void http_answer_text(struct http_exchange *exchange, uint16_t status,
                      struct str text);

#endif
