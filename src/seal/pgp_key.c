/* SPDX-License-Identifier: Apache-2.0 */
/* What speaks for and against a public key. */
#include "mail/address.h"
#include "seal/pgp.h"
#include "seal/pgp_packets.h"
#include "seal/pgp_ring.h"
#include "seal/weak_rsa.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum { UIDS_MAX = 256, SIGNATURES_MAX = 256, SUBKEYS_MAX = 64 };

/* --- texts of librnp --------------------------------------------------------
 */

static struct str keep_text(char *text, struct arena *arena)
{
    struct str kept =
        text == NULL ? STR("") : str_keep(arena, str_from_cstr(text));

    rnp_buffer_destroy(text);
    return kept;
}

static struct str lower(struct str s, struct arena *arena)
{
    char *p = arena_alloc(arena, s.n + 1);

    for (size_t i = 0; i < s.n; i++)
        p[i] = ascii_lower(s.p[i]);
    return str_of(p, s.n);
}

static struct str algorithm_of(rnp_key_handle_t key, struct arena *arena)
{
    static const struct {
        const char *curve, *name;
    } curves[] = {
        { "Curve25519", "x25519" },     { "NIST P-256", "p256" },
        { "NIST P-384", "p384" },       { "NIST P-521", "p521" },
        { "brainpoolP256r1", "bp256" }, { "brainpoolP384r1", "bp384" },
        { "brainpoolP512r1", "bp512" },
    };
    char *text = NULL;
    uint32_t bits = 0;

    rnp_key_get_alg(key, &text);
    struct str alg = keep_text(text, arena);
    rnp_key_get_bits(key, &bits);
    if (!str_eq(alg, STR("ECDH")) && !str_eq(alg, STR("ECDSA")))
        return lower(arena_printf(arena, "%.*s%u", STR_ARG(alg), bits), arena);
    text = NULL;
    rnp_key_get_curve(key, &text);
    struct str curve = keep_text(text, arena);
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
        if (str_eq(curve, str_from_cstr(curves[i].curve)))
            return str_from_cstr(curves[i].name);
    return lower(curve, arena);
}

/* --- whose it is -------------------------------------------------------------
 */

/* The one address of a user id: all of it, or between < and > at its end. */
static bool address_in(struct str uid, struct arena *arena, struct str *out)
{
    struct address address;
    size_t open = str_find_char(uid, '<');

    for (size_t i = 0; i < uid.n; i++)
        if ((unsigned char)uid.p[i] < ' ' || uid.p[i] == 127)
            return false;
    if (open < uid.n) {
        if (!str_ends(uid, STR(">")))
            return false;
        uid = str_from(uid, open + 1);
        uid = str_first(uid, uid.n - 1);
        if (str_has_char(uid, '<') || str_has_char(uid, '>'))
            return false;
    }
    if (str_has_char(uid, ' ') || !address_parse(uid, arena, &address))
        return false;
    *out = address.text;
    return true;
}

/* --- what speaks against it -------------------------------------------------
 */

static bool is_weak_hash(rnp_signature_handle_t signature)
{
    char *hash = NULL;
    bool weak;

    if (rnp_signature_get_hash_alg(signature, &hash) != RNP_SUCCESS)
        return true;
    weak = strcmp(hash, "SHA1") == 0 || strcmp(hash, "MD5") == 0 ||
           strcmp(hash, "RIPEMD160") == 0;
    rnp_buffer_destroy(hash);
    return weak;
}

typedef rnp_result_t signature_at(void *of, size_t i,
                                  rnp_signature_handle_t *out);

static rnp_result_t of_key(void *of, size_t i, rnp_signature_handle_t *out)
{
    return rnp_key_get_signature_at(of, i, out);
}

static rnp_result_t of_uid(void *of, size_t i, rnp_signature_handle_t *out)
{
    return rnp_uid_get_signature_at(of, i, out);
}

static bool has_strong(void *of, size_t n, signature_at *at)
{
    bool strong = false;

    for (size_t i = 0; i < n && i < SIGNATURES_MAX && !strong; i++) {
        rnp_signature_handle_t signature = NULL;

        if (at(of, i, &signature) != RNP_SUCCESS)
            continue;
        /* One that does not hold lends no strength to another. */
        strong = rnp_signature_is_valid(signature, 0) == RNP_SUCCESS &&
                 !is_weak_hash(signature);
        rnp_signature_handle_destroy(signature);
    }
    return strong;
}

