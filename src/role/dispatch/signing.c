/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/signing.h"

#include "base/clock.h"
#include "base/panic.h"
#include "mail/dkim.h"
#include "mail/header.h"
#include "role/dispatch/body.h"

#include <stdio.h>
#include <stdlib.h>

struct signer {
    const struct config *config;
    struct dkim_key **keys; /* one a dkim block */
};

struct status signer_open(const struct config *config, struct signer **out)
{
    struct signer *s = calloc(1, sizeof(*s));
    struct status st = status_ok();
    char path[512];

    if (s == NULL ||
        (s->keys = calloc(config->dkims_n + 1, sizeof(*s->keys))) == NULL)
        panic("out of memory");
    s->config = config;
    *out = s;
    for (size_t i = 0; i < config->dkims_n && status_is_ok(st); i++) {
        snprintf(path, sizeof(path), "%.*s",
                 STR_ARG(config->dkims[i].key_file));
        st = dkim_key_load(path, &s->keys[i]);
    }
    return st;
}

void signer_close(struct signer **signer)
{
    struct signer *s = *signer;

    *signer = NULL;
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->config->dkims_n; i++)
        dkim_key_free(&s->keys[i]);
    free(s->keys);
    free(s);
}

static struct str domain_of(struct str address)
{
    size_t at = address.n;

    while (at > 0 && address.p[at - 1] != '@')
        at--;
    return str_from(address, at);
}

/* The author's domain; of our own mail it is the gateway's. False when From
 * cannot be read in one way only: nothing is vouched for then. */
static bool author_domain(struct str header, struct arena *arena,
                          struct str *out)
{
    struct str *authors;
    size_t n = 0;

    if (!header_authors(header, arena, &authors, &n) || n == 0)
        return false;
    *out = domain_of(authors[0]);
    return true;
}

static struct status add_text(void *context, struct str piece)
{
    dkim_body_add(context, piece);
    return status_ok();
}

static struct status sign_all(const struct signer *s, struct body *body,
                              struct str author, struct buf *out)
{
    struct dkim_request request = { .header = body_edited_header(body),
                                    .wall_ms = clock_wall_ms() };
    struct dkim_body *text = dkim_body_new();
    unsigned char hash[32];
    struct status st = body_text(body, add_text, text);

    dkim_body_end(&text, hash);
    request.body_hash = hash;
    for (size_t i = 0; i < s->config->dkims_n && status_is_ok(st); i++) {
        const struct dkim_config *d = &s->config->dkims[i];

        if (!dkim_signs_for(d->domain, author))
            continue;
        request.domain = d->domain;
        request.selector = d->selector;
        st = dkim_sign(s->keys[i], &request, out);
    }
    return st;
}

struct status signing_add(const struct signer *s, struct body *body,
                          struct buf *out)
{
    struct arena scratch = { 0 };
    struct status st = status_ok();
    struct str author;
    bool ours = false;

    if (s->config->dkims_n == 0)
        return st;
    if (author_domain(body_edited_header(body), &scratch, &author))
        for (size_t i = 0; i < s->config->dkims_n; i++)
            ours |= dkim_signs_for(s->config->dkims[i].domain, author);
    if (ours)
        st = sign_all(s, body, author, out);
    arena_free(&scratch);
    return st;
}
