/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The framing of DATA (RFC 5321, 4.5.2) in both directions, over blocks cut
 * anywhere. Coming in there is one reading only: a message ends at CR LF dot
 * CR LF; a bare CR or LF is a fault (SI-01), or for listed clients a line end
 * that can never end the message.
 */
#ifndef POSTSEAL_SMTP_DATA_H
#define POSTSEAL_SMTP_DATA_H

#include "base/buf.h"

enum smtp_data_state { SMTP_DATA_MORE, SMTP_DATA_END, SMTP_DATA_BAD };

/* Where in a line the reader is. */
enum smtp_data_at {
    SMTP_AT_LINE_START, /* after CR LF, or at the very beginning */
    SMTP_AT_DOT,        /* after CR LF dot */
    SMTP_AT_DOT_CR,     /* after CR LF dot CR */
    SMTP_AT_TEXT,
    SMTP_AT_CR,         /* after a CR in text */
    SMTP_AT_SOFT_START, /* after a mended newline: no dot ends here */
};

struct smtp_data_decoder {
    enum smtp_data_at at;
    bool normalise;
    bool has_nul;      /* seen so far; the caller refuses at the end */
    const char *fault; /* for SMTP_DATA_BAD: "bare LF", "bare CR" */
};

void smtp_data_begin(struct smtp_data_decoder *d, bool normalise);
/* Reads from block, appends the message's octets to out; *used octets belong
 * to the message, what follows them is the next command. */
enum smtp_data_state smtp_data_decode(struct smtp_data_decoder *d,
                                      struct str block, struct buf *out,
                                      size_t *used);

/*
 * The octets of BDAT have no dots and no end of their own, but go out by DATA:
 * without BINARYMIME their lines end in CR LF too (RFC 3030, 3). Zeroed before
 * the first chunk; chunks may be cut anywhere.
 */
struct smtp_lines {
    bool cr; /* the newest octet was a CR */
    bool has_nul;
};
/* NULL, or "bare LF" or "bare CR". */
const char *smtp_lines_add(struct smtp_lines *l, struct str piece);
const char *smtp_lines_end(const struct smtp_lines *l);

/* Going out: doubles dots at line starts. The text has CR LF lines. */
struct smtp_dots {
    bool at_start;
    char last[2]; /* the newest two octets */
};

void smtp_dots_begin(struct smtp_dots *d);
void smtp_dots_add(struct smtp_dots *d, struct str piece, struct buf *out);
/* CR LF if the text did not end in one. The final dot is the caller's. */
void smtp_dots_end(struct smtp_dots *d, struct buf *out);

#endif