static bool key_has_strong(rnp_key_handle_t key)
{
    size_t n = 0;

    rnp_key_get_signature_count(key, &n);
    return has_strong(key, n, of_key);
}

static bool uid_has_strong(rnp_uid_handle_t uid)
{
    size_t n = 0;

    rnp_uid_get_signature_count(uid, &n);
    return has_strong(uid, n, of_uid);
}

static bool primary_has_strong(rnp_key_handle_t primary)
{
    size_t n = 0;
    bool strong = key_has_strong(primary);

    rnp_key_get_uid_count(primary, &n);
    for (size_t i = 0; i < n && i < UIDS_MAX && !strong; i++) {
        rnp_uid_handle_t uid = NULL;

        if (rnp_key_get_uid_handle_at(primary, i, &uid) != RNP_SUCCESS)
            continue;
        strong = uid_has_strong(uid);
        rnp_uid_handle_destroy(uid);
    }
    return strong;
}

/* RSA of the key or subkey itself, from its packet. */
static const char *judge_numbers(rnp_key_handle_t key)
{
    uint8_t *data = NULL;
    size_t n = 0;
    struct pgp_packet packet;
    struct str in, modulus, exponent;
    const char *why = NULL;

    if (rnp_get_public_key_data(key, &data, &n) != RNP_SUCCESS)
        return NULL;
    in = str_of(data, n);
    if (pgp_packet_next(&in, &packet) &&
        pgp_rsa_numbers(packet.body, &modulus, &exponent))
        why = weak_rsa(modulus, exponent);
    rnp_buffer_destroy(data);
    return why;
}

static const char *judge_algorithm(rnp_key_handle_t key)
{
    char *alg = NULL;
    const char *why = NULL;

    if (rnp_key_get_alg(key, &alg) != RNP_SUCCESS)
        return "an algorithm that is not known";
    if (strcmp(alg, "DSA") == 0)
        why = "a DSA key";
    else if (strcmp(alg, "ELGAMAL") == 0)
        why = "an ElGamal key";
    else if (strcmp(alg, "RSA") == 0)
        why = judge_numbers(key);
    rnp_buffer_destroy(alg);
    return why;
}

/* Why none of the subkeys serves, from what the nearest one lacks. */
static const char *why_none(rnp_key_handle_t primary, struct key_facts *out)
{
    const char *why = "no part of it is for encryption";
    size_t n = 0;

    rnp_key_get_subkey_count(primary, &n);
    for (size_t i = 0; i < n && i < SUBKEYS_MAX; i++) {
        rnp_key_handle_t sub = NULL;
        bool usage = false, expired = false, revoked = false;

        if (rnp_key_get_subkey_at(primary, i, &sub) != RNP_SUCCESS)
            continue;
        rnp_key_allows_usage(sub, "encrypt", &usage);
        rnp_key_is_expired(sub, &expired);
        rnp_key_is_revoked(sub, &revoked);
        const char *weak = judge_algorithm(sub);
        rnp_key_handle_destroy(sub);
        if (!usage)
            continue;
        out->revoked |= revoked;
        out->expired |= expired && !revoked;
        why = revoked   ? "its encryption part was revoked"
              : expired ? "its encryption part has expired"
              : weak    ? weak
                        : "its encryption part is not validly bound to it";
    }
    return why;
}

static int64_t till(rnp_key_handle_t key)
{
    uint64_t seconds = 0;

    if (rnp_key_valid_till64(key, &seconds) != RNP_SUCCESS ||
        seconds == UINT64_MAX || seconds > INT64_MAX / 1000)
        return 0;
    return (int64_t)seconds * 1000;
}

static int64_t sooner(int64_t a, int64_t b)
{
    if (a == 0 || b == 0)
        return a == 0 ? b : a;
    return a < b ? a : b;
}

static const char *judge_encryption(rnp_key_handle_t primary,
                                    rnp_key_handle_t part, struct arena *arena,
                                    struct key_facts *out)
{
    const char *why = judge_algorithm(part);

    out->algorithm = algorithm_of(part, arena);
    out->expires_wall_ms = sooner(till(primary), till(part));
    if (why == NULL)
        why = judge_algorithm(primary);
    if (why == NULL && (!key_has_strong(part) || !primary_has_strong(primary)))
        why = "bound with SHA-1 or MD5 only";
    return why;
}

