/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/rules.h"

#include "mail/header.h"
#include "mail/pattern.h"
#include "policy/facts.h"
#include "policy/suggest.h"
#include "policy/value.h"

#include <string.h>

static const char *const field_names[] = {
    "from", "to", "subject", "header", "size", "listener", "user", NULL,
};
static const char *const test_names[] = {
    "is", "contains", "matches", ">", "<", NULL,
};
static const char *const word_names[] = {
    "from", "to",       "subject", "header", "size", "listener", "user",
    "is",   "contains", "matches", "and",    "or",   "not",      NULL,
};

struct parser {
    const struct token *tokens;
    size_t n, at;
    struct arena *arena;
    struct rule_step *steps;
    size_t steps_n;
    unsigned depth;
    struct rule_fault *fault;
};

static const struct token *peek(const struct parser *p)
{
    return p->at < p->n ? &p->tokens[p->at] : NULL;
}

static bool at_word(const struct parser *p, const char *word)
{
    const struct token *t = peek(p);

    return t != NULL && t->kind == TOKEN_WORD &&
           str_eq(t->text, str_from_cstr(word));
}

static bool take_word(struct parser *p, const char *word)
{
    if (!at_word(p, word))
        return false;
    p->at++;
    return true;
}

/* Complains about the next word, or the end behind the last one. */
static bool fail(struct parser *p, const char *wanted)
{
    const struct token *t = peek(p);
    const char *meant = t != NULL && t->kind == TOKEN_WORD
                            ? suggest_name(t->text, word_names)
                            : NULL;

    p->fault->at = t != NULL ? t : &p->tokens[p->n - 1];
    if (t == NULL)
        p->fault->why = arena_printf(
            p->arena, "the condition ends here, but %s is missing", wanted);
    else
        p->fault->why = arena_printf(
            p->arena, "'%.*s' stands where %s should%s%s%s", STR_ARG(t->text),
            wanted, meant == NULL ? "" : "; did you mean '",
            meant == NULL ? "" : meant, meant == NULL ? "" : "'?");
    return false;
}

static bool emit(struct parser *p, struct rule_step step)
{
    if (p->steps_n == RULE_STEPS_MAX)
        return fail(p, "a shorter condition");
    p->steps[p->steps_n++] = step;
    return true;
}

static int find_name(const char *const *names, const struct token *t)
{
    if (t == NULL || t->kind != TOKEN_WORD)
        return -1;
    for (int i = 0; names[i] != NULL; i++)
        if (str_eq(t->text, str_from_cstr(names[i])))
            return i;
    return -1;
}

static bool parse_size(struct parser *p, struct rule_step *step)
{
    const struct token *t;
    int test = find_name(test_names, peek(p));

    if (test != TEST_ABOVE && test != TEST_BELOW)
        return fail(p, "'>' or '<' and a size");
    step->test = (enum rule_test)test;
    p->at++;
    t = peek(p);
    if (t == NULL || value_size(t->text, &step->size_bytes) != NULL)
        return fail(p, "a size such as 25M");
    p->at++;
    return emit(p, *step);
}

static bool check_address(struct parser *p, const struct rule_step *step)
{
    bool address = step->field == FIELD_FROM || step->field == FIELD_TO;
    bool null_sender = step->text.n == 0 && step->test == TEST_IS;

    if (!address || step->test == TEST_CONTAINS || null_sender)
        return true;
    if (step->test == TEST_IS && !str_has_char(step->text, '@'))
        return fail(p, "a whole address (for a domain: matches *@domain)");
    if (step->test == TEST_MATCHES && value_pattern(step->text) != NULL)
        return fail(p, "a pattern such as *@clinic.example or *.example");
    return true;
}

static bool parse_text(struct parser *p, struct rule_step *step)
{
    const struct token *t;
    int test = find_name(test_names, peek(p));

    if (test < 0 || test > TEST_MATCHES)
        return fail(p, "'is', 'contains' or 'matches'");
    step->test = (enum rule_test)test;
    p->at++;
    t = peek(p);
    if (t == NULL || !token_is_value(t))
        return fail(p, "a text to compare with");
    step->text = t->text;
    if (!check_address(p, step))
        return false;
    if (t->text.n == 0 && step->test != TEST_IS)
        return fail(p, "a text that is not empty");
    p->at++;
    return emit(p, *step);
}

static bool is_field_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == ':')
            return false;
    return s.n > 0;
}

static bool parse_test(struct parser *p)
{
    struct rule_step step = { .code = RULE_TEST };
    int field = find_name(field_names, peek(p));

    if (field < 0)
        return fail(p, "from, to, subject, header, size, listener or user");
    step.field = (enum rule_field)field;
    p->at++;
    if (step.field == FIELD_SIZE)
        return parse_size(p, &step);
    if (step.field != FIELD_HEADER)
        return parse_text(p, &step);
    if (peek(p) == NULL || !token_is_value(peek(p)) ||
        !is_field_name(peek(p)->text))
        return fail(p, "the name of a header field");
    step.name = p->tokens[p->at++].text;
    if (find_name(test_names, peek(p)) >= 0)
        return parse_text(p, &step);
    step.test = TEST_PRESENT;
    return emit(p, step);
}

