/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the header fields that tell the way of a message, in a message as it
 * is and in what people copy out of mail clients: "> " in front, indented,
 * blank lines between folds, folds that lost their blanks. A clean header
 * gives the same fields as its broken copies. (header.h is for mail we handle:
 * it is strict.) Inner part of trace.h; pure, linear.
 */
#ifndef POSTSEAL_MAIL_TRACE_FIELD_H
#define POSTSEAL_MAIL_TRACE_FIELD_H

#include "base/arena.h"

enum trace_field_kind {
    FIELD_OTHER, /* not kept */
    FIELD_RECEIVED,
    FIELD_RESULTS,   /* Authentication-Results */
    FIELD_SIGNATURE, /* DKIM-Signature */
    FIELD_SIDE,      /* one of the side headers; side tells which */
    FIELD_FROM,
    FIELD_TO,
    FIELD_SUBJECT,
    FIELD_MESSAGE_ID,
    FIELD_DATE,
    FIELD_CONTENT_TYPE,
};

struct trace_field {
    enum trace_field_kind kind;
    struct str name;
    struct str body; /* unfolded: one blank for every fold */
    bool too_long;   /* cut */
};

struct trace_fields {
    struct trace_field *all; /* in the order of the message */
    size_t n;
    size_t cut; /* Received lines that were too many */
};

void trace_fields_read(struct str header, struct arena *arena,
                       struct trace_fields *out);

#endif
