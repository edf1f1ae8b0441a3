/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The condition of a rule:
 *
 *     when from is a@x and not (to matches *@y or subject contains "[secure]")
 *
 *     from, to          is, contains, matches (*@domain, *@*.domain, *.domain)
 *     subject           is, contains, matches (decoded by RFC 2047)
 *     header NAME       is, contains, matches; alone: "is there"
 *     size              > 10M, < 64K
 *     listener, user    is, contains, matches
 *
 * "or" binds weakest, then "and", then "not". Texts compare without regard to
 * ASCII case. A condition is kept as a program for a small stack, so that
 * asking it needs no recursion. Pure.
 */
#ifndef POSTSEAL_POLICY_RULES_H
#define POSTSEAL_POLICY_RULES_H

#include "policy/config.h"
#include "policy/decision.h"
#include "policy/syntax.h"

enum rule_field {
    FIELD_FROM,
    FIELD_TO,
    FIELD_SUBJECT,
    FIELD_HEADER,
    FIELD_SIZE,
    FIELD_LISTENER,
    FIELD_USER,
};
enum rule_test {
    TEST_IS,
    TEST_CONTAINS,
    TEST_MATCHES,
    TEST_ABOVE,
    TEST_BELOW,
    TEST_PRESENT,
};
enum rule_code { RULE_TEST, RULE_AND, RULE_OR, RULE_NOT };

struct rule_step {
    enum rule_code code;
    enum rule_field field;
    enum rule_test test;
    struct str name; /* of the header field */
    struct str text;
    uint64_t size_bytes;
};

enum { RULE_STEPS_MAX = 256, RULE_DEPTH_MAX = 32 };

struct rule_condition {
    const struct rule_step *steps;
    size_t n; /* 0: always true */
};

enum clear_path { CLEAR_PATH_PIN, CLEAR_PATH_CODE };
enum rule_keys { RULE_KEYS_APPROVED, RULE_KEYS_CANDIDATES };

struct rule {
    struct str name;
    struct rule_condition when;
    enum floor floor;
    struct ladder ladder;
    int64_t switch_after_ms;
    bool tell_sender;
    bool sender_may_lower;
    enum clear_path clear_path;
    enum rule_keys keys; /* which of those that are found may be used */
    bool strip;          /* strip-subject-marker was written */
    struct str strip_marker;
    struct str file; /* "" = the main file */
    uint32_t line;
};

struct rule_fault {
    const struct token *at; /* NULL: no fault */
    struct str why;         /* in arena */
};

/* Reads tokens[0..n) as one condition; false and *fault when it is none. */
bool rule_parse(const struct token *tokens, size_t n, struct arena *arena,
                struct rule_condition *out, struct rule_fault *fault);
/* The condition in the words it was written in, without the "when". */
void rule_write(const struct rule_condition *when, struct buf *out);

/* Whether the condition holds for this recipient of this message. */
bool rule_holds(const struct rule_condition *when,
                const struct message_facts *m, struct str recipient);

#endif
