/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/caps.h"

#include <stddef.h>

/* Keywords whose presence is all there is to know. */
static const struct flag {
    struct str keyword;
    size_t offset;
} flags[] = {
    { STR_INIT("PIPELINING"), offsetof(struct smtp_caps, pipelining) },
    { STR_INIT("8BITMIME"), offsetof(struct smtp_caps, eightbitmime) },
    { STR_INIT("SMTPUTF8"), offsetof(struct smtp_caps, smtputf8) },
    { STR_INIT("CHUNKING"), offsetof(struct smtp_caps, chunking) },
    { STR_INIT("DSN"), offsetof(struct smtp_caps, dsn) },
    { STR_INIT("STARTTLS"), offsetof(struct smtp_caps, starttls) },
    { STR_INIT("REQUIRETLS"), offsetof(struct smtp_caps, requiretls) },
    { STR_INIT("ENHANCEDSTATUSCODES"),
      offsetof(struct smtp_caps, enhancedstatuscodes) },
    { STR_INIT("SIZE"), offsetof(struct smtp_caps, size) },
};

static void set_flag(struct str keyword, struct smtp_caps *out)
{
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (str_eq_nocase(keyword, flags[i].keyword))
            *(bool *)((char *)out + flags[i].offset) = true;
}

static void auth(struct str mechanisms, struct smtp_caps *out)
{
    struct str one;

    while (str_split(&mechanisms, ' ', &one)) {
        out->auth_plain |= str_eq_nocase(one, STR("PLAIN"));
        out->auth_login |= str_eq_nocase(one, STR("LOGIN"));
    }
}

static void limits(struct str pairs, struct smtp_caps *out)
{
    struct str one;

    while (str_split(&pairs, ' ', &one))
        if (str_starts_nocase(one, STR("RCPTMAX=")))
            str_to_u64(str_from(one, 8), 1000000, &out->rcpt_max);
}

void smtp_caps_parse(struct str lines, struct smtp_caps *out)
{
    struct str line;

    *out = (struct smtp_caps){ 0 };
    str_split(&lines, '\n', &line);
    while (str_split(&lines, '\n', &line)) {
        size_t blank = str_find_char(line, ' ');
        struct str keyword = str_trim(str_first(line, blank));
        struct str rest = str_trim(str_from(line, blank));

        set_flag(keyword, out);
        if (str_eq_nocase(keyword, STR("SIZE")))
            str_to_u64(rest, UINT64_MAX, &out->size_max);
        else if (str_eq_nocase(keyword, STR("AUTH")))
            auth(rest, out);
        else if (str_eq_nocase(keyword, STR("LIMITS")))
            limits(rest, out);
    }
}