static const char *judge_ring(const struct pgp_ring *ring, int64_t now_wall_ms,
                              struct arena *arena, struct key_facts *out)
{
    rnp_key_handle_t part = NULL;
    bool expired = false;
    const char *why;

    rnp_key_is_revoked(ring->primary, &out->revoked);
    rnp_key_is_expired(ring->primary, &expired);
    out->expires_wall_ms = till(ring->primary);
    out->expired = expired || (out->expires_wall_ms > 0 &&
                               out->expires_wall_ms <= now_wall_ms);
    out->algorithm = algorithm_of(ring->primary, arena);
    if (out->revoked)
        return "revoked";
    if (out->expired)
        return "expired";
    if (rnp_key_get_default_key(ring->primary, "encrypt", 0, &part) !=
            RNP_SUCCESS ||
        part == NULL) {
        why = judge_algorithm(ring->primary);
        return why != NULL ? why : why_none(ring->primary, out);
    }
    why = judge_encryption(ring->primary, part, arena, out);
    rnp_key_handle_destroy(part);
    return why;
}

/* --- its addresses ----------------------------------------------------------
 */

/* Bound by the key's own, strong signature, and not taken back. */
static bool uid_holds(rnp_uid_handle_t uid)
{
    bool valid = false, revoked = true;
    uint32_t type = 0;

    return rnp_uid_get_type(uid, &type) == RNP_SUCCESS && type == RNP_USER_ID &&
           rnp_uid_is_valid(uid, &valid) == RNP_SUCCESS && valid &&
           rnp_uid_is_revoked(uid, &revoked) == RNP_SUCCESS && !revoked &&
           uid_has_strong(uid);
}

static void add_address(rnp_uid_handle_t uid, struct arena *arena,
                        struct key_facts *out)
{
    void *data = NULL;
    size_t n = 0;
    struct str address;

    if (out->addresses_n == KEY_ADDRESSES_MAX || !uid_holds(uid) ||
        rnp_uid_get_data(uid, &data, &n) != RNP_SUCCESS)
        return;
    if (address_in(str_of(data, n), arena, &address))
        out->addresses[out->addresses_n++] = address;
    rnp_buffer_destroy(data);
}

static void add_addresses(rnp_key_handle_t primary, struct arena *arena,
                          struct key_facts *out)
{
    size_t n = 0;

    out->addresses =
        arena_array(arena, KEY_ADDRESSES_MAX, sizeof(*out->addresses));
    rnp_key_get_uid_count(primary, &n);
    for (size_t i = 0; i < n && i < UIDS_MAX; i++) {
        rnp_uid_handle_t uid = NULL;

        if (rnp_key_get_uid_handle_at(primary, i, &uid) != RNP_SUCCESS)
            continue;
        add_address(uid, arena, out);
        rnp_uid_handle_destroy(uid);
    }
}

/* --- facts -------------------------------------------------------------------
 */

static void add_fingerprint(const struct pgp_ring *ring, struct arena *arena,
                            struct key_facts *out)
{
    char *text = NULL;

    rnp_key_get_fprint(ring->primary, &text);
    out->fingerprint = lower(keep_text(text, arena), arena);
}

static void read_ring(const struct pgp_ring *ring, int64_t now_wall_ms,
                      struct arena *arena, struct key_facts *out)
{
    uint32_t created = 0;
    const char *why;

    add_fingerprint(ring, arena, out);
    rnp_key_get_creation(ring->primary, &created);
    out->created_wall_ms = (int64_t)created * 1000;
    add_addresses(ring->primary, arena, out);
    why = judge_ring(ring, now_wall_ms, arena, out);
    if (why == NULL && out->addresses_n == 0)
        why = "no user id with one plain mail address";
    out->refused = str_from_cstr(why == NULL ? "" : why);
}

