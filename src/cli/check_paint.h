/* SPDX-License-Identifier: Apache-2.0 */
/* Words in colour where the terminal has some, and labelled lines. */
#ifndef POSTSEAL_CLI_CHECK_PAINT_H
#define POSTSEAL_CLI_CHECK_PAINT_H

#include "cli/cli.h"

enum paint { PAINT_PLAIN, PAINT_BOLD, PAINT_GOOD, PAINT_FAIR, PAINT_BAD };

/* The word, then blanks up to width columns. */
void paint_word(const struct cli *cli, enum paint paint, struct str word,
                size_t width);
/* "  label      text that is wrapped beneath itself"; the text may come from
 * strangers. Nothing for an empty text. */
void paint_labelled(const char *label, struct str text);
/* Lines to paste: as they are, but inert. */
void paint_record(struct str record, size_t indent);

enum { PAINT_WIDTH = 80, PAINT_INDENT = 17 };

#endif
