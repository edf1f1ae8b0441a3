/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/pgp.h"

#include "base/crc24.h"
#include "seal/armour.h"
#include "seal/pgp_packets.h"
#include "seal/pgp_ring.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define BOUNDARY "=_postseal_encrypted"

/* --- out: key ids, armour --------------------------------------------------
 */

/* What librnp writes begins with one session key packet; whose key it names
 * may be taken out of it on the way. */
struct output {
    struct armour armour;
    bool hide;
    unsigned char head[16];
    size_t head_n;
    uint32_t crc;
};

static bool pass(struct output *o, const void *from, size_t n)
{
    o->crc = crc24_add(o->crc, str_of(from, n));
    return armour_add(&o->armour, from, n);
}

/* Where the key id stands: behind the packet's head and its version 3. */
static bool hide_key_id(unsigned char *head)
{
    size_t at = head[0] & 0x40 ? (head[1] < 192   ? 2
                                  : head[1] < 224 ? 3
                                                  : 6)
                               : 1u + (1u << (head[0] & 3));

    if (at > 6 || head[at] != 3)
        return false;
    memset(head + at + 1, 0, PGP_KEY_ID);
    return true;
}

static bool write_out(void *context, const void *from, size_t n)
{
    struct output *o = context;
    const unsigned char *p = from;

    while (n > 0 && o->head_n < sizeof(o->head)) {
        o->head[o->head_n++] = *p++;
        n--;
        if (o->head_n == sizeof(o->head) &&
            ((o->hide && !hide_key_id(o->head)) ||
             !pass(o, o->head, o->head_n)))
            return false;
    }
    return n == 0 || pass(o, p, n);
}

static bool read_in(void *context, void *to, size_t n, size_t *got)
{
    const struct seal_source *source = context;
    size_t all = 0;

    *got = 0;
    while (all < n) {
        ssize_t one = source->read(source->context, (char *)to + all, n - all);

        if (one < 0)
            return false;
        if (one == 0)
            break;
        all += (size_t)one;
    }
    *got = all;
    return true;
}

/* --- keys that were used lately --------------------------------------------
 */

/*
 * Reading a key costs more than encrypting to it: its signatures are checked.
 * A reader process keeps the newest, by what they are made of; it has one
 * thread and lives for some hundreds of messages.
 */
enum { CACHE = 32, DIGEST = 32 };

struct cached {
    unsigned char digest[DIGEST];
    struct pgp_ring ring;
    uint64_t used;
};

static struct cached *slot_of(const unsigned char *digest)
{
    static struct cached cache[CACHE];
    static uint64_t clock;
    struct cached *oldest = &cache[0];

    for (size_t i = 0; i < CACHE; i++) {
        if (cache[i].ring.ffi != NULL &&
            memcmp(cache[i].digest, digest, DIGEST) == 0) {
            cache[i].used = ++clock;
            return &cache[i];
        }
        if (cache[i].used < oldest->used)
            oldest = &cache[i];
    }
    pgp_ring_close(&oldest->ring);
    memcpy(oldest->digest, digest, DIGEST);
    oldest->used = ++clock;
    return oldest;
}

static struct status ring_for(struct str bytes, bool secret,
                              struct pgp_ring **out)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct cached *slot;
    struct status st;

    if (EVP_Digest(bytes.p, bytes.n, digest, NULL, EVP_sha256(), NULL) != 1)
        return status_defer("no SHA-256");
    slot = slot_of(digest);
    *out = &slot->ring;
    if (slot->ring.ffi != NULL)
        return status_ok();
    st = pgp_ring_open(bytes, secret, &slot->ring);
    if (!status_is_ok(st))
        memset(slot->digest, 0, DIGEST);
    return st;
}

/* --- sealing ---------------------------------------------------------------
 */

static struct status sign_with(rnp_op_encrypt_t op, struct str key)
{
    struct pgp_ring *own;
    rnp_key_handle_t part = NULL;
    struct status st = ring_for(key, true, &own);
    rnp_result_t rc;

