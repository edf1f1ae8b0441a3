/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/utf8.h"

#include <string.h>
#include <unistd.h>

static struct {
    const char *role;
    enum log_level least;
    enum log_format format;
} setup = { "postseal", LOG_INFO, LOG_TEXT };

void log_setup(const char *role, enum log_level least, enum log_format format)
{
    setup.role = role;
    setup.least = least;
    setup.format = format;
}

static const char *level_name(enum log_level level)
{
    static const char *const names[] = { "debug", "info", "notice", "warning",
                                         "error" };
    return names[level];
}

static void add_quoted(struct buf *line, struct str s)
{
    buf_add_char(line, '"');
    while (s.n > 0) {
        unsigned char c = (unsigned char)s.p[0];
        size_t n = utf8_length(s);

        if (c == '"' || c == '\\')
            buf_addf(line, "\\%c", c);
        else if (c < ' ' || c == 127 || n == 0)
            buf_addf(line, "\\u%04x", c);
        else
            buf_add(line, str_first(s, n));
        s = str_from(s, n == 0 ? 1 : n);
    }
    buf_add_char(line, '"');
}

static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 127 || s.p[i] == '"' || s.p[i] == '=' ||
            s.p[i] == '\\')
            return false;
    return s.n > 0;
}

static void add_value(struct buf *line, const struct log_field *f)
{
    if (f->type == LOG_TYPE_INT)
        buf_addf(line, "%lld", (long long)f->i);
    else if (f->type == LOG_TYPE_BOOL)
        buf_add_cstr(line, f->i != 0 ? "true" : "false");
    else if (setup.format == LOG_TEXT && is_plain(f->s))
        buf_add(line, f->s);
    else
        add_quoted(line, f->s);
}

static void add_json(struct buf *line, const struct log_field *f)
{
    buf_addf(line, ",\"%s\":", f->name);
    add_value(line, f);
}

static void add_text(struct buf *line, const struct log_field *f)
{
    buf_addf(line, " %s=", f->name);
    add_value(line, f);
}

void log_emit(enum log_level level, const char *event,
              const struct log_field *fields, size_t n)
{
    struct buf line = { 0 };
    char ts[CLOCK_ISO_SIZE];
    bool json = setup.format == LOG_JSON;

    if (level == LOG_WARNING || level == LOG_ERROR)
        metric_add(level == LOG_ERROR ? METRIC_LOG_ERRORS : METRIC_LOG_WARNINGS,
                   1);
    if (level < setup.least)
        return;
    clock_iso(clock_wall_ms(), ts);
    buf_addf(&line,
             json ? "{\"ts\":\"%s\",\"level\":\"%s\",\"role\":\"%s\","
                    "\"event\":\"%s\""
                  : "%s %s %s %s",
             ts, level_name(level), setup.role, event);
    for (size_t i = 0; i < n; i++) {
        if (fields[i].type == LOG_TYPE_STR && fields[i].s.n == 0)
            continue;
        if (json)
            add_json(&line, &fields[i]);
        else
            add_text(&line, &fields[i]);
    }
    buf_add_cstr(&line, json ? "}\n" : "\n");
    /* One write: lines of several threads and processes never mix. A lost log
     * line must not stop mail, hence the result is not looked at. */
    if (write(STDERR_FILENO, line.p, line.n) < 0)
        (void)0;
    buf_free(&line);
}
