/* SPDX-License-Identifier: Apache-2.0 */
/* A sealer that dies, hangs or lies costs one errand, and the truth of what it
 * says is never needed. The sealer here is a thread with a script. */
#include "base/fields.h"
#include "seal/errand.h"
#include "seal/errand_frame.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { BIG = 4 << 20, SHORT_MS = 300, LONG_MS = 30000 };

struct far {
    int fd;
    struct buf says;
    bool reads_all, hangs;
};

/* Says what it has to say and hangs up, or waits to be hung up on. */
static void *play(void *argument)
{
    struct far *f = argument;
    char block[65536];
    size_t at = 0;

    while (f->reads_all) {
        ssize_t n = recv(f->fd, block, sizeof(block), 0);

        if (n <= 0 || (n >= 4 && memcmp(block + n - 4, "E\0\0\0", 4) == 0))
            break;
    }
    while (at < f->says.n) {
        ssize_t n = send(f->fd, f->says.p + at, f->says.n - at, MSG_NOSIGNAL);

        if (n <= 0)
            break;
        at += (size_t)n;
    }
    while (f->hangs && recv(f->fd, block, sizeof(block), 0) > 0)
        ;
    close(f->fd);
    return NULL;
}

struct near {
    size_t left, taken;
    bool full;
};

static ssize_t give(void *context, void *to, size_t n)
{
    struct near *near = context;

    n = n < near->left ? n : near->left;
    memset(to, 'x', n);
    near->left -= n;
    return (ssize_t)n;
}

static bool take(void *context, const void *from, size_t n)
{
    struct near *near = context;

    (void)from;
    near->taken += n;
    return !near->full;
}

static struct status meet(struct far *f, struct near *near, int64_t ms,
                          struct arena *arena, struct errand_answer *answer)
{
    struct errand errand = { .kind = ERRAND_SEAL, .capabilities = STR("x") };
    struct seal_source source = { give, near };
    struct seal_sink sink = { take, near };
    struct status st;
    pthread_t thread;
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    f->fd = ends[1];
    assert_int_equal(pthread_create(&thread, NULL, play, f), 0);
    st = errand_run(ends[0], &errand, &source, &sink, ms, -1, arena, answer);
    close(ends[0]);
    pthread_join(thread, NULL);
    buf_free(&f->says);
    return st;
}

static void say_answer(struct far *f, uint16_t code, const char *why)
{
    struct errand_answer answer = {
        .status = { .smtp = code },
    };
    struct buf text = { 0 };

    snprintf(answer.status.why, sizeof(answer.status.why), "%s", why);
    errand_answer_write(&answer, &text);
    errand_frame_add(&f->says, FRAME_ANSWER, buf_str(&text));
    buf_free(&text);
}

/* Both sides with more to say than a socket holds: nobody waits for ever. */
static void test_both_talk_at_once(void **state)
{
    struct far f = { .hangs = true };
    struct near near = { .left = BIG };
    struct arena arena = { 0 };
    struct errand_answer answer;
    static char piece[ERRAND_PIECE_MAX];

    (void)state;
    for (size_t i = 0; i < BIG / sizeof(piece); i++)
        errand_frame_add(&f.says, FRAME_PIECE, str_of(piece, sizeof(piece)));
    say_answer(&f, 250, "");
    assert_true(status_is_ok(meet(&f, &near, LONG_MS, &arena, &answer)));
    assert_int_equal(near.taken, BIG);
    arena_free(&arena);
}

static void test_its_verdict(void **state)
{
    static const struct {
        uint16_t code;
        enum status_kind want;
    } rows[] = {
        { 250, STATUS_OK },    { 451, STATUS_DEFER }, { 554, STATUS_REFUSE },
        { 221, STATUS_DEFER }, { 0, STATUS_DEFER },   { 999, STATUS_DEFER },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct far f = { .reads_all = true };
        struct near near = { .left = 100 };
        struct arena arena = { 0 };
        struct errand_answer answer;

        say_answer(&f, rows[i].code, "a\r\nb");
        struct status st = meet(&f, &near, LONG_MS, &arena, &answer);
        assert_int_equal(st.kind, rows[i].want);
        assert_null(strchr(st.why, '\n'));
        arena_free(&arena);
    }
}

static void check_defers(struct far *f, int64_t ms)
{
    struct near near = { .left = BIG };
    struct arena arena = { 0 };
    struct errand_answer answer;

    assert_int_equal(meet(f, &near, ms, &arena, &answer).kind, STATUS_DEFER);
    arena_free(&arena);
}

static void test_one_that_dies_or_hangs(void **state)
{
    (void)state;
    check_defers(&(struct far){ .reads_all = false }, LONG_MS);
    check_defers(&(struct far){ .reads_all = true }, LONG_MS);
    check_defers(&(struct far){ .hangs = true }, SHORT_MS);
}

static void test_one_that_lies(void **state)
{
    struct far f = { .hangs = true };
    struct buf fields = { 0 };

    (void)state;
    buf_add_cstr(&f.says, "HTTP/1.0 200 OK");
    check_defers(&f, LONG_MS);
    f = (struct far){ .hangs = true };
    errand_frame_add(&f.says, FRAME_REQUEST, STR(""));
    check_defers(&f, LONG_MS);
    f = (struct far){ .hangs = true };
    field_add_int(&fields, 99, 1);
    errand_frame_add(&f.says, FRAME_ANSWER, buf_str(&fields));
    check_defers(&f, LONG_MS);
    /* A piece over the limit. */
    f = (struct far){ .hangs = true };
    buf_add(&f.says, str_of("D\xff\xff\xff", 4));
    check_defers(&f, LONG_MS);
    buf_free(&fields);
}

static void test_a_full_disk_is_ours(void **state)
{
    struct far f = { .hangs = true };
    struct near near = { .left = 10, .full = true };
    struct arena arena = { 0 };
    struct errand_answer answer;

    (void)state;
    errand_frame_add(&f.says, FRAME_PIECE, STR("x"));
    say_answer(&f, 250, "");
    assert_int_equal(meet(&f, &near, LONG_MS, &arena, &answer).kind,
                     STATUS_DEFER);
    arena_free(&arena);
}

static void test_nobody_on_the_channel(void **state)
{
    struct errand errand = { .kind = ERRAND_LOOK };
    struct arena arena = { 0 };
    struct errand_answer answer;

    (void)state;
    assert_int_equal(
        errand_ask(-1, &errand, NULL, NULL, SHORT_MS, -1, &arena, &answer).kind,
        STATUS_DEFER);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_talk_at_once),
        cmocka_unit_test(test_its_verdict),
        cmocka_unit_test(test_one_that_dies_or_hangs),
        cmocka_unit_test(test_one_that_lies),
        cmocka_unit_test(test_a_full_disk_is_ours),
        cmocka_unit_test(test_nobody_on_the_channel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
