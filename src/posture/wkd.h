/* SPDX-License-Identifier: Apache-2.0 */
/* Where a Web Key Directory keeps the key of an address
 * (draft-koch-openpgp-webkey-service), and the owner name of SMIMEA (RFC 8162,
 * 3). Pure. */
#ifndef POSTSEAL_POSTURE_WKD_H
#define POSTSEAL_POSTURE_WKD_H

#include "base/arena.h"
#include "base/str.h"

struct wkd_place {
    struct str host, path;
};
/* The advanced method (openpgpkey.DOMAIN) and the direct one. False when the
 * address has no domain, or a local part that fits no URL. */
bool wkd_places(struct str address, struct arena *arena,
                struct wkd_place *advanced, struct wkd_place *direct);

/* SHA-256 of the local part, cut to 28 octets, in hex, under _smimecert. */
bool smimea_name(struct str address, struct arena *arena, struct str *out);

#endif
