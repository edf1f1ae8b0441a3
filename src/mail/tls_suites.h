/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IANA's cipher suites that mail servers were ever seen with, by the letters
 * that all spellings have in common (tls_name.c makes them).
 */
#ifndef POSTSEAL_MAIL_TLS_SUITES_H
#define POSTSEAL_MAIL_TLS_SUITES_H

#include "base/str.h"

enum { TLS_SUITE_KEY_MAX = 32 };

/* IANA's name for the key, or "". */
struct str tls_suite_find(struct str key);

#endif
