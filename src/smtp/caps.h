/* SPDX-License-Identifier: Apache-2.0 */
/* What a server offers in its EHLO reply (RFC 5321, 4.1.1.1). Unknown
 * keywords and odd parameters are passed over. */
#ifndef POSTSEAL_SMTP_CAPS_H
#define POSTSEAL_SMTP_CAPS_H

#include "base/str.h"

struct smtp_caps {
    bool size;         /* RFC 1870 */
    uint64_t size_max; /* 0: not told */
    bool pipelining, eightbitmime, smtputf8, chunking, dsn, starttls,
        requiretls, enhancedstatuscodes;
    bool auth_plain, auth_login;
    uint64_t rcpt_max; /* RFC 9422; 0: not told */
};

/* lines: the texts after the codes, separated by LF; the first is the
 * greeting and is no keyword. */
void smtp_caps_parse(struct str lines, struct smtp_caps *out);

#endif
