/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_server.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/panic.h"
#include "net/tls.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    HEAD_MS = 10000,
    BODY_MS = 20000,
    IDLE_MS = 15000,
    GRACE_MS = 20000,
    REQUESTS_MAX = 100,
};

/* What a reader who lets us wait is granted, by how many of the threads are
 * writing: few slow readers may be as slow as a telephone in a tunnel, but
 * they cannot take all threads from the others. */
static const struct patience {
    uint32_t part;      /* of a hundred threads, at most so many write */
    int64_t wait_ms;    /* without taking a single octet */
    uint32_t octets_ms; /* after GRACE_MS, at least so many a millisecond */
} patience[] = {
    { 25, 30000, 1 },
    { 50, 3000, 16 },
    { 100, 500, 64 },
};

struct http_server {
    const struct http_settings *settings;
    struct listener *listener;
    _Atomic bool retiring;
    _Atomic uint32_t writing; /* threads that send an answer */
};

enum phase { PHASE_NEW, PHASE_HANDSHAKE, PHASE_REQUEST };

struct connection {
    struct http_server *server;
    const struct http_settings *settings;
    struct stream *stream;
    enum phase phase;
    struct buf in;
    int64_t end_mono_ms; /* of what is awaited now */
    uint32_t requests;
    bool continued; /* 100 was sent for this request */
    bool closing;
};

/* --- answers ------------------------------------------------------------- */

static const struct {
    uint16_t status;
    const char *reason;
} reasons[] = {
    { 200, "OK" },
    { 303, "See Other" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 410, "Gone" },
    { 413, "Content Too Large" },
    { 414, "URI Too Long" },
    { 421, "Misdirected Request" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" },
    { 503, "Service Unavailable" },
    { 505, "HTTP Version Not Supported" },
};

static const char *reason_of(uint16_t status)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Status";
}

void http_answer_text(struct http_exchange *exchange, uint16_t status,
                      struct str text)
{
    exchange->answer.status = status;
    exchange->answer.type = STR("text/plain; charset=utf-8");
    buf_clear(&exchange->answer.body);
    buf_add(&exchange->answer.body, text);
    buf_add_char(&exchange->answer.body, '\n');
}

static void add_security(const struct connection *c, struct str policy,
                         struct buf *out)
{
    buf_add_cstr(out, "Content-Security-Policy: ");
    buf_add(out, policy.n > 0
                     ? policy
                     : STR("default-src 'none'; base-uri 'none'; "
                           "form-action 'none'; frame-ancestors 'none'"));
    buf_add_cstr(out, "\r\nX-Content-Type-Options: nosniff\r\n"
                      "X-Frame-Options: DENY\r\n"
                      "Referrer-Policy: no-referrer\r\n"
                      "Cross-Origin-Opener-Policy: same-origin\r\n"
                      "Cross-Origin-Resource-Policy: same-origin\r\n"
                      "Permissions-Policy: camera=(), geolocation=(), "
                      "microphone=(), payment=(), usb=()\r\n"
                      "X-Robots-Tag: noindex, nofollow\r\n");
    if (c->settings->https)
        buf_add_cstr(out, "Strict-Transport-Security: max-age=63072000\r\n");
}

static uint64_t length_of(const struct http_answer *a)
{
    if (a->write != NULL)
        return a->length;
    return a->shared.n > 0 ? a->shared.n : a->body.n;
}

static void add_head(const struct connection *c, const struct http_answer *a,
                     struct buf *out)
{
    buf_addf(out, "HTTP/1.1 %u %s\r\n", a->status, reason_of(a->status));
    buf_addf(out, "Content-Length: %llu\r\n", (unsigned long long)length_of(a));
    if (a->type.n > 0)
        buf_addf(out, "Content-Type: %.*s\r\n", STR_ARG(a->type));
    buf_add_cstr(out, a->keep ? "Cache-Control: public, max-age=31536000, "
                                "immutable\r\n"
                              : "Cache-Control: no-store\r\n");
    buf_addf(out, "Connection: %s\r\n", c->closing ? "close" : "keep-alive");
    add_security(c, a->policy, out);
    buf_add(out, buf_str(&a->fields));
    buf_add_cstr(out, "\r\n");
}

static const struct patience *patience_now(const struct http_server *server)
{
    uint32_t threads = server->settings->limits.threads;
    size_t i = 0;

    while (patience[i].part < 100 &&
           server->writing * 100 > threads * patience[i].part)
        i++;
    return &patience[i];
}

bool http_send(struct http_exchange *exchange, struct str bytes)
{
    const struct patience *p = patience_now(exchange->server);

    exchange->sent += bytes.n;
    stream_timeout(exchange->stream, p->wait_ms);
    stream_deadline(exchange->stream,
                    exchange->begun_mono_ms + GRACE_MS +
                        (int64_t)(exchange->sent / p->octets_ms));
    return stream_write(exchange->stream, bytes) == STREAM_OK;
}

