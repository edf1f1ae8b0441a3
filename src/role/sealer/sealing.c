/* SPDX-License-Identifier: Apache-2.0 */
#include "role/sealer/sealing.h"

#include "mail/protect.h"
#include "role/sealer/letter.h"
#include "role/sealer/own.h"
#include "seal/pgp.h"

/* --- locking ---------------------------------------------------------------
 */

static struct status lock(const struct errand *e, struct str secret,
                          const struct seal_source *source,
                          const struct seal_sink *sink)
{
    if (e->method == KEY_PGP) {
        struct pgp_job job = { .key = e->keys[0],
                               .sign_key = secret,
                               .hide_key_ids = e->hide_key_ids,
                               .now_wall_ms = e->now_wall_ms };

        return pgp_seal(&job, source, sink);
    }
    struct smime_job job = { .certificate = e->keys[0],
                             .capabilities = e->capabilities,
                             .sign_pem = secret,
                             .now_wall_ms = e->now_wall_ms };

    return smime_seal(&job, source, sink);
}

static struct status seal_letter(const struct errand *e, struct str secret,
                                 struct letter *letter)
{
    struct protect_options options = { e->protect_headers, e->outer_subject };
    struct buf outer = { 0 }, inner = { 0 };
    struct seal_sink sink = wire_sink(letter->wire);
    struct status st =
        status_refuse("the header of the message can be read in two ways");

    if (protect_header(letter_header(letter), &options, &outer, &inner)) {
        buf_add_cstr(&inner, "\r\n");
        struct seal_source source = letter_source(letter, buf_str(&inner));

        st = sink.write(sink.context, outer.p, outer.n)
                 ? lock(e, secret, &source, &sink)
                 : status_defer("nobody takes the sealed message");
    }
    buf_wipe(&outer);
    buf_wipe(&inner);
    return st;
}

struct status sealing_run(const struct reader_tools *tools,
                          const struct errand *e, struct wire *wire)
{
    struct buf secret = { 0 };
    struct letter letter;
    struct status st;

    if (e->keys_n != 1)
        return status_refuse("one key is needed, not %zu", e->keys_n);
    if (e->own_private.n > 0) {
        st = own_key_open(tools, e->own_context, e->own_private, &secret);
        if (!status_is_ok(st))
            return st;
    }
    st = letter_open(wire, &letter);
    if (status_is_ok(st))
        st = seal_letter(e, buf_str(&secret), &letter);
    letter_close(&letter);
    buf_wipe(&secret);
    return st;
}
