/* SPDX-License-Identifier: Apache-2.0 */
/* Without a word of TLS nothing is taken for encrypted; what is said of hops
 * goes together; every slice can be read. */
#include "mail/trace.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* 2026-06-01 */
static const int64_t now_ms = 1780272000000;

static volatile unsigned sink;

static void touch(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        sink += (unsigned char)s.p[i];
}

static void must(bool fine)
{
    if (!fine)
        abort();
}

static bool has_tls_word(struct str s)
{
    static const struct str words[] = {
        STR_INIT("TLS"),   STR_INIT("SSL"),       STR_INIT("SMTPS"),
        STR_INIT("LMTPS"), STR_INIT("encrypted"), STR_INIT("cipher="),
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (str_find_nocase(s, words[i]) < s.n)
            return true;
    return false;
}

static void check_hop(const struct trace *t, size_t i, bool tls_word)
{
    const struct hop *hop = &t->hops[i];
    bool encrypted = hop->state == HOP_ENCRYPTED || hop->state == HOP_WEAK;
    const struct str texts[] = {
        hop->helo,
        hop->name,
        hop->ip,
        hop->by,
        hop->with,
        hop->id,
        hop->rcpt,
        hop->why,
        hop->skew_why,
        hop->family,
        hop->raw,
        hop->contradiction,
        hop->tls.cipher,
        hop->tls.version,
        hop->tls.range_low,
        hop->tls.range_high,
    };

    for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++)
        touch(texts[k]);
    must(tls_word || !encrypted);
    must(!encrypted || hop->evidence != EVIDENCE_NONE);
    must(encrypted || (hop->tls.version.n == 0 && hop->tls.cipher.n == 0));
    must(hop->index == i);
    must(hop->trusted == (i >= t->trust_boundary));
    must(hop->delay_ms >= 0 && !(hop->skew && hop->has_delay));
    must(t->verdict != TRACE_ENCRYPTED || hop->internal ||
         hop->state == HOP_ENCRYPTED);
    must(t->verdict != TRACE_NOT_ENCRYPTED || t->n > 0);
}

static void check(struct str header, const struct str *trust, size_t n)
{
    struct arena arena = { 0 };
    struct trace t;
    bool tls_word = has_tls_word(header);

    trace_read(header, trust, n, now_ms, &arena, &t);
    must(t.trust_boundary <= t.n);
    must(tls_word || t.verdict != TRACE_ENCRYPTED);
    for (size_t i = 0; i < t.n; i++)
        check_hop(&t, i, tls_word);
    touch(t.summary);
    touch(t.advice);
    touch(t.trust_text);
    touch(t.from);
    touch(t.subject);
    for (const struct trace_note *note = t.notes; note; note = note->next)
        touch(note->text);
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str header = str_of(data, size);
    static const struct str trust[] = { STR_INIT("example.org"),
                                        STR_INIT("192.0.2.0/24"),
                                        STR_INIT("2001:db8::/32") };

    check(header, NULL, 0);
    check(header, trust, 3);
    return 0;
}