    if (!status_is_ok(st))
        return status_defer("the organisation's key: %s", st.why);
    rc = rnp_key_get_default_key(own->primary, "sign", 0, &part);
    if (rc == RNP_SUCCESS)
        rc = rnp_op_encrypt_add_signature(op, part, NULL);
    if (rc == RNP_SUCCESS)
        rc = rnp_op_encrypt_set_hash(op, "SHA256");
    rnp_key_handle_destroy(part);
    return rc == RNP_SUCCESS
               ? status_ok()
               : status_defer("signing: %s", rnp_result_to_string(rc));
}

static struct status set_up(rnp_op_encrypt_t op, const struct pgp_job *job,
                            const struct pgp_ring *ring)
{
    rnp_result_t rc = rnp_op_encrypt_add_recipient(op, ring->primary);

    if (rc == RNP_SUCCESS)
        rc = rnp_op_encrypt_set_cipher(op, "AES256");
    if (rc == RNP_SUCCESS)
        rc = rnp_op_encrypt_set_aead(op, "None"); /* SEIPD with MDC: CM-11 */
    /* What is compressed tells by its size what is in it. */
    if (rc == RNP_SUCCESS)
        rc = rnp_op_encrypt_set_compression(op, "Uncompressed", 0);
    if (rc != RNP_SUCCESS)
        return status_refuse("cannot lock to this key: %s",
                             rnp_result_to_string(rc));
    return job->sign_key.n > 0 ? sign_with(op, job->sign_key) : status_ok();
}

static struct status encrypt(const struct pgp_job *job,
                             const struct pgp_ring *ring,
                             const struct seal_source *source,
                             struct output *output)
{
    rnp_input_t in = NULL;
    rnp_output_t out = NULL;
    rnp_op_encrypt_t op = NULL;
    struct status st = status_defer("OpenPGP: out of memory");
    rnp_result_t rc;

    if (rnp_input_from_callback(&in, read_in, NULL,
                                (void *)(uintptr_t)source) != RNP_SUCCESS ||
        rnp_output_to_callback(&out, write_out, NULL, output) != RNP_SUCCESS ||
        rnp_op_encrypt_create(&op, ring->ffi, in, out) != RNP_SUCCESS)
        goto done;
    st = set_up(op, job, ring);
    if (!status_is_ok(st))
        goto done;
    rc = rnp_op_encrypt_execute(op);
    if (rc != RNP_SUCCESS)
        st = status_defer("locking failed: %s", rnp_result_to_string(rc));
done:
    rnp_op_encrypt_destroy(op);
    rnp_output_destroy(out);
    rnp_input_destroy(in);
    return st;
}

static bool put_text(const struct seal_sink *sink, const char *text)
{
    return sink->write(sink->context, text, strlen(text));
}

static bool put_end(struct output *o, const struct seal_sink *sink)
{
    char crc[6], end[128];

    if (o->head_n < sizeof(o->head) || !armour_end(&o->armour))
        return false;
    crc24_text(o->crc, crc);
    snprintf(end, sizeof(end),
             "%s\r\n-----END PGP MESSAGE-----\r\n\r\n--" BOUNDARY "--\r\n",
             crc);
    return put_text(sink, end);
}

struct status pgp_seal(const struct pgp_job *job,
                       const struct seal_source *source,
                       const struct seal_sink *sink)
{
    static const char head[] =
        "Content-Type: multipart/encrypted;"
        " protocol=\"application/pgp-encrypted\";\r\n"
        " boundary=\"" BOUNDARY "\"\r\n\r\n"
        "--" BOUNDARY "\r\n"
        "Content-Type: application/pgp-encrypted\r\n\r\n"
        "Version: 1\r\n\r\n"
        "--" BOUNDARY "\r\n"
        "Content-Type: application/octet-stream; name=\"encrypted.asc\"\r\n"
        "Content-Disposition: inline; filename=\"encrypted.asc\"\r\n\r\n"
        "-----BEGIN PGP MESSAGE-----\r\n\r\n";
    struct output output = { .armour = { .sink = sink },
                             .hide = job->hide_key_ids,
                             .crc = CRC24_BEGIN };
    struct pgp_ring *ring;
    struct status st = ring_for(job->key, false, &ring);

    if (!status_is_ok(st))
        return st;
    if (!put_text(sink, head))
        return status_defer("nobody takes the locked message");
    st = encrypt(job, ring, source, &output);
    if (status_is_ok(st) && !put_end(&output, sink))
        st = status_defer("nobody takes the locked message");
    return st;
}
