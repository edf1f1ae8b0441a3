/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/login.h"

#include "posture/converse.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

enum {
    USER_MAX = 500,
    BLOB_MAX = SECRET_MAX + USER_MAX + 2,
    TEXT_MAX = BLOB_MAX * 4 / 3 + 8,
};

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

static struct fault trouble(const struct session *s, uint32_t line,
                            const char *text)
{
    return (struct fault){
        FAULT_PASSING, status_make(454, "4.7.8", "route on line %u: %.*s %s",
                                   (unsigned)line, STR_ARG(s->host), text)
    };
}

/* The reply is not quoted: it may hold what we sent. */
static struct fault refused(const struct session *s, uint32_t line,
                            uint16_t code)
{
    char text[96];

    snprintf(text, sizeof(text),
             code / 100 == 4 ? "cannot check our account now (%u)"
                             : "refuses our account (%u): check its 'auth'",
             (unsigned)code);
    return trouble(s, line, text);
}

struct fault login(struct session *s, const struct session_target *target)
{
    struct answer a = { 0 };
    struct status why;
    struct str user = target->auth_user;
    uint32_t line = target->auth_line;
    char text[256];
    bool ok;

    if (!s->seen.up || s->seen.by == VERIFIED_NONE)
        return trouble(s, line, "is not proven: it does not get our password");
    if (user.n > USER_MAX)
        return trouble(s, line, "needs a shorter account name");
    if (!s->caps.auth_plain && !s->caps.auth_login)
        return trouble(s, line, "offers neither AUTH PLAIN nor AUTH LOGIN");
    ok = s->caps.auth_plain ? plain(s, user, target->auth_secret, &a, &why)
                            : two_steps(s, user, target->auth_secret, &a, &why);
    if (!ok) {
        snprintf(text, sizeof(text), "at our login: %s", why.why);
        return trouble(s, line, text);
    }
    if (a.code == 235)
        return (struct fault){ FAULT_NONE, status_ok() };
    return refused(s, line, a.code);
}
