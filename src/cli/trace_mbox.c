/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/trace_mbox.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
    BLOCK = 1 << 20,
    BEFORE = 4, /* octets kept before the place: was there an empty line? */
    BORDER_MAX = 1000
};

/* Reads another block behind the window; false at the end. */
static bool more(struct mbox *m)
{
    ssize_t n;

    if (m->at_end)
        return false;
    /* Moving what is left is cheap: it is less than what comes. */
    if (m->at > BLOCK) {
        m->done_bytes += m->at - BEFORE;
        buf_drop(&m->window, m->at - BEFORE);
        m->at = BEFORE;
    }
    do
        n = read(m->fd, buf_room(&m->window, BLOCK), BLOCK);
    while (n < 0 && errno == EINTR);
    if (n <= 0) {
        m->failed = n < 0;
        m->at_end = true;
        return false;
    }
    m->window.n += (size_t)n;
    return true;
}

static struct str rest_of(const struct mbox *m)
{
    return str_from(buf_str(&m->window), m->at);
}

/* "From ann@example.com Mon Nov 23 21:09:00 2026": a sender, and somewhere a
 * time of day, so that a sentence in a text is no border. */
static bool is_border(struct str line)
{
    if (!str_starts(line, STR("From ")))
        return false;
    for (size_t i = 5; i + 4 < line.n; i++)
        if (line.p[i + 2] == ':' && ascii_is_digit(line.p[i]) &&
            ascii_is_digit(line.p[i + 1]) && ascii_is_digit(line.p[i + 3]) &&
            ascii_is_digit(line.p[i + 4]))
            return true;
    return false;
}

static struct str first_line(struct str s)
{
    return str_first(s, str_find_char(s, '\n'));
}

bool mbox_begins_well(struct mbox *m)
{
    while (m->window.n < 512 && more(m))
        ;
    return str_starts(buf_str(&m->window), STR("From "));
}

/* Behind an empty line? */
static bool after_blank(struct str text, size_t at)
{
    if (at == 0 || text.p[at - 1] != '\n')
        return false;
    return (at >= 2 && text.p[at - 2] == '\n') ||
           (at >= 3 && text.p[at - 2] == '\r' && text.p[at - 3] == '\n');
}

/* Moves to the border line that ends this body. False: there is none. */
static bool skip_body(struct mbox *m)
{
    for (;;) {
        struct str all = buf_str(&m->window), rest = rest_of(m);
        const char *hit =
            rest.n > 0 ? memmem(rest.p, rest.n, "From ", 5) : NULL;

        if (hit == NULL) {
            m->at = rest.n > 4 ? all.n - 4 : m->at; /* the word may be cut */
            if (!more(m))
                return false;
            continue;
        }
        m->at = (size_t)(hit - all.p);
        if (all.n - m->at < BORDER_MAX &&
            memchr(hit, '\n', all.n - m->at) == NULL && more(m))
            continue; /* the line was cut */
        if (after_blank(buf_str(&m->window), m->at) &&
            is_border(first_line(str_first(rest_of(m), BORDER_MAX))))
            return true;
        m->at += 5;
    }
}

/* Octets of the header at the start of s with its empty line; 0: not all is
 * here. */
static size_t header_length(struct str s, size_t from)
{
    while (from < s.n) {
        const char *end = memchr(s.p + from, '\n', s.n - from);

        if (end == NULL)
            return 0;
        size_t at = (size_t)(end - s.p) + 1;
        if (at < s.n && s.p[at] == '\n')
            return at + 1;
        if (at + 1 < s.n && s.p[at] == '\r' && s.p[at + 1] == '\n')
            return at + 2;
        from = at;
    }
    return 0;
}

static bool skip_border_line(struct mbox *m)
{
    for (;;) {
        struct str rest = rest_of(m);
        size_t n = str_find_char(rest, '\n');

        m->at += n;
        if (n < rest.n) {
            m->at++;
            return true;
        }
        if (!more(m))
            return false;
    }
}

bool mbox_next(struct mbox *m, struct str *header)
{
    size_t seen = 0, n;

    if (m->in_body && !skip_body(m))
        return false;
    m->in_body = true;
    if (!skip_border_line(m))
        return false;
    for (;;) {
        struct str rest = rest_of(m);

        /* No header at all: an empty line follows the border. */
        if (str_starts(rest, STR("\n")) || str_starts(rest, STR("\r\n"))) {
            *header = STR("");
            return true;
        }
        n = header_length(rest, seen);
        if (n > 0 || rest.n >= TRACE_HEADER_MAX)
            break;
        seen = rest.n > 4 ? rest.n - 4 : 0;
        while (seen > 0 && rest.p[seen - 1] != '\n')
            seen--;
        if (!more(m)) {
            n = rest_of(m).n;
            break;
        }
    }
    if (n == 0)
        n = TRACE_HEADER_MAX;
    *header = str_first(rest_of(m), n);
    m->at += n;
    return true;
}

uint64_t mbox_position(const struct mbox *m)
{
    return m->done_bytes + m->at;
}

void mbox_free(struct mbox *m)
{
    buf_free(&m->window);
}
