/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of an HTTP/1.1 request, read so that no other server on the way can
 * read it differently (RFC 9112): whatever is ambiguous is refused, nothing is
 * mended. Pure: bytes in, struct out.
 */
#ifndef POSTSEAL_NET_HTTP_REQUEST_H
#define POSTSEAL_NET_HTTP_REQUEST_H

#include "base/buf.h"

enum {
    HTTP_LINE_MAX = 8192,
    HTTP_HEAD_MAX = 16384, /* request line and fields together */
    HTTP_FIELDS_MAX = 64,
    HTTP_CHUNK_EXT_MAX = 256,
};

enum http_parse { HTTP_OK, HTTP_MORE, HTTP_BAD };

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_OTHER, /* well-formed, not ours */
};

struct http_field {
    struct str name, value; /* as sent, blanks around the value cut */
};

/* Slices point into the bytes given to http_request_parse(). */
struct http_request {
    enum http_method method;
    struct str path;  /* begins with "/"; escapes are not resolved */
    struct str query; /* behind "?", or empty */
    struct str host;  /* as sent, with the port if there is one */
    struct http_field fields[HTTP_FIELDS_MAX];
    size_t fields_n;
    uint64_t content_length; /* 0 without a body and for chunked */
    bool chunked;
    bool http_1_0;
    bool close; /* no further request on this connection */
    bool expect_continue;
};

/* On HTTP_OK *used octets were the head. On HTTP_BAD *refuse is the answer's
 * status (400, 414, 431, 501, 505), and the connection must end. */
enum http_parse http_request_parse(struct str in, struct http_request *out,
                                   size_t *used, uint16_t *refuse);

/* The value of the only field of that name; empty when there is none, or
 * more than one. Case of the name does not matter. */
struct str http_request_field(const struct http_request *request,
                              struct str name);
/* A cookie's value (RFC 6265); empty when it is missing or there twice. */
struct str http_request_cookie(const struct http_request *request,
                               struct str name);

/* A whole chunked body (RFC 9112, 7.1) appended to out, at most max octets
 * (more is HTTP_BAD with 413). Trailers are read over. */
enum http_parse http_chunked_parse(struct str in, size_t max, struct buf *out,
                                   size_t *used, uint16_t *refuse);

/* One value of an application/x-www-form-urlencoded body, decoded and appended
 * to out; false when it is missing, there twice, or ill-formed. */
bool http_form_value(struct str body, struct str name, struct buf *out);

#endif
