/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/charset.h"

#include <errno.h>
#include <iconv.h>
#include <stdio.h>

/* Upper case; "#" stands for digits. */
static const struct {
    struct str name;
    const char *iconv;
} known[] = {
    { STR_INIT("UTF-16"), NULL },
    { STR_INIT("UTF-16BE"), NULL },
    { STR_INIT("UTF-16LE"), NULL },
    { STR_INIT("UTF-32"), NULL },
    { STR_INIT("UTF-32BE"), NULL },
    { STR_INIT("UTF-32LE"), NULL },
    { STR_INIT("UTF-7"), NULL },
    { STR_INIT("UNICODE-1-1-UTF-7"), "UTF-7" },
    { STR_INIT("ISO-8859-#"), NULL },
    { STR_INIT("LATIN#"), NULL },
    { STR_INIT("WINDOWS-#"), NULL },
    { STR_INIT("CP#"), NULL },
    { STR_INIT("IBM#"), NULL },
    { STR_INIT("KOI8-R"), NULL },
    { STR_INIT("KOI8-U"), NULL },
    { STR_INIT("MACINTOSH"), NULL },
    { STR_INIT("TIS-620"), NULL },
    { STR_INIT("ISO-2022-JP"), NULL },
    { STR_INIT("ISO-2022-KR"), NULL },
    { STR_INIT("SHIFT_JIS"), "CP932" },
    { STR_INIT("SHIFT-JIS"), "CP932" },
    { STR_INIT("X-SJIS"), "CP932" },
    { STR_INIT("EUC-JP"), NULL },
    { STR_INIT("EUC-KR"), NULL },
    { STR_INIT("KS_C_5601-#"), "CP949" },
    { STR_INIT("GB2312"), "GBK" },
    { STR_INIT("GBK"), NULL },
    { STR_INIT("GB18030"), NULL },
    { STR_INIT("BIG5"), NULL },
    { STR_INIT("BIG5-HKSCS"), NULL },
};
enum { KNOWN = sizeof(known) / sizeof(known[0]), NAME = 24, PIECE = 512 };

static bool is_named(struct str pattern, struct str name)
{
    size_t at = 0;

    for (size_t i = 0; i < pattern.n; i++) {
        if (pattern.p[i] == '#') {
            size_t from = at;

            while (at < name.n && ascii_is_digit(name.p[at]))
                at++;
            if (at == from)
                return false;
        } else if (at == name.n ||
                   ascii_lower(name.p[at++]) != ascii_lower(pattern.p[i])) {
            return false;
        }
    }
    return at == name.n;
}

static bool is_sixteen(struct str charset)
{
    static const struct str names[] = {
        STR_INIT("UTF-16"),          STR_INIT("UTF16"),   STR_INIT("UCS-2"),
        STR_INIT("ISO-10646-UCS-2"), STR_INIT("UNICODE"),
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (str_eq_nocase(charset, names[i]))
            return true;
    return false;
}

/* Those that say their order themselves, or are twice as wide. */
static bool says_itself(struct str charset)
{
    return str_starts_nocase(charset, STR("UTF-16")) ||
           str_starts_nocase(charset, STR("UTF-32"));
}

/* Without a byte order mark the order is big-endian (RFC 2781, 4.3), but what
 * Windows programs write is not: ASCII, which most headers hold, tells. */
static struct str with_order(struct str charset, struct str octets)
{
    size_t zeros[2] = { 0, 0 };

    for (size_t i = 0; i < octets.n; i++)
        zeros[i % 2] += octets.p[i] == '\0';
    /* A text with NUL at most second places is UTF-16 whatever it is called; a
     * few strewn in change nothing. */
    size_t most = zeros[1] > zeros[0] ? zeros[1] : zeros[0];
    if (!is_sixteen(charset) &&
        (says_itself(charset) || octets.n == 0 || most * 3 < octets.n))
        return charset;
    if (str_starts(octets, STR("\xfe\xff")) ||
        str_starts(octets, STR("\xff\xfe")))
        return STR("UTF-16");
    return zeros[1] > zeros[0] ? STR("UTF-16LE") : STR("UTF-16BE");
}

static iconv_t open_converter(struct str charset)
{
    char name[NAME + 1];

    for (size_t i = 0; charset.n <= NAME && i < KNOWN; i++) {
        if (!is_named(known[i].name, charset))
            continue;
        snprintf(name, sizeof(name), "%.*s", STR_ARG(charset));
        return iconv_open("UTF-8",
                          known[i].iconv != NULL ? known[i].iconv : name);
    }
    return (iconv_t)-1;
}

/* Converts what can be; *in moves behind it. */
static int convert(iconv_t cd, struct str *in, struct buf *out)
{
    char piece[PIECE], *from = (char *)(uintptr_t)in->p, *to = piece;
    size_t left = in->n, room = sizeof(piece);
    size_t rc = iconv(cd, &from, &left, &to, &room);
    int fault = rc == (size_t)-1 ? errno : 0;

    buf_add(out, str_of(piece, sizeof(piece) - room));
    *in = str_from(*in, in->n - left);
    return fault;
}

void charset_to_utf8(struct str charset, struct str octets, struct buf *out)
{
    iconv_t cd = open_converter(with_order(charset, octets));
    int fault = E2BIG;

    if (cd == (iconv_t)-1) {
        buf_add(out, octets);
        return;
    }
    while (octets.n > 0 && fault != 0) {
        fault = convert(cd, &octets, out);
        if (fault == EILSEQ || fault == EINVAL) {
            buf_add_cstr(out, "\xef\xbf\xbd");
            octets = str_from(octets, 1);
        }
    }
    iconv_close(cd);
}
