/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A judged message for people and for programs. Everything of the message is
 * made inert: no control character reaches a terminal, no markup a page, and
 * JSON is valid whatever the bytes (HA-09).
 */
#ifndef POSTSEAL_CLI_TRACE_SHOW_H
#define POSTSEAL_CLI_TRACE_SHOW_H

#include "base/buf.h"
#include "mail/trace.h"

/* For a terminal: the verdict first, the evidence behind it. name: the file,
 * or "" when there is only one. */
void trace_text(const struct trace *trace, struct str name, bool color,
                struct buf *out);

/* One object on one line, without a line end. name as above. */
void trace_json(const struct trace *trace, struct str name, struct buf *out);
/* A text as a JSON string; octets that are not UTF-8 become U+FFFD. */
void trace_json_string(struct str s, struct buf *out);

/* A page of its own: no script, nothing loaded from anywhere. */
void trace_html(const struct trace *traces, const struct str *names, size_t n,
                struct buf *out);

/* What a state means, in a few words for people. */
const char *trace_state_words(enum hop_state state);
/* "TLSv1.3 TLS_AES_256_GCM_SHA384", "TLS, version not stated", "". */
struct str trace_tls_words(const struct hop *hop, struct arena *arena);
/* "client.example [192.0.2.1]" */
struct str trace_from_words(const struct hop *hop, struct arena *arena);
/* "(postfix, ESMTPS)"; "" when neither is known. */
struct str trace_by_words(const struct hop *hop, struct arena *arena);
/* "2026-11-23 18:00:07 UTC, 5 s later" */
struct str trace_time_words(const struct hop *hop, struct arena *arena);
/* "5 s", "3 min 20 s", "2 days 4 h" */
struct str trace_span_words(int64_t ms, struct arena *arena);
/* Whose certificate "verified" speaks of: always the sending side's. "" when
 * the line tells of none. */
struct str trace_certificate_words(const struct hop *hop);

#endif
