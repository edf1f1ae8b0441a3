/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/pgp_packets.h"

#include "base/base64.h"

#include <openssl/evp.h>
#include <string.h>

enum { PACKETS_MAX = 4096, SUBPACKETS_MAX = 64, ARMOUR_HEADERS_MAX = 16 };

static unsigned octet(struct str s, size_t i)
{
    return (unsigned char)s.p[i];
}

static size_t number(struct str s, size_t at, size_t n)
{
    size_t value = 0;

    for (size_t i = 0; i < n; i++)
        value = value << 8 | octet(s, at + i);
    return value;
}

/* --- packets ---------------------------------------------------------------
 */

/* Octets of the head, 0 when it is none or has no definite length. */
static size_t head_new(struct str in, size_t *body_n)
{
    unsigned first = octet(in, 1);

    if (first < 192) {
        *body_n = first;
        return 2;
    }
    if (first < 224 && in.n >= 3) {
        *body_n = ((first - 192) << 8) + octet(in, 2) + 192;
        return 3;
    }
    if (first != 255 || in.n < 6)
        return 0;
    *body_n = number(in, 2, 4);
    return 6;
}

static size_t head_old(struct str in, size_t *body_n)
{
    size_t octets = (size_t)1 << (octet(in, 0) & 3);

    if (octets > 4 || in.n < 1 + octets)
        return 0;
    *body_n = number(in, 1, octets);
    return 1 + octets;
}

static size_t read_head(struct str in, unsigned *tag, size_t *body_n)
{
    unsigned first;

    if (in.n < 2 || !((first = octet(in, 0)) & 0x80))
        return 0;
    if (first & 0x40) {
        *tag = first & 0x3f;
        return head_new(in, body_n);
    }
    *tag = first >> 2 & 0x0f;
    return head_old(in, body_n);
}

bool pgp_packet_next(struct str *in, struct pgp_packet *out)
{
    size_t n = 0, head = read_head(*in, &out->tag, &n);

    if (head == 0 || n > in->n - head)
        return false;
    out->body = str_first(str_from(*in, head), n);
    out->whole = str_first(*in, head + n);
    *in = str_from(*in, head + n);
    return true;
}

/* --- armour ----------------------------------------------------------------
 */

static struct str next_line(struct str *in)
{
    size_t n = str_find_char(*in, '\n');
    struct str line = str_trim(str_first(*in, n));

    *in = str_from(*in, n < in->n ? n + 1 : n);
    return line;
}

/*
 * Armour headers say nothing that is believed, and nobody may say in them what
 * should have been locked: only those that programs write (RFC 9580, 6.2.2).
 */
static bool is_armour_header(struct str line)
{
    static const char *const names[] = { "Version:", "Comment:", "Charset:",
                                         "Hash:", "MessageID:" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (str_starts_nocase(line, str_from_cstr(names[i])))
            return true;
    return false;
}

static bool skip_armour_head(struct str *in)
{
    for (int i = 0; i < ARMOUR_HEADERS_MAX && in->n > 0; i++) {
        struct str line = next_line(in);

        if (line.n == 0)
            return true;
        if (!is_armour_header(line))
            return false;
    }
    return false;
}

/* Nothing but the checksum, when there is one, stands between the octets and
 * the end. It is not compared: it proves nothing (RFC 9580, 6.1). */
static bool is_armour_end(struct str line, struct str rest)
{
    if (line.n == 5 && line.p[0] == '=')
        do
            line = next_line(&rest);
        while (line.n == 0 && rest.n > 0);
    return str_starts(line, STR("-----END PGP "));
}

bool pgp_unarmour(struct str in, struct buf *out)
{
    struct buf text = { 0 };
    bool good = false;

    if (in.n > 0 && (octet(in, 0) & 0x80)) {
        buf_add(out, in);
        return true;
    }
    in = str_from(in, str_find(in, STR("-----BEGIN PGP ")));
    next_line(&in);
    if (!skip_armour_head(&in))
        return false;
    while (in.n > 0) {
        struct str line = next_line(&in);

        if (str_starts(line, STR("=")) || str_starts(line, STR("-----"))) {
            good =
                is_armour_end(line, in) && base64_decode(buf_str(&text), out);
            break;
        }
        buf_add(&text, line);
    }
    buf_wipe(&text);
    return good;
}

/* --- keys ------------------------------------------------------------------
 */

void pgp_fingerprint(struct str body, unsigned char out[PGP_FINGERPRINT])
{
    unsigned char head[3] = { 0x99, (unsigned char)(body.n >> 8),
                              (unsigned char)body.n };
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    /* SHA-1 names the key; it proves nothing. */
    memset(out, 0, PGP_FINGERPRINT);
    if (ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha1(), NULL) == 1 &&
        EVP_DigestUpdate(ctx, head, sizeof(head)) == 1 &&
        EVP_DigestUpdate(ctx, body.p, body.n) == 1)
        EVP_DigestFinal_ex(ctx, out, NULL);
    EVP_MD_CTX_free(ctx);
}

