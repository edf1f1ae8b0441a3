/* SPDX-License-Identifier: Apache-2.0 */
/* The organisation's own key as it is handed in. */
#include "base/buf.h"
#include "seal/pgp.h"
#include "seal/pgp_packets.h"
#include "seal/pgp_ring.h"

#include <string.h>

enum { SUBKEYS_MAX = 64, PASSPHRASE_MAX = 1024 };

static struct status unprotect_one(rnp_key_handle_t key, const char *passphrase)
{
    bool secret = false, is_protected = false;
    rnp_result_t rc = RNP_SUCCESS;

    rnp_key_have_secret(key, &secret);
    if (secret)
        rnp_key_is_protected(key, &is_protected);
    if (is_protected)
        rc = rnp_key_unprotect(key, passphrase);
    return rc == RNP_SUCCESS ? status_ok()
                             : status_refuse("wrong passphrase, or none given");
}

static struct status unprotect(const struct pgp_ring *ring,
                               struct str passphrase)
{
    char words[PASSPHRASE_MAX + 1];
    struct status st;
    size_t n = 0;

    if (passphrase.n > PASSPHRASE_MAX)
        return status_refuse("the passphrase is too long");
    if (passphrase.n > 0)
        memcpy(words, passphrase.p, passphrase.n);
    words[passphrase.n] = '\0';
    st = unprotect_one(ring->primary, words);
    rnp_key_get_subkey_count(ring->primary, &n);
    for (size_t i = 0; i < n && i < SUBKEYS_MAX && status_is_ok(st); i++) {
        rnp_key_handle_t sub = NULL;

        if (rnp_key_get_subkey_at(ring->primary, i, &sub) != RNP_SUCCESS)
            continue;
        st = unprotect_one(sub, words);
        rnp_key_handle_destroy(sub);
    }
    explicit_bzero(words, sizeof(words));
    return st;
}

static struct status read_public(const struct pgp_ring *ring,
                                 int64_t now_wall_ms, struct arena *arena,
                                 struct key_facts *out)
{
    struct buf public = { 0 };
    struct key_facts *facts;
    size_t n = 0;
    struct status st = pgp_ring_export(ring, RNP_KEY_EXPORT_PUBLIC, &public);

    if (status_is_ok(st))
        st = pgp_read_keys(buf_str(&public), now_wall_ms, arena, &facts, &n);
    buf_free(&public);
    if (!status_is_ok(st))
        return st;
    *out = facts[0];
    out->has_private = true;
    if (out->expired || out->revoked)
        return status_refuse("the key is %s",
                             out->revoked ? "revoked" : "expired");
    if (out->addresses_n == 0)
        return status_refuse("no user id with one plain mail address");
    /* What others would not encrypt to may still sign. */
    out->refused = STR("");
    return st;
}

/* The first key of in, without the parts that librnp would refuse it for. */
static struct status open_secret(struct str in, struct pgp_ring *out)
{
    struct buf octets = { 0 }, key = { 0 };
    struct str rest;
    struct pgp_packet first;
    struct status st = status_refuse("no OpenPGP secret key");
    unsigned version;

    if (in.n <= 4 * KEY_BYTES_MAX && pgp_unarmour(in, &octets)) {
        rest = buf_str(&octets);
        if (pgp_next_key(&rest, &key, &version)) {
            rest = buf_str(&key);
            if (pgp_packet_next(&rest, &first) && first.tag == PGP_SECRET_KEY)
                st = pgp_ring_open(buf_str(&key), true, out);
        }
    }
    buf_wipe(&octets);
    buf_wipe(&key);
    return st;
}

struct status pgp_own_key(struct str in, struct str passphrase,
                          int64_t now_wall_ms, struct arena *arena,
                          struct key_facts *out, struct buf *secret)
{
    struct pgp_ring ring = { 0 };
    rnp_key_handle_t part = NULL;
    struct status st = open_secret(in, &ring);

    if (!status_is_ok(st))
        return st;
    st = unprotect(&ring, passphrase);
    if (status_is_ok(st))
        st = read_public(&ring, now_wall_ms, arena, out);
    if (status_is_ok(st) && (rnp_key_get_default_key(ring.primary, "sign", 0,
                                                     &part) != RNP_SUCCESS ||
                             part == NULL))
        st = status_refuse("no part of it is for signing");
    rnp_key_handle_destroy(part);
    if (status_is_ok(st))
        st = pgp_ring_export(&ring, RNP_KEY_EXPORT_SECRET, secret);
    pgp_ring_close(&ring);
    return st;
}
