/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and keys on disk: looked at by config check, made by init. */
#ifndef POSTSEAL_CLI_CERTIFICATE_H
#define POSTSEAL_CLI_CERTIFICATE_H

#include "base/status.h"
#include "base/str.h"

struct certificate_facts {
    int64_t ends_in_days; /* negative: it has ended */
    bool begun, names_host, self_signed, key_matches;
    unsigned chain; /* certificates behind the first one */
};

/* Reads both PEM files; refused when one is not what it should be. The key
 * may be "" (then key_matches is true). */
struct status certificate_look(const char *certificate_path,
                               const char *key_path, const char *host,
                               struct certificate_facts *out);
/* At least one CA certificate in a PEM file. */
struct status certificate_look_ca(const char *path);

/* A self-signed P-256 certificate for host and, unless "", second_host, good
 * for days; refused when one of the files exists. Modes 0644 and 0600. */
struct status certificate_make(const char *certificate_path,
                               const char *key_path, const char *host,
                               const char *second_host, unsigned days);

#endif
