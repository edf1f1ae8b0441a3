/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/rest.h"

#include "base/clock.h"
#include "base/panic.h"
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    POINT = 65, /* uncompressed P-256 */
    NONCE = 12,
    KEK = 32,
    KEY_ID = 8,
    VERSION = 1,
    /* version, key id, ephemeral point, nonce, key, tag */
    WRAPPED = 1 + KEY_ID + POINT + NONCE + 32 + REST_TAG,
    REMEMBERED = 16, /* sealers whose newest period is remembered */
    PERIOD_MS = 3600000,
    PERIOD_WRAPS = 1 << 20, /* far below the bound for random nonces */
};

struct rest_public {
    EVP_PKEY *key;
    unsigned char point[POINT], id[KEY_ID];
    pthread_mutex_t lock;
    /* The ephemeral half of this period, and the key it leads to. */
    unsigned char ephemeral[POINT], kek[KEK];
    int64_t since_mono_ms;
    uint32_t wraps;
};

struct rest_private {
    EVP_PKEY *key;
    unsigned char point[POINT], id[KEY_ID];
    pthread_mutex_t lock;
    /* The newest ephemeral keys seen and what they lead to: all wraps of one
     * sealer in one period share one, and there are few sealers. */
    struct period {
        unsigned char ephemeral[POINT], kek[KEK];
        bool known;
    } periods[REMEMBERED];
    size_t next;
};

static EVP_CIPHER *gcm;
static EVP_MD *sha256;
static EVP_KDF *hkdf;
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

/* Fetching an algorithm takes locks in OpenSSL 3.0: once is enough. */
static void fetch(void)
{
    gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    if (gcm == NULL || sha256 == NULL || hkdf == NULL)
        panic("OpenSSL lacks AES-256-GCM, SHA-256 or HKDF");
}

static void must(int ok, const char *what)
{
    if (ok != 1)
        panic("sealing: %s failed", what);
}

/* --- key files --------------------------------------------------------- */

static struct status key_fault(const char *path, const char *why)
{
    ERR_clear_error();
    return status_defer("key file %s: %s", path, why);
}

static struct status write_pem(const char *path, EVP_PKEY *key, bool private)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                  private ? 0400 : 0444);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    int ok;

    if (f == NULL)
        return key_fault(path, strerror(errno));
    ok = private ? PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL)
                 : PEM_write_PUBKEY(f, key);
    /* A key that is not on disk would make mail unreadable after a crash. */
    ok = ok == 1 && fflush(f) == 0 && fsync(fd) == 0;
    if (fclose(f) != 0 || !ok)
        return key_fault(path, "cannot be written");
    return status_ok();
}

struct status rest_keygen(const char *private_path, const char *public_path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct status st;

    if (key == NULL)
        panic("sealing: no key could be made");
    st = write_pem(private_path, key, true);
    if (status_is_ok(st))
        st = write_pem(public_path, key, false);
    EVP_PKEY_free(key);
    return st;
}

static bool is_p256(EVP_PKEY *key)
{
    char group[32] = "";

    return key != NULL && EVP_PKEY_is_a(key, "EC") &&
           EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
           strcmp(group, "prime256v1") == 0;
}

static struct status read_pem(const char *path, bool private, EVP_PKEY **out)
{
    FILE *f = fopen(path, "re");
    struct status st = status_ok();

    if (f == NULL)
        return key_fault(path, strerror(errno));
    *out = private ? PEM_read_PrivateKey(f, NULL, NULL, NULL)
                   : PEM_read_PUBKEY(f, NULL, NULL, NULL);
    fclose(f);
    if (!is_p256(*out)) {
        EVP_PKEY_free(*out);
        *out = NULL;
        st = key_fault(path, "is no P-256 key in PEM form");
    }
    return st;
}

/* The point and, as the name of the key, the start of its hash. */
static void name_key(EVP_PKEY *key, unsigned char point[POINT],
                     unsigned char id[KEY_ID])
{
    unsigned char hash[32];
    size_t n = 0;

    must(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point,
                                         POINT, &n),
         "public point");
    if (n != POINT)
        panic("sealing: public point of %zu octets", n);
    must(EVP_Digest(point, POINT, hash, NULL, sha256, NULL), "hash");
    memcpy(id, hash, KEY_ID);
}

