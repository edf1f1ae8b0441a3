/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/value.h"

#include "base/base64.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

const char *value_number(struct str s, uint64_t *out)
{
    return str_to_u64(s, INT64_MAX, out) ? NULL : "a whole number";
}

struct unit {
    char letter;
    uint64_t factor;
};

/* Largest first, so that writing finds the roundest one. */
static const struct unit time_units[] = {
    { 'y', 366ull * 86400000 }, { 'w', 7ull * 86400000 }, { 'd', 86400000 },
    { 'h', 3600000 },           { 'm', 60000 },           { 's', 1000 },
};
static const struct unit size_units[] = {
    { 'G', 1ull << 30 },
    { 'M', 1ull << 20 },
    { 'K', 1ull << 10 },
};
enum { TIME_UNITS = 6, SIZE_UNITS = 3 };

static bool with_unit(struct str s, const struct unit *units, size_t n,
                      uint64_t *out)
{
    uint64_t value;

    if (s.n < 2 || !str_to_u64(str_first(s, s.n - 1), INT64_MAX, &value))
        return false;
    for (size_t i = 0; i < n; i++)
        if (units[i].letter == s.p[s.n - 1])
            return !__builtin_mul_overflow(value, units[i].factor, out) &&
                   *out <= INT64_MAX;
    return false;
}

const char *value_duration(struct str s, int64_t *out)
{
    uint64_t ms;

    if (!with_unit(s, time_units, TIME_UNITS, &ms))
        return "a time such as 30s, 5m, 2h, 5d, 2w or 6y";
    *out = (int64_t)ms;
    return NULL;
}

const char *value_size(struct str s, uint64_t *out)
{
    uint64_t bytes;

    if (!str_to_u64(s, INT64_MAX, &bytes) &&
        !with_unit(s, size_units, SIZE_UNITS, &bytes))
        return "a size such as 64K, 25M or 2G";
    *out = bytes;
    return NULL;
}

const char *value_yes_no(struct str s, bool *out)
{
    bool yes = str_eq(s, STR("yes"));

    if (!yes && !str_eq(s, STR("no")))
        return "yes or no";
    *out = yes;
    return NULL;
}

static bool to_cstr(struct str s, char *out, size_t size)
{
    if (s.n >= size || str_has_char(s, '\0'))
        return false;
    if (s.n > 0)
        memcpy(out, s.p, s.n);
    out[s.n] = '\0';
    return true;
}

static bool parse_ip(struct str s, struct sockaddr_storage *out)
{
    struct sockaddr_in *four = (struct sockaddr_in *)out;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
    char text[INET6_ADDRSTRLEN];

    *out = (struct sockaddr_storage){ 0 };
    if (!to_cstr(s, text, sizeof(text)))
        return false;
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        out->ss_family = AF_INET;
        return true;
    }
    out->ss_family = AF_INET6;
    return inet_pton(AF_INET6, text, &six->sin6_addr) == 1;
}

/* Cuts "host:port" or "[v6]:port"; the port may be missing. */
static bool cut_port(struct str s, struct str *host, uint16_t *port)
{
    size_t end = s.n;
    uint64_t number;

    *port = 0;
    if (s.n > 0 && s.p[0] == '[') {
        end = str_find_char(s, ']');
        if (end == s.n)
            return false;
        *host = str_of(s.p + 1, end - 1);
        s = str_from(s, end + 1);
        end = 0;
    } else {
        end = str_find_char(s, ':');
        *host = str_first(s, end);
        s = str_from(s, end);
    }
    if (s.n == 0)
        return true;
    if (s.p[0] != ':' || !str_to_u64(str_from(s, 1), 65535, &number) ||
        number == 0)
        return false;
    *port = (uint16_t)number;
    return true;
}

const char *value_address(struct str s, struct sockaddr_storage *out)
{
    struct sockaddr_storage address;
    struct str host;
    uint16_t port;

    if (!cut_port(s, &host, &port) || port == 0 || !parse_ip(host, &address))
        return "an address with a port, such as 127.0.0.1:25 or [::1]:25";
    if (address.ss_family == AF_INET)
        ((struct sockaddr_in *)&address)->sin_port = htons(port);
    else
        ((struct sockaddr_in6 *)&address)->sin6_port = htons(port);
    *out = address;
    return NULL;
}

const char *value_host_port(struct str s, struct str *host, uint16_t *port)
{
    static const char wanted[] =
        "a host with an optional port, such as relay.example:587";
    struct sockaddr_storage address;
    struct str name;
    uint16_t number;

    if (!cut_port(s, &name, &number))
        return wanted;
    if (!parse_ip(name, &address) && value_hostname(name) != NULL &&
        !str_eq(name, STR("localhost")))
        return wanted;
    *host = name;
    *port = number;
    return NULL;
}

static bool clear_below(const uint8_t *octets, unsigned bits, unsigned total)
{
    for (unsigned i = bits; i < total; i++)
        if (octets[i / 8] & (0x80u >> i % 8))
            return false;
    return true;
}

