/* SPDX-License-Identifier: Apache-2.0 */
/* Character sets of header texts, as mail programs write them, to UTF-8. */
#ifndef POSTSEAL_MAIL_CHARSET_H
#define POSTSEAL_MAIL_CHARSET_H

#include "base/buf.h"

/*
 * Appends octets as UTF-8; what does not belong to the set becomes U+FFFD. Only
 * sets on a list are converted (glibc's iconv; a stranger's name never picks a
 * converter of its own): all that mail programs write, and all in which ASCII
 * is spelled otherwise. Octets of another set pass as they are, ASCII readable.
 */
void charset_to_utf8(struct str charset, struct str octets, struct buf *out);

#endif
