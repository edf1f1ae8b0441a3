/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/login.h"

#include "role/dispatch/converse.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

enum { BLOB_MAX = SECRET_MAX + 512, TEXT_MAX = BLOB_MAX * 4 / 3 + 8 };

static struct fault refused(const struct session *s, enum fault_kind kind,
                            const char *text)
{
    return (struct fault){ kind, status_make(454, "4.7.8", "%.*s: %s",
                                             STR_ARG(s->host), text) };
}

/* Sends a line that holds a secret and forgets it. */
static bool exchange(struct session *s, const char *verb, const void *blob,
                     size_t n, struct answer *a, struct status *why)
{
    unsigned char text[TEXT_MAX];
    int len = EVP_EncodeBlock(text, blob, (int)n);

    stream_write(s->stream, str_from_cstr(verb));
    stream_write(s->stream, str_of(text, (size_t)len));
    stream_write(s->stream, STR("\r\n"));
    OPENSSL_cleanse(text, sizeof(text));
    return converse_flush(s->stream, s->command_ms, why) &&
           answer_read(s->stream, s->command_ms, a, why);
}

static bool plain(struct session *s, struct str user,
                  const struct secret *password, struct answer *a,
                  struct status *why)
{
    unsigned char blob[BLOB_MAX];
    size_t n = 0;

    blob[n++] = '\0';
    memcpy(blob + n, user.p, user.n);
    n += user.n;
    blob[n++] = '\0';
    memcpy(blob + n, password->bytes, password->n);
    n += password->n;
    bool ok = exchange(s, "AUTH PLAIN ", blob, n, a, why);
    OPENSSL_cleanse(blob, sizeof(blob));
    return ok;
}

static bool two_steps(struct session *s, struct str user,
                      const struct secret *password, struct answer *a,
                      struct status *why)
{
    converse_say(s->stream, "AUTH LOGIN");
    if (!converse_flush(s->stream, s->command_ms, why) ||
        !answer_read(s->stream, s->command_ms, a, why))
        return false;
    if (a->code != 334)
        return true;
    if (!exchange(s, "", user.p, user.n, a, why))
        return false;
    return a->code != 334 ||
           exchange(s, "", password->bytes, password->n, a, why);
}

struct fault login(struct session *s, struct str user,
                   const struct secret *password)
{
    struct answer a = { 0 };
    struct status why;
    char text[64];
    bool ok;

    if (!s->seen.up)
        return refused(s, FAULT_LASTING, "no AUTH without TLS");
    if (user.n > 500)
        return refused(s, FAULT_LASTING, "the account name is too long");
    if (!s->caps.auth_plain && !s->caps.auth_login)
        return refused(s, FAULT_PASSING, "offers neither AUTH PLAIN nor LOGIN");
    ok = s->caps.auth_plain ? plain(s, user, password, &a, &why)
                            : two_steps(s, user, password, &a, &why);
    if (!ok)
        return (struct fault){ FAULT_PASSING, why };
    if (a.code == 235)
        return (struct fault){ FAULT_NONE, status_ok() };
    /* Our account, not the recipient's fault: somebody will mend it. The reply
     * is not quoted: it may hold what we sent. */
    snprintf(text, sizeof(text), "refused our account with %u",
             (unsigned)a.code);
    return refused(s, FAULT_PASSING, text);
}
