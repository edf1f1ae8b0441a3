/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that takes errands and nothing else. Whatever it reads may make it
 * do the attacker's will: so it has no files, no sockets but those it is
 * handed, no way to start or signal anybody, a limit of memory for its life
 * and one of processor time for each errand.
 */
#ifndef POSTSEAL_SEALER_READER_H
#define POSTSEAL_SEALER_READER_H

#include "role/role.h"
#include "seal/rest.h"
#include "seal/smime.h"

/* Made before the rights are gone; readers inherit it. */
struct reader_tools {
    const struct role *role;
    struct rest_private *key;   /* opens the organisation's private keys; NULL:
                                   its file cannot be read by this user */
    struct rest_public *sealed; /* its public half */
    struct smime_trust *trust;
};

/* Files are read here; as root missing key files are made. */
struct status reader_tools_open(const struct role *role,
                                struct reader_tools *out);
void reader_tools_close(struct reader_tools *tools);

/* Until the role ends or enough errands were run; then the process is to end,
 * so that a fresh one takes its place. */
void reader_run(const struct reader_tools *tools);

#endif
