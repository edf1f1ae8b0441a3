/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/password.h"

#include "base/base64.h"
#include "base/panic.h"
#include "base/random.h"

#include <argon2.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { SALT_BYTES = 16, HASH_BYTES = 32, PHC_MAX = 256 };

struct status password_argon2_make(const struct secret *password,
                                   struct buf *out)
{
    unsigned char salt[SALT_BYTES];
    char text[PHC_MAX];
    int code;

    random_bytes(salt, sizeof(salt));
    code = argon2id_hash_encoded(
        PASSWORD_ARGON2_PASSES, PASSWORD_ARGON2_MEMORY_KIB, 1, password->bytes,
        password->n, salt, sizeof(salt), HASH_BYTES, text, sizeof(text));
    if (code != ARGON2_OK)
        return status_defer("argon2: %s", argon2_error_message(code));
    buf_add_cstr(out, text);
    return status_ok();
}

bool password_argon2_check(struct str verifier, const struct secret *password)
{
    char text[PHC_MAX];

    if (verifier.n >= sizeof(text) || str_has_char(verifier, '\0') ||
        !str_starts(verifier, STR("$argon2id$")))
        return false;
    memcpy(text, verifier.p, verifier.n);
    text[verifier.n] = '\0';
    return argon2id_verify(text, password->bytes, password->n) == ARGON2_OK;
}

static void hmac(const unsigned char key[32], const char *message,
                 unsigned char out[32])
{
    unsigned n = 0;

    if (HMAC(EVP_sha256(), key, 32, (const unsigned char *)message,
             strlen(message), out, &n) == NULL ||
        n != 32)
        panic("HMAC-SHA-256 failed");
}

void password_scram_derive(const struct secret *password,
                           struct scram_verifier *v)
{
    unsigned char salted[32], client_key[32];
    size_t n = 0;

    if (PKCS5_PBKDF2_HMAC((const char *)password->bytes, (int)password->n,
                          v->salt, (int)v->salt_n, (int)v->iterations,
                          EVP_sha256(), sizeof(salted), salted) != 1)
        panic("PBKDF2 failed");
    hmac(salted, "Client Key", client_key);
    hmac(salted, "Server Key", v->server_key);
    if (EVP_Q_digest(NULL, "SHA256", NULL, client_key, sizeof(client_key),
                     v->stored_key, &n) != 1)
        panic("SHA-256 failed");
    OPENSSL_cleanse(salted, sizeof(salted));
    OPENSSL_cleanse(client_key, sizeof(client_key));
}

static bool is_plain(const struct secret *password)
{
    for (size_t i = 0; i < password->n; i++)
        if (password->bytes[i] < ' ' || password->bytes[i] > '~')
            return false;
    return true;
}

struct status password_scram_make(const struct secret *password,
                                  struct buf *out)
{
    struct scram_verifier v = { .iterations = PASSWORD_SCRAM_ITERATIONS,
                                .salt_n = SALT_BYTES };

    if (!is_plain(password))
        return status_refuse("for SCRAM a password may have printable ASCII "
                             "characters only");
    random_bytes(v.salt, v.salt_n);
    password_scram_derive(password, &v);
    buf_addf(out, "SCRAM-SHA-256$%u:", v.iterations);
    base64_encode(str_of(v.salt, v.salt_n), out);
    buf_add_char(out, '$');
    base64_encode(str_of(v.stored_key, 32), out);
    buf_add_char(out, ':');
    base64_encode(str_of(v.server_key, 32), out);
    return status_ok();
}

static bool take_octets(struct str *rest, char end, unsigned char *out,
                        size_t least, size_t most, size_t *n)
{
    struct buf octets = { 0 };
    struct str piece;
    bool ok = str_split(rest, end, &piece) && base64_decode(piece, &octets) &&
              octets.n >= least && octets.n <= most;

    if (ok) {
        memcpy(out, octets.p, octets.n);
        *n = octets.n;
    }
    buf_wipe(&octets);
    return ok;
}

bool password_scram_parse(struct str text, struct scram_verifier *out)
{
    struct str rest = text, piece;
    uint64_t iterations;
    size_t n;

    return str_split(&rest, '$', &piece) &&
           str_eq(piece, STR("SCRAM-SHA-256")) &&
           str_split(&rest, ':', &piece) &&
           str_to_u64(piece, PASSWORD_SCRAM_ITERATIONS_MAX, &iterations) &&
           iterations >= 4096 &&
           (out->iterations = (uint32_t)iterations) != 0 &&
           take_octets(&rest, '$', out->salt, 8, PASSWORD_SCRAM_SALT_MAX,
                       &out->salt_n) &&
           take_octets(&rest, ':', out->stored_key, 32, 32, &n) &&
           take_octets(&rest, '\0', out->server_key, 32, 32, &n);
}