static bool send_body(struct http_exchange *x)
{
    struct http_answer *a = &x->answer;

    if (a->write != NULL)
        return a->write(x);
    return http_send(x, a->shared.n > 0 ? a->shared : buf_str(&a->body));
}

static void send_answer(struct connection *c, struct http_exchange *x,
                        bool with_body)
{
    struct buf head = { 0 };
    bool whole;

    add_head(c, &x->answer, &head);
    c->server->writing++;
    whole = http_send(x, buf_str(&head)) && (!with_body || send_body(x));
    if (!whole || stream_flush(x->stream) != STREAM_OK) {
        /* Cut without a farewell: half an answer must not look whole. */
        c->closing = true;
        stream_free(&c->stream);
    } else {
        stream_timeout(x->stream, INT64_MAX);
    }
    c->server->writing--;
    buf_free(&head);
    buf_wipe(&x->answer.body);
    buf_wipe(&x->answer.fields);
}

static void refuse(struct connection *c, uint16_t status)
{
    struct http_exchange x = { .stream = c->stream,
                               .begun_mono_ms = clock_mono_ms(),
                               .server = c->server };

    c->closing = true;
    http_answer_text(&x, status, str_from_cstr(reason_of(status)));
    log_event(LOG_INFO, "http.refused",
              LOG_CSTR("peer", stream_peer(c->stream)),
              LOG_INT("code", status));
    send_answer(c, &x, true);
}

/* --- requests ------------------------------------------------------------ */

/* The port may be left out where it is the usual one. */
static bool host_is_ours(const struct http_settings *s, struct str host)
{
    struct str port = s->https ? STR(":443") : STR(":80");
    struct str ours = s->host;

    if (ours.n == 0)
        return true;
    if (str_ends(host, port))
        host.n -= port.n;
    if (str_ends(ours, port))
        ours.n -= port.n;
    return str_eq_nocase(host, ours);
}

static const char *client_of(const struct connection *c,
                             const struct http_request *request,
                             struct arena *arena)
{
    const char *peer = stream_peer(c->stream);
    struct str list = http_request_field(request, STR("X-Forwarded-For"));
    struct str piece, last = STR("");

    if (!c->settings->behind_proxy ||
        (strncmp(peer, "127.", 4) != 0 && strcmp(peer, "::1") != 0))
        return peer;
    while (str_split(&list, ',', &piece))
        last = str_trim(piece);
    return last.n > 0 && last.n < 46 ? str_keep_cstr(arena, last) : peer;
}

static void serve(struct connection *c, const struct http_request *request,
                  struct str body)
{
    struct arena arena = { 0 };
    struct http_exchange x = {
        .request = request,
        .body = body,
        .arena = &arena,
        .answer = { .status = 404 },
        .stream = c->stream,
        .begun_mono_ms = clock_mono_ms(),
        .server = c->server,
    };

    x.client = client_of(c, request, &arena);
    if (++c->requests >= REQUESTS_MAX || request->close || c->server->retiring)
        c->closing = true;
    if (!host_is_ours(c->settings, request->host)) {
        c->closing = true;
        http_answer_text(&x, 421, STR("This server does not know that name."));
    } else {
        c->settings->handle(c->settings->context, &x);
    }
    send_answer(c, &x, request->method != HTTP_HEAD);
    arena_free(&arena);
}

/* What is awaited now; PARSE as http_request_parse says. */
static enum http_parse take_body(struct connection *c,
                                 const struct http_request *request,
                                 size_t *used, struct buf *chunks,
                                 struct str *body, uint16_t *status)
{
    struct str rest = str_from(buf_str(&c->in), *used);
    enum http_parse p = HTTP_OK;
    size_t n = 0;

    if (request->chunked) {
        p = http_chunked_parse(rest, c->settings->body_max, chunks, &n, status);
        *body = buf_str(chunks);
    } else if (request->content_length > c->settings->body_max) {
        *status = 413;
        p = HTTP_BAD;
    } else {
        n = (size_t)request->content_length;
        p = rest.n < n ? HTTP_MORE : HTTP_OK;
        *body = str_first(rest, n);
    }
    *used += n;
    return p;
}

static void say_continue(struct connection *c,
                         const struct http_request *request)
{
    if (c->continued || !request->expect_continue || request->http_1_0)
        return;
    c->continued = true;
    stream_deadline(c->stream, clock_mono_ms() + HEAD_MS);
    if (stream_write(c->stream, STR("HTTP/1.1 100 Continue\r\n\r\n")) !=
            STREAM_OK ||
        stream_flush(c->stream) != STREAM_OK)
        c->closing = true;
}

