/* SPDX-License-Identifier: Apache-2.0 */
/* What is taken out of a header on its way out. Pure. */
#ifndef POSTSEAL_DISPATCH_EDIT_H
#define POSTSEAL_DISPATCH_EDIT_H

#include "base/buf.h"

/*
 * Appends the header block (CR LF lines, without the empty line) without
 * X-Postseal-* and Bcc fields, and with marker removed from each Subject, in
 * clear or inside encoded words (RFC 2047). Every other octet stays as it is:
 * signatures made before us must still verify.
 */
void edit_header(struct str header, struct str marker, struct buf *out);

#endif
