/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/protect.h"

#include "mail/content_type.h"
#include "mail/header.h"

enum { HEADER_MAX = 2 << 20 };

enum field_kind {
    FIELD_CONTENT,  /* of the body: goes with it */
    FIELD_VERSION,  /* MIME-Version: outside, once */
    FIELD_TRACE,    /* of the way here: outside only */
    FIELD_BROKEN,   /* vouches for a body that is no longer there */
    FIELD_NEVER,    /* goes nowhere */
    FIELD_OBSCURED, /* Subject */
    FIELD_HIDDEN,   /* Keywords, Comments */
    FIELD_MESSAGE,  /* all the rest: both */
};

static bool is_one_of(struct str name, const char *const *names)
{
    for (; *names != NULL; names++)
        if (str_eq_nocase(name, str_from_cstr(*names)))
            return true;
    return false;
}

static enum field_kind kind_of(struct str name)
{
    static const char *const trace[] = { "Received",
                                         "Return-Path",
                                         "Authentication-Results",
                                         "Received-SPF",
                                         "Delivered-To",
                                         "X-Original-To",
                                         NULL };
    static const char *const broken[] = {
        "DKIM-Signature",        "DomainKey-Signature",        "ARC-Seal",
        "ARC-Message-Signature", "ARC-Authentication-Results", NULL
    };
    static const char *const hidden[] = { "Keywords", "Comments", NULL };

    if (str_starts_nocase(name, STR("Content-")))
        return FIELD_CONTENT;
    if (str_eq_nocase(name, STR("MIME-Version")))
        return FIELD_VERSION;
    /* HP-Outer is ours to say: another's would lie about our outer header. */
    if (str_eq_nocase(name, STR("Bcc")) ||
        str_eq_nocase(name, STR("Resent-Bcc")) ||
        str_eq_nocase(name, STR("HP-Outer")) ||
        str_starts_nocase(name, STR("X-Postseal-")))
        return FIELD_NEVER;
    if (is_one_of(name, trace))
        return FIELD_TRACE;
    if (is_one_of(name, broken))
        return FIELD_BROKEN;
    if (str_eq_nocase(name, STR("Subject")))
        return FIELD_OBSCURED;
    return is_one_of(name, hidden) ? FIELD_HIDDEN : FIELD_MESSAGE;
}

/* --- one reading only ------------------------------------------------------
 */

static bool is_clean(struct str raw)
{
    for (size_t i = 0; i < raw.n; i++) {
        if (raw.p[i] == '\0' ||
            (raw.p[i] == '\r' && (i + 1 == raw.n || raw.p[i + 1] != '\n')) ||
            (raw.p[i] == '\n' && (i == 0 || raw.p[i - 1] != '\r')))
            return false;
    }
    return str_ends(raw, STR("\r\n"));
}

/* A name of RFC 5322, 2.2, at the beginning of its line. */
static bool is_named(const struct header_field *f)
{
    for (size_t i = 0; i < f->name.n; i++)
        if (f->name.p[i] <= ' ' || f->name.p[i] > '~')
            return false;
    return f->name.n > 0 && f->name.p == f->raw.p;
}

static bool may_be_once(const struct header_field *f, bool seen[4])
{
    static const char *const once[] = { "Content-Type",
                                        "Content-Transfer-Encoding", "Subject",
                                        "MIME-Version" };

    for (size_t i = 0; i < 4; i++)
        if (str_eq_nocase(f->name, str_from_cstr(once[i]))) {
            if (seen[i])
                return false;
            seen[i] = true;
        }
    return true;
}

static bool can_be_split(struct str header)
{
    struct header_field f;
    bool seen[4] = { false };

    size_t left = header.n;

    if (header.n > HEADER_MAX)
        return false;
    while (header_next(&header, &f)) {
        if (!is_named(&f) || !is_clean(f.raw) || !may_be_once(&f, seen))
            return false;
        left -= f.raw.n;
    }
    return left == 0; /* an empty line would hide what is behind it */
}

/* --- the parts -------------------------------------------------------------
 */

static bool has_hp(const struct content_type *type)
{
    for (size_t i = 0; i < type->n; i++)
        if (str_eq_nocase(type->parameters[i].name, STR("hp")))
            return true;
    return false;
}

/* Says that headers are protected where we protect none. A type that has no one
 * reading may be read so by somebody. */
static bool claims_hp(struct str body)
{
    struct arena scratch = { 0 };
    struct content_type type;
    bool claims = content_type_read(body, &scratch, &type)
                      ? has_hp(&type)
                      : str_find_nocase(body, STR("hp")) < body.n;

    arena_free(&scratch);
    return claims;
}

