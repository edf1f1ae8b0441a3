/* SPDX-License-Identifier: Apache-2.0 */
/* What a process that reads strangers' octets can still do: each thing is tried
 * in a process of its own, first without the filter, then with it. */
#include "role/role.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

typedef bool attempt(void);

enum { WORKED = 0, FORBIDDEN = 10, OTHERWISE = 11 };

static int run_inside(attempt *try, bool filtered)
{
    if (filtered) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
            return OTHERWISE;
        role_filter_reader();
    }
    errno = 0;
    return try() ? WORKED : errno == EPERM ? FORBIDDEN : OTHERWISE;
}

/* How the process ended: an exit code, or a signal as a negative number. */
static int result_of(attempt *try, bool filtered)
{
    pid_t pid = fork();
    int how;

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(run_inside(try, filtered));
    assert_int_equal(waitpid(pid, &how, 0), pid);
    return WIFSIGNALED(how) ? -WTERMSIG(how) : WEXITSTATUS(how);
}

static bool opens(void)
{
    return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0;
}

static bool makes_a_file(void)
{
    char name[] = "/tmp/confine-XXXXXX";
    int fd = mkostemp(name, O_CLOEXEC);

    if (fd >= 0)
        unlink(name);
    return fd >= 0;
}

static bool makes_a_socket(void)
{
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0;
}

static bool makes_a_local_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0;
}

static bool forks(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    return pid > 0;
}

static bool signals_its_parent(void)
{
    return kill(getppid(), 0) == 0;
}

static bool maps_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool turns_data_into_code(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return p != MAP_FAILED && mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0;
}

static bool starts_a_program(void)
{
    char *const words[] = { (char[]){ "true" }, NULL };

    execv("/bin/true", words);
    return false;
}

static bool takes_memory(void)
{
    return mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool keeps_octets_in_memory(void)
{
    int fd = memfd_create("x", MFD_CLOEXEC);

    return fd >= 0 && write(fd, "x", 1) == 1 && lseek(fd, 0, SEEK_SET) == 0;
}

static void test_OP_01_readers_cannot(void **state)
{
    attempt *const attempts[] = {
        opens, makes_a_file,       makes_a_socket, makes_a_local_socket,
        forks, signals_its_parent, maps_code,      turns_data_into_code,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
        if (result_of(attempts[i], false) != WORKED)
            fail_msg("attempt %zu does not even work without the filter", i);
        if (result_of(attempts[i], true) != FORBIDDEN)
            fail_msg("attempt %zu is not forbidden", i);
    }
    assert_int_equal(result_of(starts_a_program, false), WORKED);
    assert_int_equal(result_of(starts_a_program, true), -SIGSYS);
}

static void test_readers_can_work(void **state)
{
    (void)state;
    assert_int_equal(result_of(takes_memory, true), WORKED);
    assert_int_equal(result_of(keeps_octets_in_memory, true), WORKED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_OP_01_readers_cannot),
        cmocka_unit_test(test_readers_can_work),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
