/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The headers of the messages in an mbox (RFC 4155; mboxo and mboxrd alike),
 * one after another with flat memory, whatever its size.
 */
#ifndef POSTSEAL_CLI_TRACE_MBOX_H
#define POSTSEAL_CLI_TRACE_MBOX_H

#include "base/buf.h"

enum { TRACE_HEADER_MAX = 16 << 20 };

struct mbox {
    int fd;
    struct buf window;   /* what is read and not yet done with */
    size_t at;           /* in it */
    uint64_t done_bytes; /* before the window */
    bool at_end, failed, in_body;
};

/* The next message's header block, without its "From " line; valid until the
 * next call. False at the end or when reading failed. */
bool mbox_next(struct mbox *mbox, struct str *header);
/* For progress. */
uint64_t mbox_position(const struct mbox *mbox);
/* Does it begin as an mbox does? To be asked first. */
bool mbox_begins_well(struct mbox *mbox);
void mbox_free(struct mbox *mbox);

#endif
