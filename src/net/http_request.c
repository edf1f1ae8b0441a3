/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_request.h"

#include <string.h>

static bool is_tchar(char c)
{
    return ascii_is_alnum(c) ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_tchar(s.p[i]))
            return false;
    return s.n > 0;
}

static int hex_value(char c)
{
    if (ascii_is_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum http_parse bad(uint16_t *refuse, uint16_t status)
{
    *refuse = status;
    return HTTP_BAD;
}

/* A line up to CR LF; a bare CR or LF, or a NUL, is refused. */
static enum http_parse take_line(struct str in, size_t *at, struct str *line)
{
    struct str rest = str_from(in, *at);

    for (size_t i = 0; i < rest.n; i++) {
        char c = rest.p[i];

        if (c == '\n' || c == '\0')
            return HTTP_BAD;
        if (c != '\r')
            continue;
        if (i + 1 == rest.n)
            return HTTP_MORE;
        if (rest.p[i + 1] != '\n')
            return HTTP_BAD;
        *line = str_first(rest, i);
        *at += i + 2;
        return HTTP_OK;
    }
    return HTTP_MORE;
}

/* --- request line ----------------------------------------------------------
 */

/* Escapes that another server could resolve to a path of another shape: NUL,
 * slash, backslash, dot, percent, and controls. */
static bool escape_ok(struct str s, size_t i)
{
    int high = i + 2 < s.n ? hex_value(s.p[i + 1]) : -1;
    int low = i + 2 < s.n ? hex_value(s.p[i + 2]) : -1;
    int c = high * 16 + low;

    return high >= 0 && low >= 0 && c >= 0x20 && c != 0x7f && c != '/' &&
           c != '\\' && c != '.' && c != '%';
}

static bool target_chars_ok(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (c == '%' && !escape_ok(s, i))
            return false;
        if (c != '%' && !ascii_is_alnum(c) &&
            strchr("-._~!$&'()*+,;=:@/?", c) == NULL)
            return false;
    }
    return true;
}

static bool has_dot_segment(struct str path)
{
    struct str rest = path, piece;

    while (str_split(&rest, '/', &piece))
        if (str_eq(piece, STR(".")) || str_eq(piece, STR("..")))
            return true;
    return str_find(path, STR("//")) < path.n;
}

/* Sets path and query; of the absolute form the authority too. */
static bool parse_target(struct str target, struct http_request *out,
                         struct str *authority)
{
    size_t question;

    *authority = STR("");
    if (memchr(target.p, '\0', target.n) != NULL || !target_chars_ok(target))
        return false;
    if (str_starts_nocase(target, STR("https://")) ||
        str_starts_nocase(target, STR("http://"))) {
        size_t from = str_find(target, STR("://")) + 3;
        struct str rest = str_from(target, from);
        size_t slash = str_find_char(rest, '/');

        *authority = str_first(rest, slash);
        target = slash < rest.n ? str_from(rest, slash) : STR("/");
        if (authority->n == 0)
            return false;
    }
    if (target.n == 0 || target.p[0] != '/')
        return false;
    question = str_find_char(target, '?');
    out->path = str_first(target, question);
    out->query = str_from(target, question + 1);
    return !has_dot_segment(out->path);
}

static enum http_method method_of(struct str name)
{
    if (str_eq(name, STR("GET")))
        return HTTP_GET;
    if (str_eq(name, STR("HEAD")))
        return HTTP_HEAD;
    return str_eq(name, STR("POST")) ? HTTP_POST : HTTP_OTHER;
}

static enum http_parse parse_request_line(struct str line,
                                          struct http_request *out,
                                          struct str *authority,
                                          uint16_t *refuse)
{
    size_t first = str_find_char(line, ' ');
    struct str rest = str_from(line, first + 1);
    size_t second = str_find_char(rest, ' ');
    struct str version = str_from(rest, second + 1);

    if (first == line.n || second == rest.n ||
        !is_token(str_first(line, first)))
        return bad(refuse, 400);
    if (version.n != 8 || !str_starts(version, STR("HTTP/")))
        return bad(refuse, 400);
    out->method = method_of(str_first(line, first));
    out->http_1_0 = str_eq(version, STR("HTTP/1.0"));
    if (!out->http_1_0 && !str_eq(version, STR("HTTP/1.1")))
        return bad(refuse, 505);
    out->close = out->http_1_0;
    if (!parse_target(str_first(rest, second), out, authority))
        return bad(refuse, 400);
    return HTTP_OK;
}

/* --- fields ------------------------------------------------------------------
 */

/* obs-fold begins with a blank and so has no token for a name. */
static bool parse_field(struct str line, struct http_field *out)
{
    size_t colon = str_find_char(line, ':');

    out->name = str_first(line, colon);
    if (colon == line.n || !is_token(out->name))
        return false;
    out->value = str_trim(str_from(line, colon + 1));
    for (size_t i = 0; i < out->value.n; i++) {
        unsigned char c = (unsigned char)out->value.p[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static size_t count_fields(const struct http_request *r, struct str name,
                           struct str *value)
{
    size_t n = 0;

    *value = STR("");
    for (size_t i = 0; i < r->fields_n; i++) {
        if (!str_eq_nocase(r->fields[i].name, name))
            continue;
        *value = r->fields[i].value;
        n++;
    }
    return n;
}

/* host or host:port or [v6]:port; no user, no path. */
static bool host_ok(struct str host)
{
    for (size_t i = 0; i < host.n; i++)
        if (!ascii_is_alnum(host.p[i]) &&
            (host.p[i] == '\0' || strchr("-._:[]", host.p[i]) == NULL))
            return false;
    return host.n > 0 && host.n <= 255;
}

static bool judge_host(struct http_request *r, struct str authority)
{
    if (count_fields(r, STR("Host"), &r->host) != 1 || !host_ok(r->host))
        return false;
    return authority.n == 0 || str_eq_nocase(authority, r->host);
}

static uint16_t judge_body(struct http_request *r)
{
    struct str length, coding;
    size_t lengths = count_fields(r, STR("Content-Length"), &length);
    size_t codings = count_fields(r, STR("Transfer-Encoding"), &coding);

    if (lengths > 1 || codings > 1 || (lengths > 0 && codings > 0))
        return 400;
    if (lengths == 1 && !str_to_u64(length, INT64_MAX, &r->content_length))
        return 400;
    if (codings == 0)
        return 0;
    if (r->http_1_0 || !str_eq_nocase(coding, STR("chunked")))
        return 400;
    r->chunked = true;
    return 0;
}

static void judge_connection(struct http_request *r)
{
    struct str value, piece;

    count_fields(r, STR("Connection"), &value);
    while (str_split(&value, ',', &piece))
        if (str_eq_nocase(str_trim(piece), STR("close")))
            r->close = true;
    /* HTTP/1.0 never keeps a connection here. */
    count_fields(r, STR("Expect"), &value);
    r->expect_continue = str_eq_nocase(value, STR("100-continue"));
}

static enum http_parse parse_fields(struct str in, size_t *at,
                                    struct http_request *out, uint16_t *refuse)
{
    for (;;) {
        struct str line;
        enum http_parse p = take_line(in, at, &line);

        if (p == HTTP_BAD)
            return bad(refuse, 400);
        if (p == HTTP_MORE)
            return in.n >= HTTP_HEAD_MAX ? bad(refuse, 431) : HTTP_MORE;
        if (*at > HTTP_HEAD_MAX)
            return bad(refuse, 431);
        if (line.n == 0)
            return HTTP_OK;
        if (out->fields_n == HTTP_FIELDS_MAX)
            return bad(refuse, 431);
        if (!parse_field(line, &out->fields[out->fields_n++]))
            return bad(refuse, 400);
    }
}

enum http_parse http_request_parse(struct str in, struct http_request *out,
                                   size_t *used, uint16_t *refuse)
{
    struct str line, authority;
    size_t at = 0;
    enum http_parse p = take_line(in, &at, &line);

    *refuse = 0;
    *out = (struct http_request){ 0 };
    if (p == HTTP_BAD)
        return bad(refuse, 400);
    if (p == HTTP_MORE)
        return in.n > HTTP_LINE_MAX ? bad(refuse, 414) : HTTP_MORE;
    if (line.n > HTTP_LINE_MAX)
        return bad(refuse, 414);
    p = parse_request_line(line, out, &authority, refuse);
    if (p == HTTP_OK)
        p = parse_fields(in, &at, out, refuse);
    if (p != HTTP_OK)
        return p;
    if (!judge_host(out, authority))
        return bad(refuse, 400);
    *refuse = judge_body(out);
    if (*refuse != 0)
        return HTTP_BAD;
    judge_connection(out);
    *used = at;
    return HTTP_OK;
}

struct str http_request_field(const struct http_request *request,
                              struct str name)
{
    struct str value;

    return count_fields(request, name, &value) == 1 ? value : STR("");
}

struct str http_request_cookie(const struct http_request *request,
                               struct str name)
{
    struct str found = STR("");
    size_t n = 0;

    for (size_t i = 0; i < request->fields_n; i++) {
        struct str rest = request->fields[i].value, pair;

        if (!str_eq_nocase(request->fields[i].name, STR("Cookie")))
            continue;
        while (str_split(&rest, ';', &pair)) {
            size_t eq = str_find_char(pair, '=');

            if (!str_eq(str_trim(str_first(pair, eq)), name) || eq == pair.n)
                continue;
            found = str_trim(str_from(pair, eq + 1));
            n++;
        }
    }
    return n == 1 ? found : STR("");
}

/* --- chunked
 * ------------------------------------------------------------------- */

static bool chunk_size(struct str line, uint64_t *size)
{
    size_t i = 0;

    *size = 0;
    for (; i < line.n && hex_value(line.p[i]) >= 0; i++) {
        if (i == 8)
            return false;
        *size = *size * 16 + (uint64_t)hex_value(line.p[i]);
    }
    if (i == 0 || line.n - i > HTTP_CHUNK_EXT_MAX)
        return false;
    return i == line.n || line.p[i] == ';';
}

static enum http_parse take_chunk(struct str in, size_t *at, uint64_t size,
                                  struct buf *out)
{
    struct str rest = str_from(in, *at);

    if (rest.n < size + 2)
        return HTTP_MORE;
    if (rest.p[size] != '\r' || rest.p[size + 1] != '\n')
        return HTTP_BAD;
    buf_add(out, str_first(rest, size));
    *at += size + 2;
    return HTTP_OK;
}

static enum http_parse take_trailers(struct str in, size_t *at)
{
    size_t begin = *at;

    for (size_t n = 0; n <= HTTP_FIELDS_MAX; n++) {
        struct http_field field;
        struct str line;
        enum http_parse p = take_line(in, at, &line);

        if (in.n - begin > HTTP_HEAD_MAX)
            return HTTP_BAD;
        if (p != HTTP_OK || line.n == 0)
            return p;
        if (!parse_field(line, &field))
            return HTTP_BAD;
    }
    return HTTP_BAD;
}

enum http_parse http_chunked_parse(struct str in, size_t max, struct buf *out,
                                   size_t *used, uint16_t *refuse)
{
    size_t at = 0, begin = out->n;
    enum http_parse p;

    *refuse = 400;
    for (;;) {
        struct str line;
        uint64_t size;

        p = take_line(in, &at, &line);
        if (p == HTTP_MORE && in.n - at > HTTP_CHUNK_EXT_MAX + 16)
            p = HTTP_BAD;
        if (p == HTTP_OK && !chunk_size(line, &size))
            p = HTTP_BAD;
        if (p != HTTP_OK)
            break;
        if (size == 0) {
            p = take_trailers(in, &at);
            break;
        }
        if (size > max - (out->n - begin)) {
            *refuse = 413;
            p = HTTP_BAD;
            break;
        }
        p = take_chunk(in, &at, size, out);
        if (p != HTTP_OK)
            break;
    }
    if (p != HTTP_OK)
        out->n = begin;
    *used = at;
    return p;
}

/* --- forms -------------------------------------------------------------------
 */

static bool form_decode(struct str in, struct buf *out)
{
    for (size_t i = 0; i < in.n; i++) {
        int high, low;

        if (in.p[i] != '%') {
            buf_add_char(out, in.p[i] == '+' ? ' ' : in.p[i]);
            continue;
        }
        high = i + 2 < in.n ? hex_value(in.p[i + 1]) : -1;
        low = i + 2 < in.n ? hex_value(in.p[i + 2]) : -1;
        if (high < 0 || low < 0)
            return false;
        buf_add_char(out, (char)(high * 16 + low));
        i += 2;
    }
    return true;
}

bool http_form_value(struct str body, struct str name, struct buf *out)
{
    struct str rest = body, pair, value = STR("");
    size_t n = 0, begin = out->n;

    while (str_split(&rest, '&', &pair)) {
        size_t eq = str_find_char(pair, '=');

        if (!str_eq(str_first(pair, eq), name))
            continue;
        value = str_from(pair, eq + 1);
        n++;
    }
    if (n == 1 && form_decode(value, out))
        return true;
    out->n = begin;
    return false;
}
