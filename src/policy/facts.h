/* SPDX-License-Identifier: Apache-2.0 */
/* What rules ask of a message's header block, lazily and bounded. Pure. */
#ifndef POSTSEAL_POLICY_FACTS_H
#define POSTSEAL_POLICY_FACTS_H

#include "base/buf.h"

enum { FACT_VALUE_MAX = 65536 };

/*
 * Cuts the next field called name out of *header and moves *header behind it.
 * *value is its raw body, folds included. False when there is none left. Both
 * CR LF and LF end a line here: a rule must not be dodged by line ends.
 */
bool facts_next(struct str *header, struct str name, struct str *value);
/* A raw field body without line ends (the blanks behind them stay: RFC 5322,
 * 2.2.3), trimmed, appended. */
void facts_unfold(struct str value, struct buf *out);
/* The value of the first field called name, unfolded and trimmed, appended. */
bool facts_field(struct str header, struct str name, struct buf *out);
/* All subjects, encoded words decoded (RFC 2047), one a line: what a rule is
 * to find must be found in whichever of them a reader is shown. */
void facts_subject(struct str header, struct buf *out);

#endif