static bool parse_or(struct parser *p);

static bool parse_group(struct parser *p)
{
    p->at++;
    if (++p->depth > RULE_DEPTH_MAX)
        return fail(p, "a condition with fewer brackets");
    if (!parse_or(p))
        return false;
    if (peek(p) == NULL || peek(p)->kind != TOKEN_RIGHT_ROUND)
        return fail(p, "'and', 'or' or ')'");
    p->at++;
    p->depth--;
    return true;
}

static bool parse_unary(struct parser *p)
{
    bool negate = false;

    while (take_word(p, "not"))
        negate = !negate;
    if (peek(p) != NULL && peek(p)->kind == TOKEN_LEFT_ROUND) {
        if (!parse_group(p))
            return false;
    } else if (!parse_test(p)) {
        return false;
    }
    return !negate || emit(p, (struct rule_step){ .code = RULE_NOT });
}

static bool parse_and(struct parser *p)
{
    if (!parse_unary(p))
        return false;
    while (take_word(p, "and"))
        if (!parse_unary(p) || !emit(p, (struct rule_step){ .code = RULE_AND }))
            return false;
    return true;
}

static bool parse_or(struct parser *p)
{
    if (!parse_and(p))
        return false;
    while (take_word(p, "or"))
        if (!parse_and(p) || !emit(p, (struct rule_step){ .code = RULE_OR }))
            return false;
    return true;
}

bool rule_parse(const struct token *tokens, size_t n, struct arena *arena,
                struct rule_condition *out, struct rule_fault *fault)
{
    struct rule_step steps[RULE_STEPS_MAX];
    struct parser p = {
        .tokens = tokens, .n = n, .arena = arena, .steps = steps, .fault = fault
    };
    struct rule_step *kept;

    *fault = (struct rule_fault){ 0 };
    if (!parse_or(&p) || (p.at < n && !fail(&p, "'and', 'or' or a setting")))
        return false;
    kept = arena_array(arena, p.steps_n, sizeof(*kept));
    memcpy(kept, steps, p.steps_n * sizeof(*kept));
    *out = (struct rule_condition){ kept, p.steps_n };
    return true;
}

static bool text_fits(const struct rule_step *step, struct str text)
{
    switch (step->test) {
    case TEST_IS:
        return str_eq_nocase(step->text, text);
    case TEST_CONTAINS:
        return str_find_nocase(text, step->text) < text.n;
    case TEST_MATCHES:
        return pattern_text(step->text, text);
    default:
        return false;
    }
}

static bool address_fits(const struct rule_step *step, struct str address)
{
    return step->test == TEST_MATCHES ? pattern_address(step->text, address)
                                      : text_fits(step, address);
}

/* Every subject counts alone: a second one hides nothing. */
static bool subject_fits(const struct rule_step *step, struct str header)
{
    struct buf subjects = { 0 };
    struct str rest, line;
    bool fits = false;

    facts_subject(header, &subjects);
    rest = buf_str(&subjects);
    while (!fits && str_split(&rest, '\n', &line))
        fits = text_fits(step, line);
    buf_free(&subjects);
    return fits;
}

static bool header_fits(const struct rule_step *step, struct str header)
{
    struct header_field field;
    bool fits = false;

    while (!fits && header_find(&header, step->name, &field)) {
        struct buf text = { 0 };

        header_unfold(field.body, &text);
        fits = step->test == TEST_PRESENT || text_fits(step, buf_str(&text));
        buf_free(&text);
    }
    return fits;
}

static bool test_holds(const struct rule_step *step,
                       const struct message_facts *m, struct str recipient)
{
    switch (step->field) {
    case FIELD_FROM:
        return address_fits(step, m->from);
    case FIELD_TO:
        return address_fits(step, recipient);
    case FIELD_SUBJECT:
        return subject_fits(step, m->header);
    case FIELD_HEADER:
        return header_fits(step, m->header);
    case FIELD_SIZE:
        return step->test == TEST_ABOVE ? m->size_bytes > step->size_bytes
                                        : m->size_bytes < step->size_bytes;
    case FIELD_LISTENER:
        return text_fits(step, m->listener);
    case FIELD_USER:
        return text_fits(step, m->user);
    }
    return false;
}

bool rule_holds(const struct rule_condition *when,
                const struct message_facts *m, struct str recipient)
{
    bool stack[RULE_STEPS_MAX];
    size_t n = 0;

    for (size_t i = 0; i < when->n; i++) {
        const struct rule_step *step = &when->steps[i];

        if (step->code == RULE_TEST) {
            stack[n++] = test_holds(step, m, recipient);
        } else if (step->code == RULE_NOT) {
            stack[n - 1] = !stack[n - 1];
        } else {
            n--;
            stack[n - 1] = step->code == RULE_AND ? stack[n - 1] && stack[n]
                                                  : stack[n - 1] || stack[n];
        }
    }
    return when->n == 0 || stack[0];
}
