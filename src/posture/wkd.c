/* SPDX-License-Identifier: Apache-2.0 */
#include "posture/wkd.h"

#include "base/buf.h"

#include <openssl/evp.h>

enum { SMIMEA_OCTETS = 28 };

static bool split(struct str address, struct str *local, struct str *domain)
{
    size_t at = address.n;

    while (at > 0 && address.p[at - 1] != '@')
        at--;
    if (at < 2 || at == address.n)
        return false;
    *local = str_first(address, at - 1);
    *domain = str_from(address, at);
    /* A quoted local part is meant without its quotes. */
    if (local->n > 1 && local->p[0] == '"' && local->p[local->n - 1] == '"')
        *local = str_first(str_from(*local, 1), local->n - 2);
    return !str_has_char(*domain, '/') && domain->p[0] != '[';
}

static void digest(const EVP_MD *md, struct str in,
                   unsigned char out[EVP_MAX_MD_SIZE])
{
    unsigned n = 0;

    EVP_Digest(in.p, in.n, out, &n, md, NULL);
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

static void add_key_path(struct str local, struct buf *out)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    struct buf lower = { 0 };

    for (size_t i = 0; i < local.n; i++)
        buf_add_char(&lower, ascii_lower(local.p[i]));
    digest(EVP_sha1(), buf_str(&lower), hash);
    buf_free(&lower);
    buf_add_cstr(out, "hu/");
    add_zbase32(hash, 20, out);
    buf_add_cstr(out, "?l=");
    add_percent(local, out);
}

bool wkd_places(struct str address, struct arena *arena,
                struct wkd_place *advanced, struct wkd_place *direct)
{
    struct str local, domain;
    struct buf path = { 0 };

    if (!split(address, &local, &domain))
        return false;
    buf_addf(&path, "/.well-known/openpgpkey/%.*s/", STR_ARG(domain));
    add_key_path(local, &path);
    advanced->host = arena_printf(arena, "openpgpkey.%.*s", STR_ARG(domain));
    advanced->path = str_keep(arena, buf_str(&path));
    buf_clear(&path);
    buf_add_cstr(&path, "/.well-known/openpgpkey/");
    add_key_path(local, &path);
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

    if (!split(address, &local, &domain))
        return false;
    digest(EVP_sha256(), local, hash);
    for (size_t i = 0; i < SMIMEA_OCTETS; i++)
        buf_addf(&name, "%02x", hash[i]);
    buf_addf(&name, "._smimecert.%.*s", STR_ARG(domain));
    *out = str_keep(arena, buf_str(&name));
    buf_free(&name);
    return true;
}