/* True when a whole request was answered, or the connection must end. */
static bool answer_one(struct connection *c)
{
    struct http_request request;
    struct buf chunks = { 0 };
    struct str body = STR("");
    size_t used = 0;
    uint16_t status = 0;
    enum http_parse p =
        http_request_parse(buf_str(&c->in), &request, &used, &status);

    if (p == HTTP_OK) {
        p = take_body(c, &request, &used, &chunks, &body, &status);
        if (p == HTTP_MORE)
            say_continue(c, &request);
    }
    if (p == HTTP_OK) {
        serve(c, &request, body);
        buf_drop(&c->in, used);
        c->continued = false;
        c->end_mono_ms = clock_mono_ms() + (c->in.n > 0 ? BODY_MS : IDLE_MS);
    }
    if (p == HTTP_BAD)
        refuse(c, status);
    buf_wipe(&chunks);
    return p != HTTP_MORE;
}

/* --- connections --------------------------------------------------------- */

static bool shake_hands(struct connection *c)
{
    enum stream_result r = STREAM_OK;

    if (c->phase == PHASE_NEW) {
        c->phase = PHASE_HANDSHAKE;
        c->end_mono_ms = clock_mono_ms() + HEAD_MS;
        if (c->settings->tls == NULL) {
            c->phase = PHASE_REQUEST;
            return true;
        }
        r = stream_begin_tls_server(c->stream, c->settings->tls);
    }
    if (r == STREAM_OK)
        r = stream_continue_tls(c->stream);
    if (r == STREAM_TIMEOUT)
        return false;
    c->phase = PHASE_REQUEST;
    c->closing = r != STREAM_OK;
    return true;
}

/* False when nothing more is here yet. */
static bool take_input(struct connection *c)
{
    struct str block;
    enum stream_result r = stream_peek_now(c->stream, &block);

    if (r == STREAM_TIMEOUT)
        return false;
    if (r != STREAM_OK) {
        c->closing = true;
        return true;
    }
    if (c->in.n == 0)
        c->end_mono_ms = clock_mono_ms() + BODY_MS;
    block = str_first(block, HTTP_HEAD_MAX);
    buf_add(&c->in, block);
    stream_consume(c->stream, block.n);
    return true;
}

static enum listener_next step(void *session, int64_t *park_until_mono_ms)
{
    struct connection *c = session;

    stream_deadline(c->stream, clock_mono_ms() + HEAD_MS);
    while (!c->closing) {
        bool went = c->phase != PHASE_REQUEST      ? shake_hands(c)
                    : c->in.n > 0 && answer_one(c) ? true
                                                   : take_input(c);

        /* Who sends without end is not waited for, but ends all the same. */
        if (went && (c->in.n == 0 || clock_mono_ms() < c->end_mono_ms))
            continue;
        *park_until_mono_ms = c->end_mono_ms;
        if (clock_mono_ms() >= c->end_mono_ms)
            break;
        stream_park(c->stream);
        return LISTENER_PARK;
    }
    if (c->stream != NULL)
        stream_shutdown(c->stream);
    return LISTENER_DONE;
}

static void *open_connection(void *context, size_t which,
                             struct stream **stream)
{
    struct connection *c = calloc(1, sizeof(*c));

    (void)which;
    if (c == NULL)
        panic("out of memory");
    c->server = context;
    c->settings = c->server->settings;
    c->stream = *stream;
    *stream = NULL;
    return c;
}

static void free_connection(void *session)
{
    struct connection *c = session;

    stream_free(&c->stream);
    buf_wipe(&c->in);
    free(c);
}

static int connection_fd(void *session)
{
    return stream_fd(((struct connection *)session)->stream);
}

static void expired(void *session, bool stopping)
{
    (void)stopping;
    stream_shutdown(((struct connection *)session)->stream);
}

static struct str busy(void *context, size_t which, bool per_source)
{
    (void)context;
    (void)which;
    (void)per_source;
    return STR("");
}

struct http_server *http_server_start(const int *fds, size_t n,
                                      const struct http_settings *settings)
{
    struct http_server *server = calloc(1, sizeof(*server));
    struct listener_callbacks callbacks = {
        .open = open_connection,
        .step = step,
        .fd = connection_fd,
        .expired = expired,
        .free = free_connection,
        .busy = busy,
        .context = server,
    };

    if (server == NULL)
        panic("out of memory");
    server->settings = settings;
    server->listener = listener_start(fds, n, &callbacks, &settings->limits);
    return server;
}

bool http_server_retired(struct http_server *server)
{
    if (!server->retiring) {
        server->retiring = true;
        listener_close(server->listener);
    }
    return listener_count(server->listener) == 0;
}

void http_server_stop(struct http_server **server, int64_t drain_ms)
{
    if (*server == NULL)
        return;
    listener_stop(&(*server)->listener, drain_ms);
    free(*server);
    *server = NULL;
}
