/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The message of a parcel, opened frame by frame: memory does not grow with
 * its size. What is sent differs from what was received in the header alone:
 * requests to the gateway (X-Postseal-*) and Bcc are gone, a subject marker is
 * removed if the rule says so, and DKIM signatures stand before it, made last.
 */
#ifndef POSTSEAL_DISPATCH_BODY_H
#define POSTSEAL_DISPATCH_BODY_H

#include "net/stream.h"
#include "role/dispatch/dispatch.h"

#include <sys/types.h>

struct body {
    struct dispatch *dispatch;
    const struct message *message;
    struct arena *arena;
    struct str context; /* of the sealing */
    struct rest_key key;
    struct buf head;        /* plain text up to and past the header */
    size_t header_n;        /* its octets, without the empty line */
    size_t text_at;         /* where the text begins in head */
    uint32_t next_frame;    /* the first one that is not in head */
    struct buf frame;       /* plain text of the frame at hand */
    struct buf edited;      /* the changed header */
    struct buf header_sent; /* changed and signed, with the empty line */
    struct str marker;      /* what edited was made for */
    bool is_edited, is_signed;
};

/* Unwraps the key and opens the header. A deferral is our own trouble and may
 * pass; a refusal means the body is damaged: hold the message (QD-06). */
struct status body_open(struct dispatch *dispatch,
                        const struct message *message, struct str first_frame,
                        struct arena *arena, struct body *out);
void body_close(struct body *body);

/* The header block as received, without the empty line. */
struct str body_header(const struct body *body);
/* The same after the changes, unsigned; after body_edit. */
struct str body_edited_header(const struct body *body);
/* Makes the header as it is to be sent, but for signatures. */
void body_edit(struct body *body, struct str strip_marker);
/* Signs what was edited; reads the whole text when a key is for its author. */
struct status body_sign(struct body *body);
/* Octets that body_write will send, dots not doubled; after body_sign. */
uint64_t body_size(const struct body *body);

/* Hands the text after the header to take(), piece by piece. */
struct status body_text(struct body *body,
                        struct status (*take)(void *context, struct str piece),
                        void *context);
/* The same pulled: what is sent, unsigned, from the header on. */
struct body_reader {
    struct body *body;
    struct buf piece;
    size_t used;
    uint32_t next_frame;
    int stage;
    struct status status; /* why a read failed */
};
/* After body_edit. */
void body_reader_open(struct body *body, struct body_reader *out);
/* As struct seal_source's read; context is the struct body_reader. */
ssize_t body_reader_read(void *context, void *to, size_t n);
void body_reader_close(struct body_reader *reader);

/* A struct body_source's write: header and text, dots doubled, no final dot.
 * x.4.x when the connection failed. context is the struct body. */
struct status body_write(void *context, struct stream *out);

#endif
