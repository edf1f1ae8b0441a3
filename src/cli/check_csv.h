/* SPDX-License-Identifier: Apache-2.0 */
/* One line a domain for spreadsheets (RFC 4180). Fields of strangers never
 * begin with what a spreadsheet takes for a formula. */
#ifndef POSTSEAL_CLI_CHECK_CSV_H
#define POSTSEAL_CLI_CHECK_CSV_H

#include "cli/check_look.h"

void check_csv_head(FILE *out);
void check_csv_line(const struct check_result *result, FILE *out);

/* One field; pure, for tests. */
void check_csv_field(struct str s, struct buf *out);

#endif
