/* SPDX-License-Identifier: Apache-2.0 */
/* The message itself, as the octets that were sealed, frame by frame: memory
 * does not grow with it, and nothing here knows what is inside. */
#ifndef POSTSEAL_ROLE_PORTAL_LETTER_H
#define POSTSEAL_ROLE_PORTAL_LETTER_H

#include "role/portal/portal.h"

/* Answers with the message. A damaged or vanished frame cuts the connection,
 * so that a part is never taken for the whole (PO-13). */
void letter_answer(struct visit *v, bool to_file);

#endif
