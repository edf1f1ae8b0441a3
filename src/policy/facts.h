/* SPDX-License-Identifier: Apache-2.0 */
/* What rules ask of a message's header block. Pure. */
#ifndef POSTSEAL_POLICY_FACTS_H
#define POSTSEAL_POLICY_FACTS_H

#include "base/buf.h"

/* The value of the first field called name, unfolded and trimmed, appended. */
bool facts_field(struct str header, struct str name, struct buf *out);
/* All subjects, encoded words decoded (RFC 2047), one a line: what a rule is
 * to find must be found in whichever of them a reader is shown. */
void facts_subject(struct str header, struct buf *out);

#endif
