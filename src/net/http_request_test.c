/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs end right before an unreadable page: one octet too far is a crash. */
#include "net/http_request.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ROOM = 64 * 1024 };

static char *wall; /* the first unreadable octet */

static int set_up(void **state)
{
    char *p = mmap(NULL, ROOM + 4096, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    if (p == MAP_FAILED || mprotect(p + ROOM, 4096, PROT_NONE) != 0)
        return 1;
    wall = p + ROOM;
    return 0;
}

static struct str before_wall(struct str s)
{
    memcpy(wall - s.n, s.p, s.n);
    return str_of(wall - s.n, s.n);
}

struct row {
    const char *name;
    struct str in;
    enum http_parse want;
    uint16_t refuse;
};

#define GET "GET / HTTP/1.1\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"

static const struct row rows[] = {
    { "plain", STR_INIT(GET "Host: a.example\r\n\r\n"), HTTP_OK, 0 },
    { "one octet short", STR_INIT(GET "Host: a.example\r\n\r"), HTTP_MORE, 0 },
    { "nothing", STR_INIT(""), HTTP_MORE, 0 },
    { "no host", STR_INIT(GET "\r\n"), HTTP_BAD, 400 },
    { "two hosts", STR_INIT(GET "Host: a\r\nHost: a\r\n\r\n"), HTTP_BAD, 400 },
    { "empty host", STR_INIT(GET "Host: \r\n\r\n"), HTTP_BAD, 400 },
    { "host with user", STR_INIT(GET "Host: a@b\r\n\r\n"), HTTP_BAD, 400 },
    { "bare LF", STR_INIT("GET / HTTP/1.1\nHost: a\n\n"), HTTP_BAD, 400 },
    { "bare LF in a field", STR_INIT(GET "Host: a\nX: b\r\n\r\n"), HTTP_BAD,
      400 },
    { "bare CR", STR_INIT(GET "Host: a\rX: b\r\n\r\n"), HTTP_BAD, 400 },
    { "obs-fold", STR_INIT(GET "Host: a\r\nX: b\r\n c\r\n\r\n"), HTTP_BAD,
      400 },
    { "obs-fold first", STR_INIT(GET " Host: a\r\n\r\n"), HTTP_BAD, 400 },
    { "blank before colon", STR_INIT(GET "Host : a\r\n\r\n"), HTTP_BAD, 400 },
    { "no colon", STR_INIT(GET "Host: a\r\nX\r\n\r\n"), HTTP_BAD, 400 },
    { "name not a token", STR_INIT(GET "Host: a\r\nX(y): b\r\n\r\n"), HTTP_BAD,
      400 },
    { "NUL in a value", STR_INIT(GET "Host: a\r\nX: b\0c\r\n\r\n"), HTTP_BAD,
      400 },
    { "control in a value", STR_INIT(GET "Host: a\r\nX: b\x01\r\n\r\n"),
      HTTP_BAD, 400 },
    { "length", STR_INIT(POST "Content-Length: 3\r\n\r\n"), HTTP_OK, 0 },
    { "two lengths, the same",
      STR_INIT(POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\n"), HTTP_BAD,
      400 },
    { "comma length", STR_INIT(POST "Content-Length: 3, 3\r\n\r\n"), HTTP_BAD,
      400 },
    { "signed length", STR_INIT(POST "Content-Length: +3\r\n\r\n"), HTTP_BAD,
      400 },
    { "hex length", STR_INIT(POST "Content-Length: 0x3\r\n\r\n"), HTTP_BAD,
      400 },
    { "huge length",
      STR_INIT(POST "Content-Length: 99999999999999999999\r\n\r\n"), HTTP_BAD,
      400 },
    { "empty length", STR_INIT(POST "Content-Length: \r\n\r\n"), HTTP_BAD,
      400 },
    { "chunked", STR_INIT(POST "Transfer-Encoding: chunked\r\n\r\n"), HTTP_OK,
      0 },
    { "xchunked", STR_INIT(POST "Transfer-Encoding: xchunked\r\n\r\n"),
      HTTP_BAD, 400 },
    { "gzip, chunked",
      STR_INIT(POST "Transfer-Encoding: gzip, chunked\r\n\r\n"), HTTP_BAD,
      400 },
    { "chunked twice",
      STR_INIT(POST "Transfer-Encoding: chunked\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n"),
      HTTP_BAD, 400 },
    { "length and chunked",
      STR_INIT(POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"),
      HTTP_BAD, 400 },
    { "1.0 chunked",
      STR_INIT("POST / HTTP/1.0\r\nHost: a\r\n"
               "Transfer-Encoding: chunked\r\n\r\n"),
      HTTP_BAD, 400 },
    { "HTTP/2.0", STR_INIT("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), HTTP_BAD,
      505 },
    { "HTTP/1.10", STR_INIT("GET / HTTP/1.10\r\nHost: a\r\n\r\n"), HTTP_BAD,
      400 },
    { "lower-case version", STR_INIT("GET / http/1.1\r\nHost: a\r\n\r\n"),
      HTTP_BAD, 400 },
    { "no version", STR_INIT("GET /\r\n\r\n"), HTTP_BAD, 400 },
    { "two blanks", STR_INIT("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD,
      400 },
    { "tab", STR_INIT("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD, 400 },
    { "leading CR LF", STR_INIT("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
      HTTP_BAD, 400 },
    { "dot segment", STR_INIT("GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n"),
      HTTP_BAD, 400 },
    { "one dot", STR_INIT("GET /./b HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD,
      400 },
    { "encoded dot", STR_INIT("GET /%2e%2e/b HTTP/1.1\r\nHost: a\r\n\r\n"),
      HTTP_BAD, 400 },
    { "encoded slash", STR_INIT("GET /a%2Fb HTTP/1.1\r\nHost: a\r\n\r\n"),
      HTTP_BAD, 400 },
    { "encoded NUL", STR_INIT("GET /a%00 HTTP/1.1\r\nHost: a\r\n\r\n"),
      HTTP_BAD, 400 },
    { "encoded twice", STR_INIT("GET /a%252e HTTP/1.1\r\nHost: a\r\n\r\n"),
      HTTP_BAD, 400 },
    { "half an escape", STR_INIT("GET /a%2 HTTP/1.1\r\nHost: a\r\n\r\n"),
      HTTP_BAD, 400 },
    { "backslash", STR_INIT("GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD,
      400 },
    { "double slash", STR_INIT("GET //evil/ HTTP/1.1\r\nHost: a\r\n\r\n"),
      HTTP_BAD, 400 },
    { "absolute, own", STR_INIT("GET https://a/x HTTP/1.1\r\nHost: a\r\n\r\n"),
      HTTP_OK, 0 },
    { "absolute, foreign",
      STR_INIT("GET https://b/x HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD, 400 },
    { "authority form", STR_INIT("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"),
      HTTP_BAD, 400 },
    { "asterisk", STR_INIT("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD,
      400 },
    { "NUL in the target", STR_INIT("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"),
      HTTP_BAD, 400 },
    { "other method", STR_INIT("PUT /x HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_OK,
      0 },
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_request r;
        uint16_t refuse;
        size_t used = 0;
        struct str in = before_wall(rows[i].in);
        enum http_parse got = http_request_parse(in, &r, &used, &refuse);

        if (got != rows[i].want ||
            (got == HTTP_BAD && refuse != rows[i].refuse))
            fail_msg("%s: %d, %u", rows[i].name, got, refuse);
        if (got == HTTP_OK && used != in.n)
            fail_msg("%s: used %zu", rows[i].name, used);
    }
}

/* Every beginning of a good request asks for more, never reads on. */
static void test_beginnings(void **state)
{
    struct str whole = STR("POST /p/x?y=z HTTP/1.1\r\nHost: a:1\r\n"
                           "Cookie: a=b; c=d\r\nContent-Length: 3\r\n\r\n");

    (void)state;
    for (size_t n = 0; n < whole.n; n++) {
        struct http_request r;
        uint16_t refuse;
        size_t used;

        assert_int_equal(http_request_parse(before_wall(str_first(whole, n)),
                                            &r, &used, &refuse),
                         HTTP_MORE);
    }
}

static void test_parts(void **state)
{
    struct http_request r;
    uint16_t refuse;
    size_t used;

    (void)state;
    assert_int_equal(
        http_request_parse(STR("POST /p/x?y=z HTTP/1.1\r\nhost: a:1\r\n"
                               "Cookie: a=b; c=d; e=1; e=2\r\n"
                               "Connection: x, Close\r\n"
                               "Expect: 100-continue\r\n"
                               "Content-Length: 3\r\n\r\nabc"),
                           &r, &used, &refuse),
        HTTP_OK);
    assert_int_equal(r.method, HTTP_POST);
    assert_true(str_eq(r.path, STR("/p/x")));
    assert_true(str_eq(r.query, STR("y=z")));
    assert_true(str_eq(r.host, STR("a:1")));
    assert_int_equal(r.content_length, 3);
    assert_true(r.close);
    assert_true(r.expect_continue);
    assert_true(str_eq(http_request_cookie(&r, STR("c")), STR("d")));
    assert_int_equal(http_request_cookie(&r, STR("e")).n, 0);
    assert_int_equal(http_request_cookie(&r, STR("x")).n, 0);
}

static void test_limits(void **state)
{
    struct http_request r;
    struct buf in = { 0 };
    uint16_t refuse;
    size_t used;

    (void)state;
    buf_add_cstr(&in, "GET /");
    while (in.n < HTTP_LINE_MAX + 1)
        buf_add_char(&in, 'a');
    assert_int_equal(
        http_request_parse(before_wall(buf_str(&in)), &r, &used, &refuse),
        HTTP_BAD);
    assert_int_equal(refuse, 414);
    buf_clear(&in);
    buf_add_cstr(&in, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    while (in.n < HTTP_HEAD_MAX)
        buf_add_char(&in, 'a');
    assert_int_equal(
        http_request_parse(before_wall(buf_str(&in)), &r, &used, &refuse),
        HTTP_BAD);
    assert_int_equal(refuse, 431);
    buf_clear(&in);
    buf_add_cstr(&in, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < HTTP_FIELDS_MAX; i++)
        buf_add_cstr(&in, "X: a\r\n");
    buf_add_cstr(&in, "\r\n");
    assert_int_equal(
        http_request_parse(before_wall(buf_str(&in)), &r, &used, &refuse),
        HTTP_BAD);
    assert_int_equal(refuse, 431);
    buf_free(&in);
}

struct chunk_row {
    struct str in;
    enum http_parse want;
    struct str body;
    uint16_t refuse;
};

static const struct chunk_row chunks[] = {
    { STR_INIT("3\r\nabc\r\n0\r\n\r\n"), HTTP_OK, STR_INIT("abc"), 0 },
    { STR_INIT("3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nT: v\r\n\r\n"), HTTP_OK,
      STR_INIT("abcd"), 0 },
    { STR_INIT("3\r\nabc"), HTTP_MORE, STR_INIT(""), 0 },
    { STR_INIT("3\r\nabcX\r\n"), HTTP_BAD, STR_INIT(""), 400 },
    { STR_INIT("3\nabc\r\n"), HTTP_BAD, STR_INIT(""), 400 },
    { STR_INIT("-1\r\n"), HTTP_BAD, STR_INIT(""), 400 },
    { STR_INIT("0x3\r\nabc\r\n"), HTTP_BAD, STR_INIT(""), 400 },
    { STR_INIT("3 \r\nabc\r\n"), HTTP_BAD, STR_INIT(""), 400 },
    { STR_INIT("fffffffff\r\n"), HTTP_BAD, STR_INIT(""), 400 },
    { STR_INIT("\r\n"), HTTP_BAD, STR_INIT(""), 400 },
    { STR_INIT("11\r\n"), HTTP_BAD, STR_INIT(""), 413 },
};

static void test_chunks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
        struct buf out = { 0 };
        uint16_t refuse;
        size_t used;
        enum http_parse got = http_chunked_parse(before_wall(chunks[i].in), 16,
                                                 &out, &used, &refuse);

        if (got != chunks[i].want || !str_eq(buf_str(&out), chunks[i].body) ||
            (got == HTTP_BAD && refuse != chunks[i].refuse))
            fail_msg("chunk %zu: %d %u", i, got, refuse);
        buf_free(&out);
    }
}

static void test_forms(void **state)
{
    struct buf out = { 0 };
    struct str body = STR("a=1+2%2B&b=%&c=x&c=y&d&e=%4");

    (void)state;
    assert_true(http_form_value(body, STR("a"), &out));
    assert_true(str_eq(buf_str(&out), STR("1 2+")));
    assert_false(http_form_value(body, STR("b"), &out));
    assert_false(http_form_value(body, STR("c"), &out));
    assert_false(http_form_value(body, STR("e"), &out));
    assert_false(http_form_value(body, STR("z"), &out));
    assert_true(http_form_value(body, STR("d"), &out));
    assert_true(str_eq(buf_str(&out), STR("1 2+")));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),   cmocka_unit_test(test_beginnings),
        cmocka_unit_test(test_parts),  cmocka_unit_test(test_limits),
        cmocka_unit_test(test_chunks), cmocka_unit_test(test_forms),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