static bool is_key(unsigned tag)
{
    return tag == PGP_PUBLIC_KEY || tag == PGP_SECRET_KEY;
}

static bool is_subkey(unsigned tag)
{
    return tag == PGP_PUBLIC_SUBKEY || tag == PGP_SECRET_SUBKEY;
}

/* RSA, ElGamal, DSA, ECDH, ECDSA, EdDSA: what librnp can read. */
static bool is_known_subkey(struct str body)
{
    static const unsigned char known[] = { 1, 2, 3, 16, 17, 18, 19, 22 };

    return body.n > 6 && octet(body, 0) == 4 &&
           memchr(known, (int)octet(body, 5), sizeof(known)) != NULL;
}

/* One subpacket off *in; false at the end. */
static bool next_subpacket(struct str *in, unsigned *type, struct str *value)
{
    size_t n, head = 1;

    if (in->n < 2)
        return false;
    n = octet(*in, 0);
    if (n >= 192 && n < 255) {
        n = ((n - 192) << 8) + octet(*in, 1) + 192;
        head = 2;
    } else if (n == 255 && in->n >= 5) {
        n = number(*in, 1, 4);
        head = 5;
    }
    if (n == 0 || n > in->n - head)
        return false;
    *type = octet(*in, head) & 0x7f;
    *value = str_first(str_from(*in, head + 1), n - 1);
    *in = str_from(*in, head + n);
    return true;
}

/* Does a list of subpackets name another issuer than id? */
static bool names_other(struct str list, const unsigned char *id)
{
    enum { ISSUER = 16, ISSUER_FINGERPRINT = 33 };
    struct str value;
    unsigned type;

    for (int i = 0; i < SUBPACKETS_MAX && next_subpacket(&list, &type, &value);
         i++) {
        if (type == ISSUER && value.n == PGP_KEY_ID &&
            memcmp(value.p, id, PGP_KEY_ID) != 0)
            return true;
        if (type == ISSUER_FINGERPRINT && value.n == PGP_FINGERPRINT + 1 &&
            memcmp(value.p + 1 + PGP_FINGERPRINT - PGP_KEY_ID, id,
                   PGP_KEY_ID) != 0)
            return true;
    }
    return false;
}

static bool is_foreign(struct str signature, const unsigned char *id)
{
    size_t hashed, other;

    if (signature.n < 8 || octet(signature, 0) != 4)
        return true;
    hashed = number(signature, 4, 2);
    if (hashed + 8 > signature.n)
        return true;
    other = number(signature, 6 + hashed, 2);
    if (other > signature.n - 8 - hashed)
        return true;
    return names_other(str_first(str_from(signature, 6), hashed), id) ||
           names_other(str_first(str_from(signature, 8 + hashed), other), id);
}

struct cutting {
    unsigned char id[PGP_KEY_ID];
    bool public;
    bool keep; /* signatures belong to what was kept before them */
};

static void begin_key(struct cutting *c, const struct pgp_packet *p)
{
    unsigned char fingerprint[PGP_FINGERPRINT];

    pgp_fingerprint(p->body, fingerprint);
    memcpy(c->id, fingerprint + PGP_FINGERPRINT - PGP_KEY_ID, PGP_KEY_ID);
    c->public = p->tag == PGP_PUBLIC_KEY;
    c->keep = true;
}