/* The type as it was, and hp="cipher" (RFC 9788, 2.1.1) behind it. */
static bool add_type(const struct header_field *f, struct buf *inner)
{
    struct arena scratch = { 0 };
    struct content_type type;
    struct str value = str_trim(f->raw);
    /* With an hp of the sender's there would be two. */
    bool good = content_type_read(f->body, &scratch, &type) && !has_hp(&type);

    arena_free(&scratch);
    if (!good)
        return false;
    while (str_ends(value, STR(";")))
        value = str_trim(str_first(value, value.n - 1));
    buf_add(inner, value);
    buf_add_cstr(inner, ";\r\n hp=\"cipher\"\r\n");
    return true;
}

/* What stands outside, named again inside (RFC 9788, 2.2). */
static void add_hp_outer(struct str raw, struct buf *inner)
{
    buf_add_cstr(inner, "HP-Outer: ");
    buf_add(inner, raw);
}

static void add_obscured(const struct protect_options *options,
                         struct buf *outer, struct buf *inner)
{
    buf_addf(outer, "Subject: %.*s\r\n", STR_ARG(options->outer_subject));
    buf_addf(inner, "HP-Outer: Subject: %.*s\r\n",
             STR_ARG(options->outer_subject));
}

static bool add_content(const struct header_field *f,
                        const struct protect_options *options, bool *typed,
                        struct buf *inner)
{
    bool is_type = str_eq_nocase(f->name, STR("Content-Type"));

    *typed |= is_type;
    if (is_type && options->protect_headers)
        return add_type(f, inner);
    if (is_type && claims_hp(f->body))
        return false;
    buf_add(inner, f->raw);
    return true;
}

static void add_message_field(const struct header_field *f,
                              enum field_kind kind,
                              const struct protect_options *options,
                              struct buf *outer, struct buf *inner)
{
    if (!options->protect_headers) {
        buf_add(outer, f->raw);
        return;
    }
    buf_add(inner, f->raw);
    if (kind == FIELD_OBSCURED)
        add_obscured(options, outer, inner);
    if (kind != FIELD_MESSAGE)
        return;
    buf_add(outer, f->raw);
    add_hp_outer(f->raw, inner);
}

bool protect_header(struct str header, const struct protect_options *options,
                    struct buf *outer, struct buf *inner)
{
    bool typed = false, versioned = false;
    struct header_field f;

    if (!can_be_split(header))
        return false;
    while (header_next(&header, &f)) {
        enum field_kind kind = kind_of(f.name);

        if (kind == FIELD_NEVER || kind == FIELD_BROKEN)
            continue;
        versioned |= kind == FIELD_VERSION;
        if (kind == FIELD_VERSION || kind == FIELD_TRACE)
            buf_add(outer, f.raw);
        else if (kind != FIELD_CONTENT)
            add_message_field(&f, kind, options, outer, inner);
        else if (!add_content(&f, options, &typed, inner))
            return false;
    }
    if (!typed)
        buf_add_cstr(inner, options->protect_headers
                                ? "Content-Type: text/plain; hp=\"cipher\"\r\n"
                                : "Content-Type: text/plain\r\n");
    if (!versioned)
        buf_add_cstr(outer, "MIME-Version: 1.0\r\n");
    return true;
}

/* --- what it is already ----------------------------------------------------
 */

static enum protect_seen look_at(const struct content_type *type)
{
    struct str protocol = content_type_get(type, "protocol");
    struct str smime = content_type_get(type, "smime-type");

    if (content_type_is(type, "multipart", "encrypted"))
        return str_eq_nocase(protocol, STR("application/pgp-encrypted"))
                   ? PROTECT_PGP_ENCRYPTED
                   : PROTECT_NONE;
    if (content_type_is(type, "multipart", "signed"))
        return PROTECT_SIGNED_ONLY;
    if (!content_type_is(type, "application", "pkcs7-mime") &&
        !content_type_is(type, "application", "x-pkcs7-mime"))
        return PROTECT_NONE;
    if (str_eq_nocase(smime, STR("enveloped-data")) ||
        str_eq_nocase(smime, STR("authEnveloped-data")))
        return PROTECT_CMS_ENVELOPED;
    return str_eq_nocase(smime, STR("signed-data")) ? PROTECT_SIGNED_ONLY
                                                    : PROTECT_NONE;
}

enum protect_seen protect_look(struct str header)
{
    struct arena scratch = { 0 };
    struct content_type type;
    struct header_field f;
    enum protect_seen seen = PROTECT_NONE;

    if (can_be_split(header) && header_find(&header, STR("Content-Type"), &f) &&
        content_type_read(f.body, &scratch, &type))
        seen = look_at(&type);
    arena_free(&scratch);
    return seen;
}