struct status rest_public_load(const char *path, struct rest_public **out)
{
    struct rest_public *p = calloc(1, sizeof(*p));
    struct status st;

    if (p == NULL)
        panic("out of memory");
    pthread_once(&fetched, fetch);
    pthread_mutex_init(&p->lock, NULL);
    st = read_pem(path, false, &p->key);
    if (status_is_ok(st))
        name_key(p->key, p->point, p->id);
    else
        rest_public_free(&p);
    *out = p;
    return st;
}

struct status rest_private_load(const char *path, struct rest_private **out)
{
    struct rest_private *p = calloc(1, sizeof(*p));
    struct status st;

    if (p == NULL)
        panic("out of memory");
    pthread_once(&fetched, fetch);
    pthread_mutex_init(&p->lock, NULL);
    st = read_pem(path, true, &p->key);
    if (status_is_ok(st))
        name_key(p->key, p->point, p->id);
    else
        rest_private_free(&p);
    *out = p;
    return st;
}

void rest_public_free(struct rest_public **key)
{
    if (*key == NULL)
        return;
    EVP_PKEY_free((*key)->key);
    explicit_bzero(*key, sizeof(**key));
    free(*key);
    *key = NULL;
}

void rest_private_free(struct rest_private **key)
{
    if (*key == NULL)
        return;
    EVP_PKEY_free((*key)->key);
    explicit_bzero(*key, sizeof(**key));
    free(*key);
    *key = NULL;
}

/* --- key agreement ------------------------------------------------------- */

static bool agree(EVP_PKEY *own, EVP_PKEY *peer, unsigned char secret[32])
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(own, NULL);
    size_t n = 32;
    bool ok = ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
              EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
              EVP_PKEY_derive(ctx, secret, &n) == 1 && n == 32;

    EVP_PKEY_CTX_free(ctx);
    return ok;
}

/* Both points go into the derivation, so that a key agreed with one owner is
 * never one agreed with another. */
static void derive_kek(const unsigned char secret[32],
                       const unsigned char ephemeral[POINT],
                       const unsigned char owner[POINT], unsigned char kek[KEK])
{
    static char label[] = "postseal rest key wrap 1";
    static char digest[] = "SHA256";
    unsigned char salt[2 * POINT];
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(hkdf);
    OSSL_PARAM params[5];

    memcpy(salt, ephemeral, POINT);
    memcpy(salt + POINT, owner, POINT);
    params[0] = OSSL_PARAM_construct_utf8_string("digest", digest, 0);
    params[1] =
        OSSL_PARAM_construct_octet_string("key", (void *)(uintptr_t)secret, 32);
    params[2] = OSSL_PARAM_construct_octet_string("salt", salt, sizeof(salt));
    params[3] =
        OSSL_PARAM_construct_octet_string("info", label, sizeof(label) - 1);
    params[4] = OSSL_PARAM_construct_end();
    must(ctx == NULL ? 0 : EVP_KDF_derive(ctx, kek, KEK, params), "HKDF");
    EVP_KDF_CTX_free(ctx);
}

/* With the lock held. */
static void start_period(struct rest_public *to)
{
    EVP_PKEY *mine = EVP_EC_gen("P-256");
    unsigned char secret[32], id[KEY_ID];

    if (mine == NULL || !agree(mine, to->key, secret))
        panic("sealing: key agreement failed");
    name_key(mine, to->ephemeral, id);
    derive_kek(secret, to->ephemeral, to->point, to->kek);
    explicit_bzero(secret, sizeof(secret));
    EVP_PKEY_free(mine); /* from here on only the owner can agree again */
    to->since_mono_ms = clock_mono_ms();
    to->wraps = 0;
}

static void current_kek(struct rest_public *to, unsigned char kek[KEK],
                        unsigned char ephemeral[POINT])
{
    pthread_mutex_lock(&to->lock);
    if (to->since_mono_ms == 0 || to->wraps >= PERIOD_WRAPS ||
        clock_mono_ms() - to->since_mono_ms > PERIOD_MS)
        start_period(to);
    to->wraps++;
    memcpy(kek, to->kek, KEK);
    memcpy(ephemeral, to->ephemeral, POINT);
    pthread_mutex_unlock(&to->lock);
}

