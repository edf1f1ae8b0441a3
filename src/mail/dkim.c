/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/dkim.h"

#include "base/base64.h"
#include "base/panic.h"
#include "mail/header.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

enum { RSA_BITS_MIN = 2048, BLOCK = 4096, HASH = 32, LINE = 72 };

struct dkim_key {
    EVP_PKEY *pkey;
    bool ed25519;
};

/* No pass phrase is ever asked for. */
static int no_password(char *buf, int size, int writing, void *context)
{
    (void)buf, (void)size, (void)writing, (void)context;
    return -1;
}

struct status dkim_key_load(const char *path, struct dkim_key **out)
{
    FILE *f = fopen(path, "re");
    EVP_PKEY *pkey =
        f == NULL ? NULL : PEM_read_PrivateKey(f, NULL, no_password, NULL);
    bool ed25519 = pkey != NULL && EVP_PKEY_is_a(pkey, "ED25519");

    if (f != NULL)
        fclose(f);
    ERR_clear_error();
    if (!ed25519 && (pkey == NULL || !EVP_PKEY_is_a(pkey, "RSA") ||
                     EVP_PKEY_get_bits(pkey) < RSA_BITS_MIN)) {
        EVP_PKEY_free(pkey);
        return status_refuse("%s holds no RSA key of 2048 bits or more and no "
                             "Ed25519 key",
                             path);
    }
    *out = calloc(1, sizeof(**out));
    if (*out == NULL)
        panic("out of memory");
    **out = (struct dkim_key){ pkey, ed25519 };
    return status_ok();
}

void dkim_key_free(struct dkim_key **key)
{
    if (*key == NULL)
        return;
    EVP_PKEY_free((*key)->pkey);
    free(*key);
    *key = NULL;
}

/* --- body (RFC 6376, 3.4.4) --------------------------------------------- */

struct dkim_body {
    EVP_MD_CTX *hash;
    char block[BLOCK];
    size_t n;
    uint64_t line_ends; /* held back: those at the end do not count */
    bool blank, cr, any;
};

struct dkim_body *dkim_body_new(void)
{
    struct dkim_body *b = calloc(1, sizeof(*b));

    if (b != NULL)
        b->hash = EVP_MD_CTX_new();
    if (b == NULL || b->hash == NULL ||
        EVP_DigestInit_ex2(b->hash, EVP_sha256(), NULL) != 1)
        panic("SHA-256 is not there");
    return b;
}

static void flush(struct dkim_body *b)
{
    if (EVP_DigestUpdate(b->hash, b->block, b->n) != 1)
        panic("SHA-256 failed");
    b->n = 0;
}

static void put(struct dkim_body *b, char c)
{
    if (b->n == BLOCK)
        flush(b);
    b->block[b->n++] = c;
}

static void put_text(struct dkim_body *b, char c)
{
    for (; b->line_ends > 0; b->line_ends--) {
        put(b, '\r');
        put(b, '\n');
    }
    if (b->blank)
        put(b, ' ');
    b->blank = false;
    b->any = true;
    put(b, c);
}

static void add_octet(struct dkim_body *b, char c)
{
    if (b->cr && c == '\n') {
        b->cr = false;
        b->blank = false;
        b->line_ends++;
        return;
    }
    if (b->cr)
        put_text(b, '\r'); /* alone it is text */
    b->cr = c == '\r';
    if (c == ' ' || c == '\t')
        b->blank = true;
    else if (c != '\r')
        put_text(b, c);
}

void dkim_body_add(struct dkim_body *body, struct str piece)
{
    for (size_t i = 0; i < piece.n; i++)
        add_octet(body, piece.p[i]);
}

void dkim_body_end(struct dkim_body **body, unsigned char hash[32])
{
    struct dkim_body *b = *body;

    if (b->cr)
        put_text(b, '\r');
    if (b->any) {
        put(b, '\r');
        put(b, '\n');
    }
    flush(b);
    if (EVP_DigestFinal_ex(b->hash, hash, NULL) != 1)
        panic("SHA-256 failed");
    EVP_MD_CTX_free(b->hash);
    free(b);
    *body = NULL;
}

/* --- header ------------------------------------------------------------- */

void dkim_relax_field(struct str name, struct str body, struct buf *out)
{
    bool blank = false, begun = false;

    for (size_t i = 0; i < name.n; i++)
        buf_add_char(out, ascii_lower(name.p[i]));
    buf_add_char(out, ':');
    for (size_t i = 0; i < body.n; i++) {
        char c = body.p[i];

        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            blank = true;
            continue;
        }
        if (blank && begun)
            buf_add_char(out, ' ');
        blank = false;
        begun = true;
        buf_add_char(out, c);
    }
}

/* Signed as often as they are there; those marked once more, so that adding
 * one breaks the signature (RFC 6376, 8.15). */
