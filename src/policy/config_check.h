/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What no single value can show: that the whole is safe and makes sense. An
 * error stops the gateway from starting (OP-04); a notice is for the reader of
 * `config check` only.
 */
#ifndef POSTSEAL_POLICY_CONFIG_CHECK_H
#define POSTSEAL_POLICY_CONFIG_CHECK_H

#include "policy/config.h"

void config_complain(struct config_errors *errors, struct str file,
                     uint32_t line, uint32_t column, struct str message);
/* In the order of the files and their lines, doubles removed. */
void config_errors_sort(struct config_errors *errors);

/* Where a key or (key_name NULL) block stands; the block when the key is not
 * given; NULL when neither is. */
const struct config_origin *config_origin(const struct config *config,
                                          const char *block_name,
                                          const char *key_name, size_t index);

/* Fills in what follows from other settings. */
void config_finish(struct config *config);
void config_check(const struct config *config, struct config_errors *errors);
/* Files that are named: there, readable, secrets closed to others. */
void config_check_files(const struct config *config,
                        struct config_errors *errors);
/* What works, and may still surprise. */
void config_notices(const struct config *config, struct config_errors *notices);

#endif
