/* SPDX-License-Identifier: Apache-2.0 */
/* What both sides of TLS share; for this folder only. */
#ifndef POSTSEAL_NET_TLS_PROFILE_H
#define POSTSEAL_NET_TLS_PROFILE_H

#include "base/status.h"
#include "base/str.h"

struct ssl_ctx_st;

/* TLS 1.2+ with ECDHE and AES-GCM (SP 800-52r2, 3.3.1), few buffers, no
 * renegotiation, no compression, no resumption unless somebody allows it. */
bool tls_profile_forced(struct ssl_ctx_st *ctx);
/* Whatever OpenSSL here still speaks, for opportunistic TLS. */
bool tls_profile_open(struct ssl_ctx_st *ctx);
/* What a trial offers. */
struct tls_trial;
struct ssl_ctx_st *tls_trial_context(struct tls_trial *trial);
/* The store of public CAs is in it. */
struct tls_trust;
struct ssl_ctx_st *tls_trust_forced(struct tls_trust *trust);
/* The newest fault of the library about a file. */
struct status tls_file_fault(const char *what, struct str file);

#endif
