/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/command.h"

#include "mail/address.h"

enum { PARAMETERS_MAX = 16, ENVID_MAX = 100, ORCPT_MAX = 500, HELLO_MAX = 255 };

static struct status bad_syntax(const char *text)
{
    return status_make(501, "5.5.4", "%s", text);
}

struct status smtp_hello_check(struct str argument)
{
    if (argument.n == 0 || argument.n > HELLO_MAX)
        return bad_syntax("A host name is needed");
    for (size_t i = 0; i < argument.n; i++)
        if (argument.p[i] <= ' ' || argument.p[i] > '~')
            return bad_syntax("Not a host name");
    return status_ok();
}

/* xtext (RFC 3461, 4): printable ASCII but "+" and "=", or "+" and two upper
 * case hexadecimal digits. */
static bool is_hex(char c)
{
    return ascii_is_digit(c) || (c >= 'A' && c <= 'F');
}

static bool is_xtext(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (c == '+') {
            if (i + 2 >= s.n || !is_hex(s.p[i + 1]) || !is_hex(s.p[i + 2]))
                return false;
            i += 2;
        } else if (c < '!' || c > '~' || c == '=') {
            return false;
        }
    }
    return s.n > 0;
}

/* --- the path ----------------------------------------------------------------
 */

/* "FROM:" or "TO:", then the path; *rest is what follows it. */
static bool take_path(struct str argument, struct str word, struct arena *arena,
                      struct address *out, bool *empty, struct str *rest)
{
    struct str path;
    size_t used = 0;

    if (!str_starts_nocase(argument, word))
        return false;
    path = str_from(argument, word.n);
    /* Many clients put a blank here; nothing else can be meant. */
    if (path.n > 0 && path.p[0] == ' ')
        path = str_from(path, 1);
    if (!address_path(path, arena, out, empty, &used))
        return false;
    *rest = str_from(path, used);
    return rest->n == 0 || rest->p[0] == ' ';
}

struct parameter {
    struct str name, value;
    bool has_value;
};

static bool next_parameter(struct str *rest, struct parameter *out)
{
    struct str word;
    size_t equals;

    do {
        if (!str_split(rest, ' ', &word))
            return false;
    } while (word.n == 0);
    equals = str_find_char(word, '=');
    out->name = str_first(word, equals);
    out->has_value = equals < word.n;
    out->value = str_from(word, equals + 1);
    return true;
}

/* Two values for one thing are two readings of one command. */
struct seen {
    struct str names[PARAMETERS_MAX];
    size_t n;
};

static struct status only_once(struct seen *seen, const struct parameter *p)
{
    for (size_t i = 0; i < seen->n; i++)
        if (str_eq_nocase(seen->names[i], p->name))
            return bad_syntax("A parameter is given twice");
    if (seen->n == PARAMETERS_MAX)
        return bad_syntax("Too many parameters");
    seen->names[seen->n++] = p->name;
    return status_ok();
}

static struct status unknown_parameter(void)
{
    return status_make(555, "5.5.4", "Parameter not known here");
}

/* --- MAIL --------------------------------------------------------------------
 */

static struct status set_body(const struct parameter *p, struct smtp_mail *out)
{
    if (!str_eq_nocase(p->value, STR("7BIT")) &&
        !str_eq_nocase(p->value, STR("8BITMIME")))
        return bad_syntax("BODY is 7BIT or 8BITMIME");
    out->body_8bit = str_eq_nocase(p->value, STR("8BITMIME"));
    return status_ok();
}

static struct status set_ret(const struct parameter *p, struct arena *arena,
                             struct smtp_mail *out)
{
    if (out->ret.n > 0 || (!str_eq_nocase(p->value, STR("FULL")) &&
                           !str_eq_nocase(p->value, STR("HDRS"))))
        return bad_syntax("RET is FULL or HDRS");
    out->ret =
        str_keep(arena, str_eq_nocase(p->value, STR("FULL")) ? STR("FULL")
                                                             : STR("HDRS"));
    return status_ok();
}

static struct status set_envid(const struct parameter *p, struct arena *arena,
                               struct smtp_mail *out)
{
    if (out->envid.n > 0 || p->value.n > ENVID_MAX || !is_xtext(p->value))
        return bad_syntax("ENVID is up to 100 octets of xtext");
    out->envid = str_keep(arena, p->value);
    return status_ok();
}

static struct status set_size(const struct parameter *p, struct smtp_mail *out)
{
    if (p->value.n > 20 || !str_to_u64(p->value, UINT64_MAX, &out->size))
        return bad_syntax("SIZE is a number");
    return status_ok();
}

static struct status mail_parameter(const struct parameter *p,
                                    struct arena *arena, struct smtp_mail *out)
{
    if (str_eq_nocase(p->name, STR("SIZE")))
        return set_size(p, out);
    if (str_eq_nocase(p->name, STR("BODY")))
        return set_body(p, out);
    if (str_eq_nocase(p->name, STR("RET")))
        return set_ret(p, arena, out);
    if (str_eq_nocase(p->name, STR("ENVID")))
        return set_envid(p, arena, out);
    /* What a client claims of its own client is nothing to go by. */
    if (str_eq_nocase(p->name, STR("AUTH")))
        return p->has_value ? status_ok() : bad_syntax("AUTH needs a value");
    if (p->has_value)
        return unknown_parameter();
    if (str_eq_nocase(p->name, STR("SMTPUTF8")))
        out->smtputf8 = true;
    else if (str_eq_nocase(p->name, STR("REQUIRETLS")))
        out->requiretls = true;
    else
        return unknown_parameter();
    return status_ok();
}

