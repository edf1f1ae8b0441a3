/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection, TCP or TLS, with a deadline on every operation. Blocking for
 * the caller (non-blocking socket and poll underneath). What was read ahead in
 * clear is thrown away when TLS starts. Used by one thread at a time.
 */
#ifndef POSTSEAL_NET_STREAM_H
#define POSTSEAL_NET_STREAM_H

#include "base/status.h"
#include "base/str.h"

#include <sys/socket.h>

struct stream;
struct tls_server; /* tls.h: certificate and settings of a listener */
struct tls_client; /* tls.h: settings of an outgoing profile */

enum stream_result {
    STREAM_OK,
    STREAM_CLOSED, /* orderly end by the peer (TLS: close_notify) */
    STREAM_TIMEOUT,
    STREAM_TOO_LONG, /* no line end within the limit */
    STREAM_BAD_LINE, /* a bare CR or LF: refused (one line reader for all) */
    STREAM_BROKEN,   /* reset, TLS failure, truncation; see stream_fault */
};

/* Takes over fd (sets non-blocking, TCP_NODELAY, close-on-exec). */
struct stream *stream_from_fd(int fd);
/* Closes at once; accepts NULL, sets NULL. */
void stream_free(struct stream **s);
/* TLS close_notify if TLS is up and it can be sent without waiting. */
void stream_shutdown(struct stream *s);

/* Connects within timeout_ms. On failure *out is NULL, the status says why, and
 * errno is that of connect(2). stop_fd as with stream_stop_on. */
struct status stream_connect(const struct sockaddr_storage *to,
                             int64_t timeout_ms, int stop_fd,
                             struct stream **out);
/* From now on a wait ends, and the stream with it, once stop_fd (the caller's)
 * is readable: so that a process that ends waits for no peer. Below 1: none. */
void stream_stop_on(struct stream *s, int stop_fd);

/* Every wait ends at this point of the monotonic clock at the latest... */
void stream_deadline(struct stream *s, int64_t mono_ms);
/* ...and no single wait is longer than this. */
void stream_timeout(struct stream *s, int64_t each_ms);

/* At least 1 byte into buf, up to cap; *got bytes. */
enum stream_result stream_read(struct stream *s, void *buf, size_t cap,
                               size_t *got);
/* Exactly n bytes. */
enum stream_result stream_read_all(struct stream *s, void *buf, size_t n);
/* A line up to and without CR LF. The slice is valid until the next read. A
 * bare CR or LF inside is STREAM_BAD_LINE, more than max octets is
 * STREAM_TOO_LONG (the rest of that line is then skipped by the next call). */
enum stream_result stream_read_line(struct stream *s, size_t max,
                                    struct str *line);
/* What is already here without waiting, up to cap: for DATA readers that scan
 * blocks. Waits only if nothing is buffered. The slice is valid until the next
 * call; say with stream_consume how much was used. */
enum stream_result stream_peek(struct stream *s, struct str *block);
void stream_consume(struct stream *s, size_t n);
/* The same without waiting: STREAM_TIMEOUT when nothing is here. */
enum stream_result stream_peek_now(struct stream *s, struct str *block);
/* Reads ahead what is here, without waiting: true when stream_read_line with
 * the same max would answer at once, be it a line or a fault. So a session can
 * be parked in the middle of a line that drips in. */
bool stream_line_ready(struct stream *s, size_t max);
/* Input is here already (pipelining): no wait would be needed. */
bool stream_has_input(const struct stream *s);
/* Waits up to wait_ms for input; false when none came. */
bool stream_wait_input(struct stream *s, int64_t wait_ms);

/* Collected until stream_flush; flushes by itself past 16 KiB. */
enum stream_result stream_write(struct stream *s, struct str bytes);
enum stream_result stream_writef(struct stream *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
enum stream_result stream_flush(struct stream *s);

/* TLS. Both drop every byte read before and fail closed: after an error the
 * stream is STREAM_BROKEN for good. */
enum stream_result stream_start_tls_server(struct stream *s,
                                           struct tls_server *server);
enum stream_result stream_start_tls_client(struct stream *s,
                                           struct tls_client *client,
                                           const char *server_name);
/* The same in steps, for servers that park: begin once, then continue until
 * it is not STREAM_TIMEOUT (the peer's turn: park). Nothing else may be called
 * in between. */
enum stream_result stream_begin_tls_server(struct stream *s,
                                           struct tls_server *server);
enum stream_result stream_continue_tls(struct stream *s);
bool stream_is_tls(const struct stream *s);

/* Gives back what an idle connection need not hold (buffers). */
void stream_park(struct stream *s);
int stream_fd(const struct stream *s);
/* "192.0.2.1" / "2001:db8::1", NUL-terminated, and the port. */
const char *stream_peer(const struct stream *s);
uint16_t stream_peer_port(const struct stream *s);
/* Why the last operation was STREAM_BROKEN; plain words, never NULL. */
const char *stream_fault(const struct stream *s);
/* The same after a failed handshake; lasting: the peer's settings are at
 * fault, not the moment. */
const char *stream_tls_fault(const struct stream *s, bool *lasting);
/* The OpenSSL object for net/tls only; NULL without TLS. */
struct ssl_st *stream_ssl(struct stream *s);

#endif