static const struct {
    struct str name;
    bool over;
} signed_fields[] = {
    { STR_INIT("From"), true },
    { STR_INIT("To"), true },
    { STR_INIT("Cc"), true },
    { STR_INIT("Subject"), true },
    { STR_INIT("Date"), true },
    { STR_INIT("Message-ID"), true },
    { STR_INIT("Reply-To"), true },
    { STR_INIT("MIME-Version"), true },
    { STR_INIT("Content-Type"), true },
    { STR_INIT("Content-Transfer-Encoding"), true },
    { STR_INIT("In-Reply-To"), false },
    { STR_INIT("References"), false },
    { STR_INIT("List-Unsubscribe"), false },
    { STR_INIT("List-Unsubscribe-Post"), false },
};
enum { SIGNED = sizeof(signed_fields) / sizeof(signed_fields[0]) };

enum { SAME_NAME_MAX = 32 };

/* Names to list, and what is signed: the last field of a name first. */
static bool add_fields(struct str header, struct str name, bool over,
                       struct buf *names, struct buf *data)
{
    struct header_field fields[SAME_NAME_MAX];
    size_t n = 0;

    while (n < SAME_NAME_MAX && header_find(&header, name, &fields[n]))
        n++;
    if (n == SAME_NAME_MAX)
        return false;
    for (size_t i = 0; i < n + over; i++)
        buf_addf(names, "%s%.*s", names->n == 0 ? "" : ":", STR_ARG(name));
    while (n-- > 0) {
        dkim_relax_field(name, fields[n].body, data);
        buf_add_cstr(data, "\r\n");
    }
    return true;
}

/* A line of names is broken behind a colon. */
static void fold_names(struct str names, struct buf *out)
{
    struct str name;
    size_t column = 2;

    for (bool first = true; str_split(&names, ':', &name); first = false) {
        if (!first)
            buf_add_char(out, ':');
        if (column + name.n > LINE) {
            buf_add_cstr(out, "\r\n\t ");
            column = 2;
        }
        buf_add(out, name);
        column += name.n + 1;
    }
}

static void fold_base64(struct str text, struct buf *out)
{
    for (; text.n > 0; text = str_from(text, LINE - 2)) {
        buf_add_cstr(out, "\r\n\t ");
        buf_add(out, str_first(text, LINE - 2));
    }
}

static bool sign(const struct dkim_key *key, struct str data,
                 unsigned char *out, size_t *n)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char hash[HASH];
    const unsigned char *input = (const unsigned char *)data.p;
    size_t input_n = data.n, hash_n;
    bool ok = context != NULL;

    /* RFC 8463, 3: Ed25519 signs the SHA-256 of the data. */
    if (ok && key->ed25519) {
        ok = EVP_Q_digest(NULL, "SHA256", NULL, data.p, data.n, hash,
                          &hash_n) == 1;
        input = hash;
        input_n = HASH;
    }
    ok = ok &&
         EVP_DigestSignInit_ex(context, NULL, key->ed25519 ? NULL : "SHA256",
                               NULL, NULL, key->pkey, NULL) == 1 &&
         EVP_DigestSign(context, out, n, input, input_n) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return ok;
}

static void write_tags(const struct dkim_key *key, const struct dkim_request *r,
                       struct str names, struct buf *out)
{
    buf_addf(out,
             " v=1; a=%s; c=relaxed/relaxed;\r\n\td=%.*s; s=%.*s; t=%lld;\r\n"
             "\th=",
             key->ed25519 ? "ed25519-sha256" : "rsa-sha256", STR_ARG(r->domain),
             STR_ARG(r->selector), (long long)(r->wall_ms / 1000));
    fold_names(names, out);
    buf_add_cstr(out, ";\r\n\tbh=");
    base64_encode(str_of(r->body_hash, HASH), out);
    buf_add_cstr(out, ";\r\n\tb=");
}

struct status dkim_sign(const struct dkim_key *key,
                        const struct dkim_request *request, struct buf *out)
{
    static const struct str name = STR_INIT("DKIM-Signature");
    struct buf names = { 0 }, data = { 0 }, tags = { 0 }, text = { 0 };
    unsigned char signature[1024];
    size_t n = sizeof(signature);
    struct status st = status_ok();

    for (size_t i = 0; i < SIGNED; i++)
        if (!add_fields(request->header, signed_fields[i].name,
                        signed_fields[i].over, &names, &data)) {
            st = status_make(554, "5.6.0", "too many %.*s fields to sign",
                             STR_ARG(signed_fields[i].name));
            goto done;
        }
    write_tags(key, request, buf_str(&names), &tags);
    dkim_relax_field(name, buf_str(&tags), &data);
    if (!sign(key, buf_str(&data), signature, &n)) {
        st = status_defer("DKIM signing failed");
        goto done;
    }
    base64_encode(str_of(signature, n), &text);
    buf_addf(out, "%.*s:%.*s", STR_ARG(name), STR_ARG(buf_str(&tags)));
    fold_base64(buf_str(&text), out);
    buf_add_cstr(out, "\r\n");
done:
    buf_free(&names);
    buf_free(&data);
    buf_free(&tags);
    buf_free(&text);
    return st;
}

bool dkim_signs_for(struct str key_domain, struct str author_domain)
{
    size_t n = key_domain.n;

    if (str_eq_nocase(key_domain, author_domain))
        return true;
    return author_domain.n > n + 1 &&
           author_domain.p[author_domain.n - n - 1] == '.' &&
           str_ends_nocase(author_domain, key_domain);
}
