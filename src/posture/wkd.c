/* SPDX-License-Identifier: Apache-2.0 */
#include "posture/wkd.h"

#include "base/buf.h"
#include "mail/address.h"

#include <openssl/evp.h>

enum { SMIMEA_OCTETS = 28, SMIMEA_HEAD = 3 };

/* It goes into a URL and into the name of a certificate: nothing there may
 * end a host name (RFC 3986, 3.2.2). */
static bool is_host(struct str domain)
{
    for (size_t i = 0; i < domain.n; i++)
        if (!ascii_is_alnum(domain.p[i]) &&
            !str_has_char(STR("-._"), domain.p[i]))
            return false;
    return domain.n > 0 && domain.n <= ADDRESS_DOMAIN_MAX;
}

/* A quoted local part is meant without its quotes (RFC 5321, 4.1.2). */
static struct str without_quotes(struct str local, struct arena *arena)
{
    if (local.n < 2 || local.p[0] != '"' || local.p[local.n - 1] != '"')
        return local;
    char *out = arena_alloc(arena, local.n);
    size_t n = 0;

    for (size_t i = 1; i + 1 < local.n; i++) {
        if (local.p[i] == '\\' && i + 2 < local.n)
            i++;
        out[n++] = local.p[i];
    }
    return str_of(out, n);
}

static bool split(struct str address, struct arena *arena, struct str *local,
                  struct str *domain)
{
    size_t at = address.n;

    while (at > 0 && address.p[at - 1] != '@')
        at--;
    if (at < 2 || at == address.n)
        return false;
    *local = without_quotes(str_first(address, at - 1), arena);
    *domain = str_from(address, at);
    return local->n > 0 && local->n <= ADDRESS_LOCAL_MAX && is_host(*domain);
}

/* False where the library has none such: SHA-1 may be forbidden. */
static bool digest(const EVP_MD *md, struct str in,
                   unsigned char out[EVP_MAX_MD_SIZE])
{
    unsigned n = 0;

    return EVP_Digest(in.p, in.n, out, &n, md, NULL) == 1;
}

/* z-base-32: five bits a letter. */
static void add_zbase32(const unsigned char *octets, size_t n, struct buf *out)
{
    static const char letters[] = "ybndrfg8ejkmcpqxot1uwisza345h769";
    unsigned held = 0, bits = 0;

    for (size_t i = 0; i < n; i++) {
        held = (held << 8 | octets[i]) & 0xffff;
        for (bits += 8; bits >= 5; bits -= 5)
            buf_add_char(out, letters[held >> (bits - 5) & 31]);
    }
    if (bits > 0)
        buf_add_char(out, letters[held << (5 - bits) & 31]);
}

static void add_percent(struct str text, struct buf *out)
{
    for (size_t i = 0; i < text.n; i++)
        if (ascii_is_alnum(text.p[i]) || str_has_char(STR("-._~"), text.p[i]))
            buf_add_char(out, text.p[i]);
        else
            buf_addf(out, "%%%02X", (unsigned char)text.p[i]);
}

static bool hash_lower(struct str local, unsigned char out[EVP_MAX_MD_SIZE])
{
    struct buf lower = { 0 };
    bool ok;

    for (size_t i = 0; i < local.n; i++)
        buf_add_char(&lower, ascii_lower(local.p[i]));
    ok = digest(EVP_sha1(), buf_str(&lower), out);
    buf_free(&lower);
    return ok;
}

static void add_key_path(struct str local, const unsigned char *hash,
                         struct buf *out)
{
    buf_add_cstr(out, "hu/");
    add_zbase32(hash, 20, out);
    buf_add_cstr(out, "?l=");
    add_percent(local, out);
}

bool wkd_places(struct str address, struct arena *arena,
                struct wkd_place *advanced, struct wkd_place *direct)
{
    struct str local, domain;
    unsigned char hash[EVP_MAX_MD_SIZE];
    struct buf path = { 0 };

    if (!split(address, arena, &local, &domain) || !hash_lower(local, hash))
        return false;
    buf_addf(&path, "/.well-known/openpgpkey/%.*s/", STR_ARG(domain));
    add_key_path(local, hash, &path);
    advanced->host = arena_printf(arena, "openpgpkey.%.*s", STR_ARG(domain));
    advanced->path = str_keep(arena, buf_str(&path));
    buf_clear(&path);
    buf_add_cstr(&path, "/.well-known/openpgpkey/");
    add_key_path(local, hash, &path);
    direct->host = str_keep(arena, domain);
    direct->path = str_keep(arena, buf_str(&path));
    buf_free(&path);
    return true;
}

bool smimea_name(struct str address, struct arena *arena, struct str *out)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    struct str local, domain;
    struct buf name = { 0 };

    if (!split(address, arena, &local, &domain) ||
        !digest(EVP_sha256(), local, hash))
        return false;
    for (size_t i = 0; i < SMIMEA_OCTETS; i++)
        buf_addf(&name, "%02x", hash[i]);
    buf_addf(&name, "._smimecert.%.*s", STR_ARG(domain));
    *out = str_keep(arena, buf_str(&name));
    buf_free(&name);
    return true;
}

bool smimea_certificate(struct str rdata, struct str *der)
{
    if (rdata.n <= SMIMEA_HEAD || rdata.p[0] != 3 || rdata.p[1] != 0 ||
        rdata.p[2] != 0)
        return false;
    *der = str_from(rdata, SMIMEA_HEAD);
    return true;
}