const char *value_range(struct str s, struct address_range *out)
{
    size_t slash = str_find_char(s, '/');
    struct sockaddr_storage address;
    struct address_range range = { 0 };
    uint64_t bits;
    unsigned total;

    if (!parse_ip(str_first(s, slash), &address))
        return "an address range such as 10.0.0.0/8 or 2001:db8::/32";
    total = address.ss_family == AF_INET ? 32 : 128;
    bits = total;
    if (slash < s.n && !str_to_u64(str_from(s, slash + 1), total, &bits))
        return "an address range with a mask up to /32 (IPv6: /128)";
    range.family = (uint8_t)address.ss_family;
    range.bits = (uint8_t)bits;
    if (total == 32)
        memcpy(range.octets, &((struct sockaddr_in *)&address)->sin_addr, 4);
    else
        memcpy(range.octets, &((struct sockaddr_in6 *)&address)->sin6_addr, 16);
    if (!clear_below(range.octets, range.bits, total))
        return "an address range (there are bits set behind the mask)";
    *out = range;
    return NULL;
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

static bool is_name(struct str s, size_t labels_min)
{
    struct str rest = s, label;
    size_t n = 0;

    if (s.n == 0 || s.n > 253)
        return false;
    while (str_split(&rest, '.', &label)) {
        if (!is_label(label))
            return false;
        n++;
    }
    return n >= labels_min;
}

const char *value_hostname(struct str s)
{
    struct sockaddr_storage address;

    return is_name(s, 2) && !parse_ip(s, &address)
               ? NULL
               : "a full host name such as gate.clinic.example";
}

const char *value_domain(struct str s)
{
    if (str_eq(s, STR("*")))
        return NULL;
    if (str_starts(s, STR("*.")))
        s = str_from(s, 2);
    return is_name(s, 1)
               ? NULL
               : "a domain such as partner.example, *.partner.example or *";
}

const char *value_pattern(struct str s)
{
    size_t at = s.n;

    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '@')
            at = i;
    if (at == s.n)
        return value_domain(s) == NULL
                   ? NULL
                   : "an address pattern such as *@clinic.example";
    if (at == 0 || value_domain(str_from(s, at + 1)) != NULL)
        return "an address pattern such as *@clinic.example";
    return NULL;
}

static int hex_digit(char c)
{
    return ascii_is_digit(c) ? c - '0'
           : ascii_lower(c) >= 'a' && ascii_lower(c) <= 'f'
               ? ascii_lower(c) - 'a' + 10
               : -1;
}

static bool from_hex(struct str s, unsigned char out[32])
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        int digit = hex_digit(s.p[i]);

        if (s.p[i] == ':' && n % 2 == 0)
            continue;
        if (digit < 0 || n == 64)
            return false;
        out[n / 2] =
            (unsigned char)(n % 2 == 0 ? digit << 4 : out[n / 2] | digit);
        n++;
    }
    return n == 64;
}

static bool from_base64(struct str s, unsigned char out[32])
{
    struct buf octets = { 0 };
    bool ok = base64_decode(s, &octets) && octets.n == 32;

    if (ok)
        memcpy(out, octets.p, 32);
    buf_free(&octets);
    return ok;
}

const char *value_sha256(struct str s, unsigned char out[32])
{
    unsigned char octets[32];

    if (!from_hex(s, octets) && !from_base64(s, octets))
        return "a SHA-256 value: 64 hex digits or 44 of base64";
    memcpy(out, octets, 32);
    return NULL;
}

const char *value_resolver(struct str s)
{
    struct sockaddr_storage address;
    size_t at = str_find_char(s, '@');
    uint64_t port = 53;

    if (!parse_ip(str_first(s, at), &address) ||
        (at < s.n && !str_to_u64(str_from(s, at + 1), 65535, &port)) ||
        port == 0)
        return "a resolver address such as 127.0.0.1 or 127.0.0.1@5353";
    return NULL;
}

static void write_unit(uint64_t value, const struct unit *units, size_t n,
                       struct buf *out)
{
    for (size_t i = 0; i < n; i++)
        if (value > 0 && value % units[i].factor == 0) {
            buf_addf(out, "%llu%c",
                     (unsigned long long)(value / units[i].factor),
                     units[i].letter);
            return;
        }
    buf_addf(out, "%llu", (unsigned long long)value);
}

void value_write_duration(int64_t ms, struct buf *out)
{
    if (ms <= 0) {
        buf_add_cstr(out, "0s");
        return;
    }
    write_unit((uint64_t)ms, time_units, TIME_UNITS, out);
}

void value_write_size(uint64_t bytes, struct buf *out)
{
    write_unit(bytes, size_units, SIZE_UNITS, out);
}

void value_write_address(const struct sockaddr_storage *a, struct buf *out)
{
    char host[INET6_ADDRSTRLEN] = "?";
    bool six = a->ss_family == AF_INET6;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;

    if (six)
        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
    else
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
    buf_addf(out, six ? "[%s]:%u" : "%s:%u", host,
             ntohs(six ? v6->sin6_port : v4->sin_port));
}

void value_write_range(const struct address_range *range, struct buf *out)
{
    char host[INET6_ADDRSTRLEN] = "?";

    inet_ntop(range->family, range->octets, host, sizeof(host));
    buf_addf(out, "%s/%u", host, range->bits);
}
