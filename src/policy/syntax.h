/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar of the configuration file, as words with their places:
 *
 *     name value... { name value... }     # comment
 *
 * A value is a bare word or is quoted: "it's \"quoted\" \\". Braces and round
 * brackets stand alone. Nothing ends a setting but the next name, a closing
 * brace or the end of the line; which word is a name is the schema's business
 * (schema.h). Refused: control characters, text that is not UTF-8, semicolons
 * outside quotes, anything past the limits. Pure.
 */
#ifndef POSTSEAL_POLICY_SYNTAX_H
#define POSTSEAL_POLICY_SYNTAX_H

#include "base/arena.h"
#include "base/str.h"

enum token_kind {
    TOKEN_WORD,
    TOKEN_QUOTED,
    TOKEN_OPEN,        /* { */
    TOKEN_CLOSE,       /* } */
    TOKEN_LEFT_ROUND,  /* ( */
    TOKEN_RIGHT_ROUND, /* ) */
    TOKEN_END,         /* of the text; always the last one */
};

struct token {
    enum token_kind kind;
    struct str text; /* without quotes and escapes */
    uint32_t line;   /* 1-based */
    uint32_t column; /* 1-based, in characters */
    bool first;      /* nothing stands before it on its line */
};

struct syntax_limits {
    size_t text_bytes, tokens, word_bytes;
};
extern const struct syntax_limits syntax_limits_default;

struct syntax_fault {
    uint32_t line, column;
    const char *why; /* NULL: no fault */
};

/*
 * All words of text; those before the first fault when there is one, and a
 * TOKEN_END in any case. Texts live in arena or in text.
 */
struct token *syntax_read(struct str text, const struct syntax_limits *limits,
                          struct arena *arena, size_t *n,
                          struct syntax_fault *fault);

static inline bool token_is_value(const struct token *t)
{
    return t->kind == TOKEN_WORD || t->kind == TOKEN_QUOTED;
}

#endif