struct status smtp_mail_parse(struct str argument, bool esmtp,
                              struct arena *arena, struct smtp_mail *out)
{
    struct address from = { 0 };
    struct parameter p;
    struct status st = status_ok();
    bool empty = false;
    struct str rest;
    struct seen seen = { .n = 0 };

    *out = (struct smtp_mail){ 0 };
    if (!take_path(argument, STR("FROM:"), arena, &from, &empty, &rest))
        return status_make(501, "5.1.7", "Bad sender address");
    out->from = empty ? (struct str){ "", 0 } : from.text;
    while (status_is_ok(st) && next_parameter(&rest, &p)) {
        st = only_once(&seen, &p);
        if (status_is_ok(st))
            st = esmtp ? mail_parameter(&p, arena, out) : unknown_parameter();
    }
    if (status_is_ok(st) && from.utf8 && !out->smtputf8)
        st = status_make(553, "5.6.7", "This address needs SMTPUTF8");
    return st;
}

/* --- RCPT --------------------------------------------------------------------
 */

static uint32_t notify_bit(struct str word)
{
    static const struct {
        struct str word;
        uint32_t bit;
    } rows[] = {
        { STR_INIT("NEVER"), SMTP_NOTIFY_NEVER },
        { STR_INIT("SUCCESS"), SMTP_NOTIFY_SUCCESS },
        { STR_INIT("FAILURE"), SMTP_NOTIFY_FAILURE },
        { STR_INIT("DELAY"), SMTP_NOTIFY_DELAY },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (str_eq_nocase(word, rows[i].word))
            return rows[i].bit;
    return 0;
}

static struct status set_notify(const struct parameter *p,
                                struct smtp_rcpt *out)
{
    struct str rest = p->value, word;

    if (out->notify != 0 || !p->has_value)
        return bad_syntax("NOTIFY once, with a value");
    while (str_split(&rest, ',', &word)) {
        uint32_t bit = notify_bit(word);

        if (bit == 0 || (out->notify & bit))
            return bad_syntax("NOTIFY is NEVER or of SUCCESS,FAILURE,DELAY");
        out->notify |= bit;
    }
    if ((out->notify & SMTP_NOTIFY_NEVER) && out->notify != SMTP_NOTIFY_NEVER)
        return bad_syntax("NOTIFY=NEVER stands alone");
    return status_ok();
}

static struct status set_orcpt(const struct parameter *p, struct arena *arena,
                               struct smtp_rcpt *out)
{
    size_t semicolon = str_find_char(p->value, ';');
    struct str type = str_first(p->value, semicolon);

    if (out->orcpt.n > 0 || p->value.n > ORCPT_MAX ||
        (!str_eq_nocase(type, STR("rfc822")) &&
         !str_eq_nocase(type, STR("utf-8"))) ||
        !is_xtext(str_from(p->value, semicolon + 1)))
        return bad_syntax("ORCPT is rfc822; and xtext");
    out->orcpt = str_keep(arena, p->value);
    return status_ok();
}

static struct status rcpt_parameter(const struct parameter *p,
                                    struct arena *arena, struct smtp_rcpt *out)
{
    if (str_eq_nocase(p->name, STR("NOTIFY")))
        return set_notify(p, out);
    if (str_eq_nocase(p->name, STR("ORCPT")))
        return set_orcpt(p, arena, out);
    return unknown_parameter();
}

struct status smtp_rcpt_parse(struct str argument, bool esmtp, bool smtputf8,
                              struct arena *arena, struct smtp_rcpt *out)
{
    struct address to = { 0 };
    struct parameter p;
    struct status st = status_ok();
    bool empty = false;
    struct str rest;
    struct seen seen = { .n = 0 };

    *out = (struct smtp_rcpt){ 0 };
    if (!take_path(argument, STR("TO:"), arena, &to, &empty, &rest) || empty)
        return status_make(501, "5.1.3", "Bad recipient address");
    out->recipient = to.text;
    out->domain = to.domain;
    while (status_is_ok(st) && next_parameter(&rest, &p)) {
        st = only_once(&seen, &p);
        if (status_is_ok(st))
            st = esmtp ? rcpt_parameter(&p, arena, out) : unknown_parameter();
    }
    if (status_is_ok(st) && to.utf8 && !smtputf8)
        st = status_make(553, "5.6.7", "This address needs SMTPUTF8");
    return st;
}

/* --- BDAT --------------------------------------------------------------------
 */

struct status smtp_bdat_parse(struct str argument, struct smtp_bdat *out)
{
    struct str rest = argument, size, last;

    *out = (struct smtp_bdat){ 0 };
    str_split(&rest, ' ', &size);
    if (size.n > 20 || !str_to_u64(size, UINT64_MAX / 2, &out->size))
        return bad_syntax("BDAT needs a size");
    if (rest.p == NULL)
        return status_ok();
    last = str_trim(rest);
    if (!str_eq_nocase(last, STR("LAST")))
        return bad_syntax("After the size only LAST may stand");
    out->last = true;
    return status_ok();
}
