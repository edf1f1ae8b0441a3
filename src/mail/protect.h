/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Header protection (RFC 9788): from the header of a message the outer header
 * that everybody may read and the inner one that is locked with the body. Pure.
 */
#ifndef POSTSEAL_MAIL_PROTECT_H
#define POSTSEAL_MAIL_PROTECT_H

#include "base/buf.h"

struct protect_options {
    bool protect_headers;     /* false: the subject stays where it is */
    struct str outer_subject; /* instead of the real one: "[...]" */
};

/*
 * header: the header block as it would be sent (CR LF lines, no empty line).
 * outer: all fields but Content-*, MIME-Version kept or added, Subject,
 * Keywords and Comments obscured (RFC 9788, 3.2.1: hcp_baseline), without the
 * empty line; the caller adds the Content-* fields of the sealed form. inner:
 * the Content-* fields as they were (with hp="cipher" on Content-Type and the
 * protected fields and HP-Outer when headers are protected), without the empty
 * line. A message without Content-Type gets text/plain inside. Octets that are
 * not ours to change stay as they are. False when the header cannot be split
 * in one way only (two Content-Type fields, no colon, NUL): refuse to seal.
 */
bool protect_header(struct str header, const struct protect_options *options,
                    struct buf *outer, struct buf *inner);

/* What a message is already, by its header and the beginning of its body. */
enum protect_seen {
    PROTECT_NONE,
    PROTECT_SIGNED_ONLY,   /* multipart/signed, signed-data: not sealed */
    PROTECT_PGP_ENCRYPTED, /* multipart/encrypted as the whole root structure */
    PROTECT_CMS_ENVELOPED, /* application/pkcs7-mime, (auth)enveloped-data */
};
/* By structure alone (RFC 3156, RFC 8551), the root only; never by a Subject
 * or an inner header. Whether it is encrypted to the recipient is asked of the
 * sealer. */
enum protect_seen protect_look(struct str header);

#endif
