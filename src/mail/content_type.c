/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/content_type.h"

#include "base/buf.h"

/* --- pieces --------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A comment in brackets, nested ones included; false when it has no end. */
static bool skip_comment(struct str *in)
{
    size_t depth = 0, i = 0;

    do {
        if (in->p[i] == '\\')
            i++;
        else if (in->p[i] == '(')
            depth++;
        else if (in->p[i] == ')')
            depth--;
        i++;
    } while (depth > 0 && i < in->n);
    if (depth > 0 || i > in->n)
        return false;
    *in = str_from(*in, i);
    return true;
}

static bool skip_blanks(struct str *in)
{
    while (in->n > 0 && (is_blank(in->p[0]) || in->p[0] == '('))
        if (in->p[0] != '(')
            *in = str_from(*in, 1);
        else if (!skip_comment(in))
            return false;
    return true;
}

static bool is_token(char c)
{
    return c > ' ' && c < 127 && !str_has_char(STR("()<>@,;:\\\"/[]?="), c);
}

static bool take_token(struct str *in, struct str *out)
{
    size_t n = 0;

    while (n < in->n && is_token(in->p[n]))
        n++;
    *out = str_first(*in, n);
    *in = str_from(*in, n);
    return n > 0;
}

static bool take_quoted(struct str *in, struct arena *arena, struct str *out)
{
    struct buf text = { 0 };
    size_t i = 1;

    for (; i < in->n && in->p[i] != '"'; i++) {
        if (in->p[i] == '\\' && i + 1 < in->n)
            i++;
        if (in->p[i] != '\r' && in->p[i] != '\n')
            buf_add_char(&text, in->p[i]);
    }
    *out = str_keep(arena, buf_str(&text));
    buf_free(&text);
    if (i >= in->n)
        return false;
    *in = str_from(*in, i + 1);
    return true;
}

static bool take_char(struct str *in, char c)
{
    if (!skip_blanks(in) || in->n == 0 || in->p[0] != c)
        return false;
    *in = str_from(*in, 1);
    return skip_blanks(in);
}

/* --- the whole ------------------------------------------------------------ */

struct str content_type_get(const struct content_type *type, const char *name)
{
    for (size_t i = 0; i < type->n; i++)
        if (str_eq_nocase(type->parameters[i].name, str_from_cstr(name)))
            return type->parameters[i].value;
    return STR("");
}

static bool is_there(const struct content_type *type, struct str name)
{
    for (size_t i = 0; i < type->n; i++)
        if (str_eq_nocase(type->parameters[i].name, name))
            return true;
    return false;
}

static bool take_parameter(struct str *in, struct arena *arena,
                           struct content_type *out)
{
    struct content_parameter *p = &out->parameters[out->n];

    if (out->n == CONTENT_TYPE_PARAMETERS_MAX || !take_token(in, &p->name) ||
        str_has_char(p->name, '*') || is_there(out, p->name) ||
        !take_char(in, '='))
        return false;
    if (in->n > 0 && in->p[0] == '"') {
        if (!take_quoted(in, arena, &p->value))
            return false;
    } else if (!take_token(in, &p->value)) {
        return false;
    }
    out->n++;
    return true;
}

bool content_type_read(struct str in, struct arena *arena,
                       struct content_type *out)
{
    *out = (struct content_type){ 0 };
    if (!skip_blanks(&in) || !take_token(&in, &out->type) ||
        !take_char(&in, '/') || !take_token(&in, &out->subtype))
        return false;
    while (skip_blanks(&in) && in.n > 0) {
        /* A last ";" with nothing behind it is common and harmless. */
        if (!take_char(&in, ';') ||
            (in.n > 0 && !take_parameter(&in, arena, out)))
            return false;
    }
    return in.n == 0;
}

bool content_type_is(const struct content_type *type, const char *main,
                     const char *sub)
{
    return str_eq_nocase(type->type, str_from_cstr(main)) &&
           str_eq_nocase(type->subtype, str_from_cstr(sub));
}
