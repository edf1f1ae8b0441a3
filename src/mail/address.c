/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/address.h"

#include "base/buf.h"
#include "base/utf8.h"
#include "mail/pattern.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <stdlib.h>
#include <string.h>

/* RFC 5322, 3.2.3, and every octet of UTF-8 (RFC 6531, 3.3). */
static bool is_atext(char c)
{
    return ascii_is_alnum(c) || (unsigned char)c >= 0x80 ||
           (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool is_dot_atom(struct str s)
{
    struct str rest = s, atom;

    while (str_split(&rest, '.', &atom)) {
        if (atom.n == 0)
            return false;
        for (size_t i = 0; i < atom.n; i++)
            if (!is_atext(atom.p[i]))
                return false;
    }
    return s.n > 0;
}

/* The length of what is quoted, up to and with the closing quote, 0 for none.
 * What is meant goes to out (RFC 5321: Quoted-string). */
static size_t read_quoted(struct str s, char *out, size_t *n)
{
    size_t i = 1;

    for (*n = 0; i < s.n && s.p[i] != '"'; i++) {
        if (s.p[i] == '\\')
            i++;
        if (i == s.n || (unsigned char)s.p[i] < ' ' || s.p[i] == 127)
            return 0;
        out[(*n)++] = s.p[i];
    }
    return i < s.n ? i + 1 : 0;
}

/* Where the local part ends; it is kept as it is meant. 0: there is none. */
static size_t read_local(struct str s, struct arena *arena, struct str *local)
{
    size_t used, n;
    char *meant;

    if (s.n > 0 && s.p[0] == '"') {
        meant = arena_alloc(arena, s.n);
        used = read_quoted(s, meant, &n);
        *local = str_of(meant, n);
        return used;
    }
    used = str_find_char(s, '@');
    *local = str_first(s, used);
    return is_dot_atom(*local) ? used : 0;
}

/* Two ways to write one local part must not make two of it (SI-06). */
static void write_local(struct str local, struct buf *out)
{
    if (is_dot_atom(local)) {
        buf_add(out, local);
        return;
    }
    buf_add_char(out, '"');
    for (size_t i = 0; i < local.n; i++) {
        if (local.p[i] == '"' || local.p[i] == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, local.p[i]);
    }
    buf_add_char(out, '"');
}

static bool is_ascii(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    return true;
}

static bool is_label(struct str s)
{
    if (s.n == 0 || s.n > 63 || s.p[0] == '-' || s.p[s.n - 1] == '-')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!ascii_is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '_')
            return false;
    return true;
}

static bool is_host_name(struct str s)
{
    struct str rest = s, label;

    if (s.n == 0 || s.n > ADDRESS_DOMAIN_MAX)
        return false;
    while (str_split(&rest, '.', &label))
        if (!is_label(label))
            return false;
    return true;
}

/* RFC 5321, 4.1.3: [192.0.2.1] or [IPv6:2001:db8::1]; one spelling each, so
 * that one place is not two. */
static bool read_literal(struct str s, struct arena *arena, struct str *out)
{
    struct str inner = str_of(s.p + 1, s.n - 2);
    char text[INET6_ADDRSTRLEN];
    unsigned char octets[16];
    bool six = str_starts_nocase(inner, STR("IPv6:"));

    if (six)
        inner = str_from(inner, 5);
    if (inner.n >= sizeof(text) || str_has_char(inner, '\0'))
        return false;
    memcpy(text, inner.p, inner.n);
    text[inner.n] = '\0';
    int family = six ? AF_INET6 : AF_INET;
    if (inet_pton(family, text, octets) != 1 ||
        inet_ntop(family, octets, text, sizeof(text)) == NULL)
        return false;
    *out = arena_printf(arena, "[%s%s]", six ? "ipv6:" : "", text);
    return true;
}

static struct str lower(struct str s, struct arena *arena)
{
    char *p = str_keep_cstr(arena, s);

    for (size_t i = 0; i < s.n; i++)
        p[i] = ascii_lower(p[i]);
    return str_of(p, s.n);
}

static bool to_alabel(struct str s, struct arena *arena, struct str *out)
{
    uint8_t *ascii = NULL;
    char *text = str_keep_cstr(arena, s);
    bool ok;

    if (str_has_char(s, '\0') || s.n > 4 * ADDRESS_DOMAIN_MAX)
        return false;
    ok = idn2_lookup_u8((const uint8_t *)text, &ascii,
                        IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK;
    if (ok)
        *out = lower(str_from_cstr((const char *)ascii), arena);
    idn2_free(ascii);
    return ok && is_host_name(*out);
}

bool address_domain(struct str s, struct arena *arena, struct str *out)
{
    if (s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
        return read_literal(s, arena, out);
    if (s.n > 1 && s.p[s.n - 1] == '.')
        s.n--;
    if (!is_ascii(s))
        return to_alabel(s, arena, out);
    *out = lower(s, arena);
    return is_host_name(s);
}

bool address_parse(struct str s, struct arena *arena, struct address *out)
{
    struct buf text = { 0 };
    struct str local, domain;
    size_t at = read_local(s, arena, &local);

    if (at == 0 || at + 1 >= s.n || s.p[at] != '@' ||
        local.n > ADDRESS_LOCAL_MAX || !utf8_valid(local) ||
        !address_domain(str_from(s, at + 1), arena, &domain))
        return false;
    write_local(local, &text);
    buf_add_char(&text, '@');
    buf_add(&text, domain);
    *out = (struct address){
        .text = str_keep(arena, buf_str(&text)),
        .local = str_keep(arena, local),
        .domain = domain,
        .utf8 = !is_ascii(local),
        .literal = domain.p[0] == '[',
    };
    buf_free(&text);
    return true;
}

/* Offset of the ">" that ends a path: not one in quotes. */
static size_t find_end(struct str s)
{
    bool quoted = false;

    for (size_t i = 1; i < s.n; i++) {
        if (quoted && s.p[i] == '\\')
            i++;
        else if (s.p[i] == '"')
            quoted = !quoted;
        else if (s.p[i] == '>' && !quoted)
            return i;
    }
    return s.n;
}

/* "@a,@b:" names hosts nobody asks any more. */
static bool drop_route(struct str *s, struct arena *arena)
{
    size_t colon = str_find_char(*s, ':');
    struct str rest = str_first(*s, colon), hop, unused;

    if (s->n == 0 || s->p[0] != '@')
        return true;
    if (colon == s->n)
        return false;
    while (str_split(&rest, ',', &hop))
        if (hop.n < 2 || hop.p[0] != '@' ||
            !address_domain(str_from(hop, 1), arena, &unused))
            return false;
    *s = str_from(*s, colon + 1);
    return true;
}

bool address_path(struct str s, struct arena *arena, struct address *out,
                  bool *empty, size_t *used)
{
    size_t end = find_end(s);
    struct str inner;

    if (s.n == 0 || s.p[0] != '<' || end == s.n)
        return false;
    inner = str_of(s.p + 1, end - 1);
    *used = end + 1;
    *empty = inner.n == 0;
    *out = (struct address){ .text = STR("") };
    if (*empty)
        return true;
    return drop_route(&inner, arena) && address_parse(inner, arena, out);
}

bool address_matches(struct str address, struct str pattern)
{
    return pattern_address(pattern, address);
}
