/* SPDX-License-Identifier: Apache-2.0 */
#include "role/sealer/look.h"

#include "base/base64.h"
#include "mail/content_type.h"
#include "mail/header.h"
#include "mail/protect.h"
#include "role/sealer/letter.h"
#include "seal/pgp.h"
#include "seal/smime.h"

enum { LOOK_MAX = 32 << 20, BLOCK = 65536 };

/* --- PGP/MIME --------------------------------------------------------------
 */

/* A line that is the delimiter and nothing else, moved past; false when the
 * next line is another. */
static bool take_delimiter(struct str *in, struct str boundary, bool last)
{
    struct str line = str_first(*in, str_find(*in, STR("\r\n")));
    struct str rest = line;

    if (!str_starts(rest, STR("--")) ||
        !str_starts(str_from(rest, 2), boundary))
        return false;
    rest = str_from(rest, 2 + boundary.n);
    if (last) {
        if (!str_starts(rest, STR("--")))
            return false;
        rest = str_from(rest, 2);
    }
    *in = str_from(*in, line.n);
    if (str_starts(*in, STR("\r\n")))
        *in = str_from(*in, 2);
    return str_trim(rest).n == 0;
}

/* Header and body of the part at the front, up to the next delimiter line. */
static bool take_part(struct str *in, struct str boundary, struct str *header,
                      struct str *body)
{
    size_t blank = str_find(*in, STR("\r\n\r\n"));
    size_t end = blank;

    if (blank == in->n)
        return false;
    *header = str_first(*in, blank + 2);
    for (;;) {
        end += str_find(str_from(*in, end), STR("\r\n--"));
        if (end >= in->n)
            return false;
        if (str_starts(str_from(*in, end + 4), boundary))
            break;
        end += 2;
    }
    if (end < blank + 4)
        return false;
    *body = str_first(str_from(*in, blank + 4), end - blank - 4);
    *in = str_from(*in, end + 2);
    return true;
}

static bool is_of_type(struct str header, const char *main, const char *sub)
{
    struct arena scratch = { 0 };
    struct header_field field;
    struct content_type type;
    bool yes = header_find(&header, STR("Content-Type"), &field) &&
               content_type_read(field.body, &scratch, &type) &&
               content_type_is(&type, main, sub);

    arena_free(&scratch);
    return yes;
}

static bool is_armour_alone(struct str body)
{
    struct str begin = STR("-----BEGIN PGP MESSAGE-----");

    return str_starts(body, begin) &&
           str_ends(body, STR("-----END PGP MESSAGE-----")) &&
           str_find(str_from(body, begin.n), STR("-----BEGIN ")) ==
               body.n - begin.n;
}

bool look_pgp_mime(struct str text, struct str boundary, struct str *armour)
{
    struct str header, body;

    while (str_starts(text, STR("\r\n")))
        text = str_from(text, 2);
    if (boundary.n == 0 || !take_delimiter(&text, boundary, false) ||
        !take_part(&text, boundary, &header, &body) ||
        !is_of_type(header, "application", "pgp-encrypted") ||
        !str_eq_nocase(str_trim(body), STR("Version: 1")) ||
        !take_delimiter(&text, boundary, false) ||
        !take_part(&text, boundary, &header, &body) ||
        !is_of_type(header, "application", "octet-stream") ||
        !take_delimiter(&text, boundary, true))
        return false;
    *armour = str_trim(body);
    return str_trim(text).n == 0 && is_armour_alone(*armour);
}

static bool pgp_is_for(struct str header, struct str text,
                       const struct errand *e)
{
    struct arena scratch = { 0 };
    struct header_field field;
    struct content_type type;
    struct str armour;
    bool yes =
        header_find(&header, STR("Content-Type"), &field) &&
        content_type_read(field.body, &scratch, &type) &&
        look_pgp_mime(text, content_type_get(&type, "boundary"), &armour) &&
        pgp_is_encrypted_to(armour, e->keys, e->keys_n);

    arena_free(&scratch);
    return yes;
}

/* --- S/MIME ----------------------------------------------------------------
 */

static bool cms_is_for(struct str text, const struct errand *e)
{
    struct buf clean = { 0 }, der = { 0 };
    bool yes;

    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != '\r' && text.p[i] != '\n')
            buf_add_char(&clean, text.p[i]);
    yes = base64_decode(buf_str(&clean), &der) &&
          smime_is_encrypted_to(buf_str(&der), e->keys, e->keys_n);
    buf_free(&clean);
    buf_free(&der);
    return yes;
}

/* --- both ------------------------------------------------------------------
 */

static bool read_text(struct letter *l, struct buf *out)
{
    struct seal_source source = letter_source(l, STR(""));
    ssize_t n = 1;

    while (n > 0 && out->n <= LOOK_MAX) {
        n = source.read(source.context, buf_room(out, BLOCK), BLOCK);
        if (n > 0)
            out->n += (size_t)n;
    }
    return n == 0;
}

static bool is_sealed(const struct errand *e, struct letter *letter)
{
    struct str header = letter_header(letter);
    enum protect_seen seen = protect_look(header);
    struct buf text = { 0 };
    bool yes = false;

    if (seen == (e->method == KEY_PGP ? PROTECT_PGP_ENCRYPTED
                                      : PROTECT_CMS_ENVELOPED) &&
        read_text(letter, &text))
        yes = e->method == KEY_PGP ? pgp_is_for(header, buf_str(&text), e)
                                   : cms_is_for(buf_str(&text), e);
    buf_free(&text);
    return yes;
}

struct status look_run(const struct errand *e, struct wire *wire, bool *sealed)
{
    struct letter letter;
    struct status st = letter_open(wire, &letter);

    *sealed = status_is_ok(st) && is_sealed(e, &letter);
    letter_close(&letter);
    return st;
}