static bool is_kept(struct cutting *c, const struct pgp_packet *p)
{
    if (p->tag == PGP_SIGNATURE)
        return c->keep && !(c->public && is_foreign(p->body, c->id));
    c->keep = p->tag == PGP_USER_ID ||
              (is_subkey(p->tag) && is_known_subkey(p->body));
    return c->keep;
}

bool pgp_next_key(struct str *in, struct buf *out, unsigned *version)
{
    struct cutting cutting = { 0 };
    struct pgp_packet p;
    struct str rest = *in;

    *version = 0;
    if (!pgp_packet_next(&rest, &p) || !is_key(p.tag) || p.body.n < 6)
        return false;
    *version = octet(p.body, 0);
    begin_key(&cutting, &p);
    buf_add(out, p.whole);
    *in = rest;
    for (int i = 0; i < PACKETS_MAX && pgp_packet_next(&rest, &p); i++) {
        if (is_key(p.tag))
            break;
        if (is_kept(&cutting, &p))
            buf_add(out, p.whole);
        *in = rest;
    }
    return true;
}

/* --- messages --------------------------------------------------------------
 */

/* Behind an encrypted packet, whose body may come in parts (4.2.1.4). */
static bool skip_encrypted(struct str *in)
{
    unsigned tag;
    size_t n, head;

    if (read_head(*in, &tag, &n) > 0) {
        struct pgp_packet p;

        return pgp_packet_next(in, &p);
    }
    if (in->n < 2 || (octet(*in, 0) & 0xc0) != 0xc0)
        return false;
    *in = str_from(*in, 1);
    for (;;) {
        unsigned first;

        if (in->n < 1)
            return false;
        first = octet(*in, 0);
        if (first >= 224 && first < 255) {
            n = (size_t)1 << (first & 31);
            if (n + 1 > in->n)
                return false;
            *in = str_from(*in, n + 1);
            continue;
        }
        /* The last part has an ordinary length; head_new wants a tag. */
        struct str last = str_of(in->p - 1, in->n + 1);
        head = last.n >= 2 ? head_new(last, &n) : 0;
        if (head == 0 || n > last.n - head)
            return false;
        *in = str_from(last, head + n);
        return true;
    }
}

static bool is_session_for(const struct pgp_packet *p, const unsigned char *id)
{
    return p->tag == PGP_SESSION_KEY && p->body.n > 1 + PGP_KEY_ID &&
           octet(p->body, 0) == 3 && memcmp(p->body.p + 1, id, PGP_KEY_ID) == 0;
}

bool pgp_message_is_for(struct str in, const unsigned char id[PGP_KEY_ID])
{
    bool mine = false;

    for (int i = 0; i < PACKETS_MAX && in.n > 0; i++) {
        struct pgp_packet p;
        unsigned first = octet(in, 0);
        unsigned tag = first & 0x40 ? first & 0x3f : first >> 2 & 0x0f;

        if (tag == PGP_ENCRYPTED || tag == PGP_ENCRYPTED_AEAD)
            return skip_encrypted(&in) && in.n == 0 && mine;
        if ((tag != PGP_SESSION_KEY && tag != PGP_SESSION_PASSWORD) ||
            !pgp_packet_next(&in, &p))
            return false;
        mine |= is_session_for(&p, id);
    }
    return false;
}

static bool take_mpi(struct str *in, struct str *out)
{
    size_t n;

    if (in->n < 2)
        return false;
    n = (number(*in, 0, 2) + 7) / 8;
    if (n > in->n - 2)
        return false;
    *out = str_first(str_from(*in, 2), n);
    *in = str_from(*in, 2 + n);
    return true;
}

bool pgp_rsa_numbers(struct str body, struct str *modulus, struct str *exponent)
{
    struct str rest = str_from(body, 6);

    return body.n > 6 && octet(body, 0) == 4 && octet(body, 5) >= 1 &&
           octet(body, 5) <= 3 && take_mpi(&rest, modulus) &&
           take_mpi(&rest, exponent);
}
