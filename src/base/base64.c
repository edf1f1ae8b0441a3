/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

static const char standard[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static uint32_t octet(struct str in, size_t i)
{
    return i < in.n ? (unsigned char)in.p[i] : 0;
}

static void encode(struct str in, const char *alphabet, bool pad,
                   struct buf *out)
{
    for (size_t i = 0; i < in.n; i += 3) {
        uint32_t bits =
            octet(in, i) << 16 | octet(in, i + 1) << 8 | octet(in, i + 2);
        size_t have = in.n - i < 3 ? in.n - i : 3;

        for (size_t j = 0; j < 4; j++) {
            if (j <= have)
                buf_add_char(out, alphabet[bits >> (18 - 6 * j) & 63]);
            else if (pad)
                buf_add_char(out, '=');
        }
    }
}

void base64_encode(struct str in, struct buf *out)
{
    encode(in, standard, true, out);
}

void base64url_encode(struct str in, struct buf *out)
{
    encode(in, url_safe, false, out);
}

static int value_of(char c, const char *alphabet)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == alphabet[62] ? 62 : c == alphabet[63] ? 63 : -1;
}

static bool decode(struct str in, const char *alphabet, struct buf *out)
{
    size_t before = out->n;
    uint32_t bits = 0;
    unsigned have = 0;

    for (size_t i = 0; i < in.n; i++) {
        int value = value_of(in.p[i], alphabet);

        if (value < 0)
            goto bad;
        bits = bits << 6 | (uint32_t)value;
        have += 6;
        if (have >= 8) {
            have -= 8;
            buf_add_char(out, (char)(bits >> have & 0xff));
        }
    }
    if (have < 6 && (bits & ((1u << have) - 1)) == 0)
        return true;
bad:
    out->n = before;
    return false;
}

bool base64_decode(struct str in, struct buf *out)
{
    if (in.n % 4 != 0)
        return false;
    if (str_ends(in, STR("==")))
        in.n -= 2;
    else if (str_ends(in, STR("=")))
        in.n -= 1;
    return decode(in, standard, out);
}

bool base64url_decode(struct str in, struct buf *out)
{
    return decode(in, url_safe, out);
}
