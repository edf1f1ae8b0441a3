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
 * address has no domain that can stand in a URL, or a local part longer than
 * mail knows. */
bool wkd_places(struct str address, struct arena *arena,
                struct wkd_place *advanced, struct wkd_place *direct);

/* SHA-256 of the local part, cut to 28 octets, in hex, under _smimecert. */
bool smimea_name(struct str address, struct arena *arena, struct str *out);

/* The certificate of a record "3 0 0" (RFC 8162, 2), a part of rdata. All
 * others are of no use for locking: a digest holds no key, an authority's
 * certificate is nobody's, and usage 1 promises a chain that nobody checks
 * here. */
bool smimea_certificate(struct str rdata, struct str *der);

#endif