/* librnp cannot read it: told by its own packet. */
static void read_unreadable(struct str bytes, unsigned version,
                            struct arena *arena, struct key_facts *out,
                            const char *why)
{
    unsigned char raw[PGP_FINGERPRINT];
    struct pgp_packet packet;
    char *hex = arena_alloc(arena, 2 * PGP_FINGERPRINT + 1);

    if (!pgp_packet_next(&bytes, &packet))
        return;
    pgp_fingerprint(packet.body, raw);
    for (size_t i = 0; i < PGP_FINGERPRINT; i++) {
        hex[2 * i] = "0123456789abcdef"[raw[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[raw[i] & 15];
    }
    out->fingerprint = str_of(hex, 2 * PGP_FINGERPRINT);
    out->algorithm = STR("");
    out->refused =
        version == 4
            ? str_keep(arena, str_from_cstr(why))
            : arena_printf(arena,
                           "version %u of OpenPGP keys cannot be used here",
                           version);
}

/* What is handed on of a key never has its private part in it. */
static struct status keep_public(const struct pgp_ring *ring,
                                 struct arena *arena, struct key_facts *out)
{
    struct buf public = { 0 };
    struct status st = pgp_ring_export(ring, RNP_KEY_EXPORT_PUBLIC, &public);

    out->bytes = str_keep(arena, buf_str(&public));
    buf_free(&public);
    return st;
}

/* Whose packet says it is private, read or not. */
static bool is_private(struct str bytes)
{
    struct pgp_packet packet;

    return pgp_packet_next(&bytes, &packet) && packet.tag == PGP_SECRET_KEY;
}

static struct status read_key(struct str bytes, unsigned version,
                              int64_t now_wall_ms, struct arena *arena,
                              struct key_facts *out)
{
    struct pgp_ring ring;
    struct status st = status_refuse("another version");

    *out = (struct key_facts){ .kind = KEY_PGP };
    if (!is_private(bytes))
        out->bytes = str_keep(arena, bytes);
    if (bytes.n > KEY_BYTES_MAX)
        st = status_refuse("larger than %d octets", KEY_BYTES_MAX);
    else if (version == 4)
        st = pgp_ring_open(bytes, true, &ring);
    if (st.kind == STATUS_DEFER)
        return st;
    if (!status_is_ok(st)) {
        out->bytes = STR("");
        read_unreadable(bytes, version, arena, out, st.why);
        return status_ok();
    }
    read_ring(&ring, now_wall_ms, arena, out);
    out->has_private = is_private(bytes);
    if (out->has_private)
        st = keep_public(&ring, arena, out);
    pgp_ring_close(&ring);
    return st;
}

struct status pgp_read_keys(struct str in, int64_t now_wall_ms,
                            struct arena *arena, struct key_facts **out,
                            size_t *n)
{
    struct buf octets = { 0 }, key = { 0 };
    struct str rest;
    struct status st = status_ok();
    unsigned version;
    bool readable =
        in.n > 0 && in.n <= 4 * KEY_BYTES_MAX && pgp_unarmour(in, &octets);

    *n = 0;
    *out = arena_array(arena, PGP_KEYS_MAX, sizeof(**out));
    rest = buf_str(&octets);
    while (readable && *n < PGP_KEYS_MAX && status_is_ok(st) &&
           pgp_next_key(&rest, &key, &version)) {
        st = read_key(buf_str(&key), version, now_wall_ms, arena,
                      &(*out)[(*n)++]);
        buf_clear(&key);
    }
    buf_wipe(&octets);
    buf_wipe(&key);
    if (!status_is_ok(st))
        return st;
    return *n > 0 ? status_ok() : status_refuse("no OpenPGP key");
}

/* --- looking ----------------------------------------------------------------
 */

static bool message_is_for_key(struct str message, struct str key)
{
    struct pgp_packet packet;
    unsigned char fingerprint[PGP_FINGERPRINT];

    while (pgp_packet_next(&key, &packet)) {
        if (packet.tag != PGP_PUBLIC_KEY && packet.tag != PGP_PUBLIC_SUBKEY)
            continue;
        pgp_fingerprint(packet.body, fingerprint);
        if (pgp_message_is_for(message,
                               fingerprint + PGP_FINGERPRINT - PGP_KEY_ID))
            return true;
    }
    return false;
}

bool pgp_is_encrypted_to(struct str in, const struct str *keys, size_t n)
{
    struct buf octets = { 0 };
    bool yes = false;

    if (pgp_unarmour(in, &octets))
        for (size_t i = 0; i < n && !yes; i++)
            yes = message_is_for_key(buf_str(&octets), keys[i]);
    buf_free(&octets);
    return yes;
}