static EVP_PKEY *point_to_key(const unsigned char point[POINT])
{
    static char group[] = "P-256";
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;
    OSSL_PARAM params[3];

    params[0] = OSSL_PARAM_construct_utf8_string("group", group, 0);
    params[1] = OSSL_PARAM_construct_octet_string(
        "pub", (void *)(uintptr_t)point, POINT);
    params[2] = OSSL_PARAM_construct_end();
    if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return key;
}

/* With the lock held. */
static struct period *find_period(struct rest_private *with,
                                  const unsigned char ephemeral[POINT])
{
    for (size_t i = 0; i < REMEMBERED; i++)
        if (with->periods[i].known &&
            memcmp(with->periods[i].ephemeral, ephemeral, POINT) == 0)
            return &with->periods[i];
    return NULL;
}

static bool agree_with(struct rest_private *with,
                       const unsigned char ephemeral[POINT],
                       unsigned char kek[KEK])
{
    unsigned char secret[32];
    EVP_PKEY *peer = point_to_key(ephemeral);
    bool ok = peer != NULL && agree(with->key, peer, secret);

    EVP_PKEY_free(peer);
    if (ok)
        derive_kek(secret, ephemeral, with->point, kek);
    explicit_bzero(secret, sizeof(secret));
    ERR_clear_error();
    return ok;
}

/* The caller, who sees the wrapped key open, says what is worth remembering:
 * made-up ephemeral keys must not push out the real ones. */
static void remember(struct rest_private *with,
                     const unsigned char ephemeral[POINT],
                     const unsigned char kek[KEK])
{
    pthread_mutex_lock(&with->lock);
    if (find_period(with, ephemeral) == NULL) {
        struct period *p = &with->periods[with->next++ % REMEMBERED];

        memcpy(p->ephemeral, ephemeral, POINT);
        memcpy(p->kek, kek, KEK);
        p->known = true;
    }
    pthread_mutex_unlock(&with->lock);
}

static bool kek_for(struct rest_private *with,
                    const unsigned char ephemeral[POINT],
                    unsigned char kek[KEK], bool *known)
{
    const struct period *p;

    pthread_mutex_lock(&with->lock);
    p = find_period(with, ephemeral);
    *known = p != NULL;
    if (p != NULL)
        memcpy(kek, p->kek, KEK);
    pthread_mutex_unlock(&with->lock);
    return *known || agree_with(with, ephemeral, kek);
}

/* --- AES-256-GCM -----------------------------------------------------------
 */

struct gcm_input {
    const unsigned char *key, *nonce;
    struct str aad, text;
};

/* One context a thread would be faster still; a fresh one costs little beside
 * 64 KiB and cannot carry state from one message to the next. */
static void gcm_seal(const struct gcm_input *in, unsigned char *out,
                     unsigned char *tag)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;

    must(ctx != NULL, "context");
    must(EVP_EncryptInit_ex2(ctx, gcm, in->key, in->nonce, NULL), "init");
    must(EVP_EncryptUpdate(ctx, NULL, &n, (const unsigned char *)in->aad.p,
                           (int)in->aad.n),
         "context data");
    if (in->text.n > 0)
        must(EVP_EncryptUpdate(ctx, out, &n, (const unsigned char *)in->text.p,
                               (int)in->text.n),
             "encrypt");
    must(EVP_EncryptFinal_ex(ctx, out + in->text.n, &n), "final");
    must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, REST_TAG, tag), "tag");
    EVP_CIPHER_CTX_free(ctx);
}

static bool gcm_open(const struct gcm_input *in, const unsigned char *tag,
                     unsigned char *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;
    bool ok;

    must(ctx != NULL, "context");
    must(EVP_DecryptInit_ex2(ctx, gcm, in->key, in->nonce, NULL), "init");
    must(EVP_DecryptUpdate(ctx, NULL, &n, (const unsigned char *)in->aad.p,
                           (int)in->aad.n),
         "context data");
    if (in->text.n > 0)
        must(EVP_DecryptUpdate(ctx, out, &n, (const unsigned char *)in->text.p,
                               (int)in->text.n),
             "decrypt");
    must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, REST_TAG,
                             (void *)(uintptr_t)tag),
         "tag");
    ok = EVP_DecryptFinal_ex(ctx, out + in->text.n, &n) == 1;
    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
    if (!ok)
        explicit_bzero(out, in->text.n);
    return ok;
}

