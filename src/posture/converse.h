/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands out, replies in (RFC 5321, 4.2): the client's half of the SMTP
 * conversation, bounded and cleaned. Refuses replies without end, without a
 * code, or with a code that changes from line to line.
 */
#ifndef POSTSEAL_POSTURE_CONVERSE_H
#define POSTSEAL_POSTURE_CONVERSE_H

#include "base/buf.h"
#include "base/status.h"
#include "net/stream.h"

enum { ANSWER_LINE_MAX = 4096, ANSWER_LINES_MAX = 128, ANSWER_TEXT = 400 };

struct answer {
    uint16_t code;          /* 200..599; 0: no usable answer */
    char text[ANSWER_TEXT]; /* "250 2.0.0 Ok ...", first lines, cleaned */
    struct buf *lines; /* when set: the text after the code, LF separated */
};

/* Reads one reply within ms. False: *why says what came instead. */
bool answer_read(struct stream *stream, int64_t ms, struct answer *out,
                 struct status *why);
/* What the answer means, with its enhanced code if it gave one (RFC 2034) and
 * x.0.0 otherwise. prefix names the peer: "mx1.example said". */
struct status answer_status(const struct answer *answer, const char *prefix);
/* Collects one command line; nothing is sent before converse_flush. */
void converse_say(struct stream *stream, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Sends within ms what was collected. */
bool converse_flush(struct stream *stream, int64_t ms, struct status *why);

#endif
