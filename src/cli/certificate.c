/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

static X509 *read_certificate(const char *path, unsigned *chain)
{
    FILE *f = fopen(path, "re");
    X509 *first = NULL, *next;

    *chain = 0;
    if (f == NULL)
        return NULL;
    first = PEM_read_X509(f, NULL, NULL, NULL);
    while (first != NULL &&
           (next = PEM_read_X509(f, NULL, NULL, NULL)) != NULL) {
        X509_free(next);
        (*chain)++;
    }
    fclose(f);
    ERR_clear_error();
    return first;
}

/* No pass phrase is ever asked for. */
static int no_password(char *buf, int size, int writing, void *context)
{
    (void)buf, (void)size, (void)writing, (void)context;
    return -1;
}

static EVP_PKEY *read_key(const char *path)
{
    FILE *f = fopen(path, "re");
    EVP_PKEY *key;

    if (f == NULL)
        return NULL;
    key = PEM_read_PrivateKey(f, NULL, no_password, NULL);
    fclose(f);
    ERR_clear_error();
    return key;
}

static void look_at(X509 *x, const char *host, struct certificate_facts *out)
{
    int days = 0, seconds = 0;

    ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(x));
    out->ends_in_days = days == 0 && seconds < 0 ? -1 : days;
    out->begun = X509_cmp_current_time(X509_get0_notBefore(x)) < 0;
    out->names_host = X509_check_host(x, host, 0, 0, NULL) == 1;
    out->self_signed = X509_self_signed(x, 1) == 1;
}

struct status certificate_look(const char *certificate_path,
                               const char *key_path, const char *host,
                               struct certificate_facts *out)
{
    struct status st = status_ok();
    EVP_PKEY *key = NULL;
    X509 *x;

    *out = (struct certificate_facts){ .key_matches = true };
    x = read_certificate(certificate_path, &out->chain);
    if (x == NULL) {
        st = status_refuse("%s holds no PEM certificate", certificate_path);
        goto done;
    }
    look_at(x, host, out);
    if (key_path[0] == '\0')
        goto done;
    key = read_key(key_path);
    if (key == NULL)
        st = status_refuse("%s holds no PEM private key without a pass phrase",
                           key_path);
    else
        out->key_matches = X509_check_private_key(x, key) == 1;
done:
    ERR_clear_error();
    X509_free(x);
    EVP_PKEY_free(key);
    return st;
}

struct status certificate_look_ca(const char *path)
{
    unsigned chain;
    X509 *x = read_certificate(path, &chain);

    if (x == NULL)
        return status_refuse("%s holds no PEM certificate", path);
    X509_free(x);
    return status_ok();
}

/* --- making ------------------------------------------------------------ */

static bool add_extension(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *e;
    X509V3_CTX context;
    bool ok;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, x, x, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    ok = e != NULL && X509_add_ext(x, e, -1) == 1;
    X509_EXTENSION_free(e);
    return ok;
}

static bool set_serial(X509 *x)
{
    unsigned char octets[16];
    BIGNUM *number;
    bool ok;

    if (RAND_bytes(octets, sizeof(octets)) != 1)
        return false;
    octets[0] &= 0x7f;
    number = BN_bin2bn(octets, sizeof(octets), NULL);
    ok = number != NULL &&
         BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x)) != NULL;
    BN_free(number);
    return ok;
}

/* The name goes into the SAN alone: a common name has room for 64 octets and
 * nobody reads it any more (RFC 6125, 6.4.4). */
static bool fill(X509 *x, EVP_PKEY *key, const char *host, const char *second,
                 unsigned days)
{
    char names[600];

    snprintf(names, sizeof(names), "critical,DNS:%s%s%s", host,
             second[0] == '\0' ? "" : ",DNS:", second);
    return X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
           X509_gmtime_adj(X509_getm_notBefore(x), -3600) != NULL &&
           X509_time_adj_ex(X509_getm_notAfter(x), (int)days, 0, NULL) !=
               NULL &&
           X509_set_pubkey(x, key) == 1 &&
           add_extension(x, NID_subject_alt_name, names) &&
           add_extension(x, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(x, NID_ext_key_usage, "serverAuth,clientAuth") &&
           X509_sign(x, key, EVP_sha256()) > 0;
}

static FILE *create(const char *path, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

    return fd < 0 ? NULL : fdopen(fd, "w");
}

static bool write_both(const char *certificate_path, const char *key_path,
                       X509 *x, EVP_PKEY *key)
{
    FILE *key_file = create(key_path, 0600), *file;
    bool ok;

    if (key_file == NULL)
        return false;
    ok = PEM_write_PrivateKey(key_file, key, NULL, NULL, 0, NULL, NULL) == 1;
    ok = fclose(key_file) == 0 && ok;
    file = create(certificate_path, 0644);
    if (file == NULL)
        return false;
    ok = PEM_write_X509(file, x) == 1 && ok;
    return fclose(file) == 0 && ok;
}

struct status certificate_make(const char *certificate_path,
                               const char *key_path, const char *host,
                               const char *second_host, unsigned days)
{
    struct status st = status_ok();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();

    errno = 0;
    if (key == NULL || x == NULL || !fill(x, key, host, second_host, days))
        st = status_refuse("cannot make a certificate for %s", host);
    else if (!write_both(certificate_path, key_path, x, key))
        st = status_refuse("cannot write %s and %s: %s", certificate_path,
                           key_path, strerror(errno));
    ERR_clear_error();
    X509_free(x);
    EVP_PKEY_free(key);
    return st;
}