/* --- data keys ---------------------------------------------------------------
 */

void rest_key_new(struct rest_key *out)
{
    pthread_once(&fetched, fetch);
    random_bytes(out->bytes, sizeof(out->bytes));
}

void rest_key_wipe(struct rest_key *key)
{
    explicit_bzero(key, sizeof(*key));
}

void rest_wrap(struct rest_public *to, struct str context,
               const struct rest_key *key, struct buf *out)
{
    unsigned char *w = (unsigned char *)buf_room(out, WRAPPED);
    unsigned char kek[KEK];
    unsigned char *point = w + 1 + KEY_ID, *nonce = point + POINT;
    unsigned char *sealed = nonce + NONCE;

    w[0] = VERSION;
    memcpy(w + 1, to->id, KEY_ID);
    current_kek(to, kek, point);
    random_bytes(nonce, NONCE);
    gcm_seal(&(struct gcm_input){ kek, nonce, context,
                                  str_of(key->bytes, sizeof(key->bytes)) },
             sealed, sealed + sizeof(key->bytes));
    explicit_bzero(kek, sizeof(kek));
    out->n += WRAPPED;
}

struct status rest_unwrap(struct rest_private *with, struct str context,
                          struct str wrapped, struct rest_key *out)
{
    const unsigned char *w = (const unsigned char *)wrapped.p;
    const unsigned char *point = w + 1 + KEY_ID, *nonce = point + POINT;
    const unsigned char *sealed = nonce + NONCE;
    unsigned char kek[KEK];
    bool ok, known;

    if (wrapped.n != WRAPPED || w[0] != VERSION)
        return status_make(451, "4.3.0", "a sealed key is damaged");
    if (memcmp(w + 1, with->id, KEY_ID) != 0)
        return status_make(451, "4.3.0",
                           "sealed to another key than this role's");
    ok = kek_for(with, point, kek, &known) &&
         gcm_open(&(struct gcm_input){ kek, nonce, context,
                                       str_of(sealed, sizeof(out->bytes)) },
                  sealed + sizeof(out->bytes), out->bytes);
    if (ok && !known)
        remember(with, point, kek);
    explicit_bzero(kek, sizeof(kek));
    if (!ok)
        return status_make(451, "4.3.0", "a sealed key is damaged");
    return status_ok();
}

/* --- frames
 * ------------------------------------------------------------------- */

/* The key is this body's alone, so number and last mark are all a nonce needs
 * to be unique: a frame moved, dropped or cut off fails to open. */
static void frame_nonce(uint32_t index, bool last, unsigned char nonce[NONCE])
{
    memset(nonce, 0, NONCE);
    for (int i = 0; i < 4; i++)
        nonce[7 + i] = (unsigned char)(index >> (24 - 8 * i));
    nonce[11] = last ? 1 : 0;
}

void rest_seal_frame(const struct rest_key *key, struct str context,
                     uint32_t index, bool last, struct str plain,
                     struct buf *out)
{
    unsigned char nonce[NONCE];
    unsigned char *sealed;

    if (plain.n > REST_FRAME_PLAIN)
        panic("sealing: frame of %zu octets", plain.n);
    pthread_once(&fetched, fetch);
    frame_nonce(index, last, nonce);
    sealed = (unsigned char *)buf_room(out, plain.n + REST_TAG);
    gcm_seal(&(struct gcm_input){ key->bytes, nonce, context, plain }, sealed,
             sealed + plain.n);
    out->n += plain.n + REST_TAG;
}

struct status rest_open_frame(const struct rest_key *key, struct str context,
                              uint32_t index, bool last, struct str frame,
                              struct buf *out)
{
    unsigned char nonce[NONCE];
    struct gcm_input in = {
        key->bytes, nonce, context,
        str_first(frame, frame.n < REST_TAG ? 0 : frame.n - REST_TAG)
    };

    pthread_once(&fetched, fetch);
    frame_nonce(index, last, nonce);
    if (frame.n < REST_TAG || frame.n > REST_FRAME_MAX ||
        !gcm_open(&in, (const unsigned char *)frame.p + in.text.n,
                  (unsigned char *)buf_room(out, in.text.n + 16)))
        return status_make(451, "4.3.0",
                           "a part of a stored message is damaged");
    out->n += in.text.n;
    return status_ok();
}
