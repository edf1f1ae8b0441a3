/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line per event on stderr, as JSON or as readable text with the same
 * fields. Names of events and fields are stable (docs/operations.md). Never
 * content, subject, secret, or the query string of a link. Thread-safe.
 */
#ifndef POSTSEAL_BASE_LOG_H
#define POSTSEAL_BASE_LOG_H

#include "base/status.h"
#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_NOTICE, LOG_WARNING, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };
enum log_type { LOG_TYPE_STR, LOG_TYPE_INT, LOG_TYPE_BOOL };

struct log_field {
    const char *name; /* dots nest: "tls.version" */
    enum log_type type;
    struct str s;
    int64_t i;
};

#define LOG_STR(name, value)                                                   \
    {                                                                          \
        (name), LOG_TYPE_STR, (value), 0                                       \
    }
#define LOG_CSTR(name, value)                                                  \
    {                                                                          \
        (name), LOG_TYPE_STR, str_from_cstr(value), 0                          \
    }
#define LOG_INT(name, value)                                                   \
    {                                                                          \
        (name), LOG_TYPE_INT, { "", 0 }, (int64_t)(value)                      \
    }
#define LOG_BOOL(name, value)                                                  \
    {                                                                          \
        (name), LOG_TYPE_BOOL, { "", 0 }, (value) ? 1 : 0                      \
    }

/* Once at start, before threads. role is kept, not copied. */
void log_setup(const char *role, enum log_level least, enum log_format format);

/* A field whose value is empty is left out. */
void log_emit(enum log_level level, const char *event,
              const struct log_field *fields, size_t n);

#define log_event(level, event, ...)                                           \
    log_emit((level), (event), (const struct log_field[]){ __VA_ARGS__ },      \
             sizeof((const struct log_field[]){ __VA_ARGS__ }) /               \
                 sizeof(struct log_field))

#endif
