/* SPDX-License-Identifier: Apache-2.0 */
#include "store/turn.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
    char dir[32], path[64];
};

static struct place place_new(void)
{
    struct place p = { .dir = "/tmp/turn-XXXXXX" };

    assert_non_null(mkdtemp(p.dir));
    snprintf(p.path, sizeof(p.path), "%s/db", p.dir);
    return p;
}

static void place_end(struct place *p)
{
    char name[80];

    snprintf(name, sizeof(name), "%s-turn", p->path);
    unlink(name);
    rmdir(p->dir);
}

/* A process that takes the turn, says so, and stops. */
static pid_t holder(const struct place *p)
{
    int said[2];
    char octet;
    pid_t pid;

    assert_int_equal(pipe(said), 0);
    pid = fork();
    if (pid == 0) {
        struct turn turn = turn_open(p->path);

        turn_take(&turn);
        (void)!write(said[1], "+", 1);
        raise(SIGSTOP);
        turn_give(&turn);
        pause();
        _exit(0);
    }
    assert_int_equal(read(said[0], &octet, 1), 1);
    close(said[0]);
    close(said[1]);
    return pid;
}

static bool is_free(const struct place *p)
{
    struct turn turn = turn_open(p->path);
    struct flock what = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    bool free_now =
        fcntl(turn.fd, F_OFD_GETLK, &what) == 0 && what.l_type == F_UNLCK;

    turn_close(&turn);
    return free_now;
}

/* Once it waits, then not again; and once the other is back, in order. */
static void a_stopped_process_is_passed_over(void **state)
{
    struct place p = place_new();
    pid_t pid = holder(&p);
    struct turn turn = turn_open(p.path);

    (void)state;
    turn_take(&turn);
    assert_true(turn.late);
    turn_give(&turn);
    for (int i = 0; i < 1000; i++) {
        turn_take(&turn);
        assert_true(turn.late);
        turn_give(&turn);
    }
    assert_false(is_free(&p)); /* ours was none to give back */
    kill(pid, SIGCONT);
    while (!is_free(&p))
        usleep(1000);
    turn_take(&turn);
    assert_false(turn.late);
    assert_false(is_free(&p));
    turn_give(&turn);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    turn_close(&turn);
    place_end(&p);
}

/* Two processes that write as fast as they can: never both at once. */
static void turns_exclude_each_other(void **state)
{
    enum { ROUNDS = 2000 };
    struct place p = place_new();
    int desk[2], status;
    char octet = '.';

    (void)state;
    assert_int_equal(pipe(desk), 0); /* one octet: whoever has it is alone */
    assert_int_equal(write(desk[1], &octet, 1), 1);
    assert_int_equal(fcntl(desk[0], F_SETFL, O_NONBLOCK), 0);
    for (int child = 0; child < 3; child++) {
        if (fork() != 0)
            continue;
        struct turn turn = turn_open(p.path);

        for (int i = 0; i < ROUNDS; i++) {
            turn_take(&turn);
            if (!turn.late && read(desk[0], &octet, 1) != 1)
                _exit(1);
            if (!turn.late && write(desk[1], &octet, 1) != 1)
                _exit(1);
            turn_give(&turn);
        }
        _exit(0);
    }
    for (int child = 0; child < 3; child++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    close(desk[0]);
    close(desk[1]);
    place_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stopped_process_is_passed_over),
        cmocka_unit_test(turns_exclude_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
