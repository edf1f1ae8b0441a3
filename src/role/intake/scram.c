/* SPDX-License-Identifier: Apache-2.0 */
#include "role/intake/scram.h"

#include "base/base64.h"
#include "base/random.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <pthread.h>
#include <string.h>

/* "=2C" and "=3D" stand for "," and "=" (RFC 5802, 5.1); nothing else may
 * follow an equals sign. */
static bool decode_name(struct str name, struct buf *out)
{
    for (size_t i = 0; i < name.n; i++) {
        struct str here = str_from(name, i);

        if (name.p[i] != '=') {
            buf_add_char(out, name.p[i]);
            continue;
        }
        if (str_starts(here, STR("=2C")))
            buf_add_char(out, ',');
        else if (str_starts(here, STR("=3D")))
            buf_add_char(out, '=');
        else
            return false;
        i += 2;
    }
    return out->n > 0 && out->n <= SCRAM_NAME_MAX;
}

static bool take(struct str *rest, struct str prefix, struct str *value)
{
    struct str piece;

    if (!str_split(rest, ',', &piece) || !str_starts(piece, prefix))
        return false;
    *value = str_from(piece, prefix.n);
    return true;
}

static bool printable(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 0x21 || s.p[i] > 0x7e || s.p[i] == ',')
            return false;
    return s.n > 0;
}

bool scram_client_first(struct scram *s, struct str message)
{
    struct str rest = message, flag, authzid, name, nonce;

    memset(s, 0, sizeof(*s));
    if (!str_split(&rest, ',', &flag) || !str_split(&rest, ',', &authzid) ||
        rest.p == NULL)
        return false;
    /* "p=" asks for channel binding, which was not offered. */
    if ((!str_eq(flag, STR("n")) && !str_eq(flag, STR("y"))) || authzid.n != 0)
        return false;
    memcpy(s->gs2, message.p, 3);
    buf_add(&s->first_bare, rest);
    if (!take(&rest, STR("n="), &name) || !take(&rest, STR("r="), &nonce) ||
        rest.p != NULL)
        return false;
    if (!printable(nonce) || nonce.n > 256)
        return false;
    buf_add(&s->nonce, nonce);
    return decode_name(name, &s->user);
}

void scram_server_first(struct scram *s, const struct scram_verifier *v,
                        struct str our_nonce)
{
    buf_add(&s->nonce, our_nonce);
    buf_add_cstr(&s->server_first, "r=");
    buf_add(&s->server_first, buf_str(&s->nonce));
    buf_add_cstr(&s->server_first, ",s=");
    base64_encode(str_of(v->salt, v->salt_n), &s->server_first);
    buf_addf(&s->server_first, ",i=%u", v->iterations);
}

static void hmac(const unsigned char key[SCRAM_KEY], struct str text,
                 unsigned char out[SCRAM_KEY])
{
    unsigned n = SCRAM_KEY;

    HMAC(EVP_sha256(), key, SCRAM_KEY, (const unsigned char *)text.p, text.n,
         out, &n);
}

static bool decode_proof(struct str text, unsigned char out[SCRAM_KEY])
{
    struct buf raw = { 0 };
    bool ok = base64_decode(text, &raw) && raw.n == SCRAM_KEY;

    if (ok)
        memcpy(out, raw.p, SCRAM_KEY);
    buf_wipe(&raw);
    return ok;
}

static bool proof_holds(const struct scram_verifier *v, struct str auth,
                        const unsigned char proof[SCRAM_KEY])
{
    unsigned char key[SCRAM_KEY], hash[SCRAM_KEY];

    hmac(v->stored_key, auth, key);
    for (size_t i = 0; i < SCRAM_KEY; i++)
        key[i] ^= proof[i];
    SHA256(key, SCRAM_KEY, hash);
    return str_eq_secret(str_of(hash, SCRAM_KEY),
                         str_of(v->stored_key, SCRAM_KEY));
}

bool scram_client_final(struct scram *s, const struct scram_verifier *v,
                        struct str message, struct buf *server_final)
{
    struct str rest = message, binding, nonce, proof_text;
    struct buf auth = { 0 }, want_binding = { 0 };
    unsigned char proof[SCRAM_KEY], signature[SCRAM_KEY];
    bool ok = false;

    if (!take(&rest, STR("c="), &binding) || !take(&rest, STR("r="), &nonce) ||
        !take(&rest, STR("p="), &proof_text) || rest.p != NULL)
        goto done;
    base64_encode(str_of(s->gs2, 3), &want_binding);
    if (!str_eq(binding, buf_str(&want_binding)) ||
        !str_eq_secret(nonce, buf_str(&s->nonce)) ||
        !decode_proof(proof_text, proof))
        goto done;
    buf_add(&auth, buf_str(&s->first_bare));
    buf_add_char(&auth, ',');
    buf_add(&auth, buf_str(&s->server_first));
    buf_add_char(&auth, ',');
    buf_add(&auth, str_first(message, message.n - proof_text.n - 3));
    ok = proof_holds(v, buf_str(&auth), proof);
    if (!ok)
        goto done;
    hmac(v->server_key, buf_str(&auth), signature);
    buf_add_cstr(server_final, "v=");
    base64_encode(str_of(signature, SCRAM_KEY), server_final);
done:
    buf_free(&auth);
    buf_free(&want_binding);
    return ok;
}

static unsigned char decoy_key[SCRAM_KEY];
static pthread_once_t decoy_once = PTHREAD_ONCE_INIT;

static void make_decoy_key(void)
{
    random_bytes(decoy_key, sizeof(decoy_key));
}

void scram_decoy(struct str user, struct scram_verifier *out)
{
    unsigned char salt[SCRAM_KEY];

    pthread_once(&decoy_once, make_decoy_key);
    *out = (struct scram_verifier){ .iterations = PASSWORD_SCRAM_ITERATIONS,
                                    .salt_n = 16 };
    hmac(decoy_key, user, salt);
    memcpy(out->salt, salt, 16);
    random_bytes(out->stored_key, sizeof(out->stored_key));
    random_bytes(out->server_key, sizeof(out->server_key));
}

void scram_free(struct scram *s)
{
    buf_wipe(&s->user);
    buf_wipe(&s->first_bare);
    buf_wipe(&s->server_first);
    buf_wipe(&s->nonce);
}
