/* SPDX-License-Identifier: Apache-2.0 */
#include "posture/converse.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct status lost(struct stream *stream, enum stream_result r,
                          const char *doing)
{
    switch (r) {
    case STREAM_TIMEOUT:
        return status_make(451, "4.4.2", "no answer in time while %s", doing);
    case STREAM_CLOSED:
        return status_make(451, "4.4.2", "the server hung up while %s", doing);
    case STREAM_TOO_LONG:
    case STREAM_BAD_LINE:
        return status_make(451, "4.5.0", "malformed reply while %s", doing);
    default:
        return status_make(451, "4.4.2", "connection lost while %s: %s", doing,
                           stream_fault(stream));
    }
}

/* "250-text", "250 text" or "250" */
static bool split_line(struct str line, uint16_t *code, bool *last,
                       struct str *text)
{
    uint64_t n;

    if (line.n < 3 || !str_to_u64(str_first(line, 3), 599, &n) || n < 200)
        return false;
    if (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-')
        return false;
    *code = (uint16_t)n;
    *last = line.n == 3 || line.p[3] == ' ';
    *text = str_from(line, 4);
    return true;
}

/* Adds to the text for people; peers' bytes cannot start a line or end a
 * terminal's mood. */
static void remember(struct answer *out, struct str text)
{
    size_t n = strlen(out->text);

    if (n == 0)
        n = (size_t)snprintf(out->text, sizeof(out->text), "%u",
                             (unsigned)out->code);
    if (n + 2 < sizeof(out->text))
        out->text[n++] = ' ';
    for (size_t i = 0; i < text.n && n + 1 < sizeof(out->text); i++) {
        unsigned char c = (unsigned char)text.p[i];

        out->text[n++] = c < ' ' || c >= 127 ? '?' : (char)c;
    }
    out->text[n] = '\0';
}

bool answer_read(struct stream *stream, int64_t ms, struct answer *out,
                 struct status *why)
{
    bool last = false;

    out->code = 0;
    out->text[0] = '\0';
    stream_deadline(stream, clock_mono_ms() + ms);
    for (size_t i = 0; !last; i++) {
        struct str line, text;
        uint16_t code;
        enum stream_result r = stream_read_line(stream, ANSWER_LINE_MAX, &line);

        if (r != STREAM_OK) {
            *why = lost(stream, r, "waiting for a reply");
            return false;
        }
        if (i == ANSWER_LINES_MAX || !split_line(line, &code, &last, &text) ||
            (i > 0 && code != out->code)) {
            *why = status_make(451, "4.5.0", "the server does not speak SMTP");
            return false;
        }
        out->code = code;
        remember(out, text);
        if (out->lines != NULL) {
            buf_add(out->lines, text);
            buf_add_char(out->lines, '\n');
        }
    }
    return true;
}

/* "2.1.5" behind the code, of the code's own class (RFC 2034, 4). */
static bool enhanced(const struct answer *a, char out[12])
{
    unsigned x, y, z;

    if (sscanf(a->text, "%*3u %1u.%3u.%3u", &x, &y, &z) != 3 ||
        x != a->code / 100u || y > 255 || z > 255)
        return false;
    snprintf(out, 12, "%u.%u.%u", x, y, z);
    return true;
}

struct status answer_status(const struct answer *a, const char *prefix)
{
    char enh[12];

    if (a->code == 0 || (a->code >= 300 && a->code < 400))
        return status_make(451, "4.5.0", "%s: unexpected %s", prefix, a->text);
    if (!enhanced(a, enh))
        snprintf(enh, sizeof(enh), "%u.0.0", a->code / 100u);
    return status_make(a->code, enh, "%s: %s", prefix, a->text);
}

void converse_say(struct stream *stream, const char *format, ...)
{
    struct buf line = { 0 };
    va_list args;

    va_start(args, format);
    buf_vaddf(&line, format, args);
    va_end(args);
    buf_add_cstr(&line, "\r\n");
    /* A failure here shows in the flush. */
    (void)stream_write(stream, buf_str(&line));
    buf_free(&line);
}

bool converse_flush(struct stream *stream, int64_t ms, struct status *why)
{
    stream_deadline(stream, clock_mono_ms() + ms);
    enum stream_result r = stream_flush(stream);

    if (r == STREAM_OK)
        return true;
    *why = lost(stream, r, "sending");
    return false;
}
