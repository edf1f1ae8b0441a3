/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header block of a message (RFC 5322, 2.2), read field by field without
 * copying. CR LF and LF both end a line here: what is judged must not be
 * dodged by line ends. Reading stops at the empty line. Pure.
 */
#ifndef POSTSEAL_MAIL_HEADER_H
#define POSTSEAL_MAIL_HEADER_H

#include "base/arena.h"
#include "base/buf.h"

enum { HEADER_VALUE_MAX = 65536, HEADER_AUTHORS_MAX = 100 };

struct header_field {
    struct str raw;  /* the field with its folds and line end */
    struct str name; /* without the colon; "" for a line that is no field */
    struct str body; /* behind the colon, folds included */
};

/* Cuts the next field; moves *header behind it. False at the end. */
bool header_next(struct str *header, struct header_field *out);
/* Cuts up to and with the next field called name. */
bool header_find(struct str *header, struct str name, struct header_field *out);
/* Appends a body without line ends, trimmed; the blanks behind line ends stay
 * (RFC 5322, 2.2.3). Cut at HEADER_VALUE_MAX. */
void header_unfold(struct str body, struct buf *out);
/* Appends an unfolded body with encoded words decoded to UTF-8 (RFC 2047), the
 * broken ones of mail programs too: rules must not miss a word that a reader
 * would see. Character sets as in charset.h. */
void header_decode(struct str unfolded, struct buf *out);

/*
 * The addresses in From, in the normal form of address.h. The strictest
 * reading (SI-16): exactly one From field, a plain list of mailboxes
 * (RFC 5322, 3.4) - groups, leftovers and unreadable addresses are refused.
 */
bool header_authors(struct str header, struct arena *arena,
                    struct str **addresses, size_t *n);

#endif
