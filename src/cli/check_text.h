/* SPDX-License-Identifier: Apache-2.0 */
/* A look for people: the answers first, then what to mend, then the evidence.
 * Within 80 columns but for records that are to be pasted. */
#ifndef POSTSEAL_CLI_CHECK_TEXT_H
#define POSTSEAL_CLI_CHECK_TEXT_H

#include "cli/check_look.h"
#include "posture/replies.h"

void check_text(const struct cli *cli, const struct check_result *result);
/* One line; for many domains. */
void check_text_line(const struct cli *cli, const struct check_result *result);
void check_text_line_head(const struct cli *cli);
/* Good TLS everywhere, and something that makes senders use it. */
bool check_replies_forced(const struct replies *replies);
void check_text_replies(const struct cli *cli, const struct replies *replies);
/* good / bad / unknown, a line each with what to do. */
void check_text_self(const struct cli *cli, const struct selftest *self);
/* {what, was, now} in words. when NULL: the domain is new. */
void check_text_changes(const struct cli *cli, struct str domain,
                        const json_t *changes, const char *when);

#endif
