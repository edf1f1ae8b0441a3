/* SPDX-License-Identifier: Apache-2.0 */
/* What a command yields is clean: addresses that read back as themselves, and
 * no octet that could begin another line. */
#include "mail/address.h"
#include "smtp/command.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_clean(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 127)
            abort();
}

static void must_be_address(struct str s, struct arena *arena)
{
    struct address a;

    must_be_clean(s);
    if (!address_parse(s, arena, &a) || !str_eq(a.text, s))
        abort();
}

static void check_mail(struct str argument, bool esmtp, struct arena *arena)
{
    struct smtp_mail mail;

    if (!status_is_ok(smtp_mail_parse(argument, esmtp, arena, &mail)))
        return;
    if (mail.from.n > 0)
        must_be_address(mail.from, arena);
    must_be_clean(mail.envid);
    must_be_clean(mail.ret);
}

static void check_rcpt(struct str argument, bool esmtp, bool utf8,
                       struct arena *arena)
{
    struct smtp_rcpt rcpt;

    if (!status_is_ok(smtp_rcpt_parse(argument, esmtp, utf8, arena, &rcpt)))
        return;
    must_be_address(rcpt.recipient, arena);
    must_be_clean(rcpt.orcpt);
    if (rcpt.domain.n == 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = { 0 };
    struct smtp_bdat bdat;

    if (size == 0)
        return 0;
    struct str argument = str_of(data + 1, size - 1);
    if (status_is_ok(smtp_hello_check(argument)))
        must_be_clean(argument);
    check_mail(argument, data[0] & 1, &arena);
    check_rcpt(argument, data[0] & 1, data[0] & 2, &arena);
    (void)smtp_bdat_parse(argument, &bdat);
    arena_free(&arena);
    return 0;
}
