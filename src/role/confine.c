/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rights of every role in one table, given up by one function. What a role
 * may do after role_confine() is what its row says, enforced by the kernel:
 * another user when started as root, no_new_privs, and a list of system calls.
 */
#include "base/panic.h"
#include "role/listen.h"
#include "role/users.h"

#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct rights {
    bool connects; /* may make sockets of its own */
    bool forks;    /* may have processes of its own */
};

static const struct rights rights_of[ROLE_COUNT] = {
    [ROLE_INTAKE] = { .connects = false },
    [ROLE_DISPATCH] = { .connects = true },
    [ROLE_PORTAL] = { .connects = false },
    [ROLE_CONSOLE] = { .connects = false },
    [ROLE_SEALER] = { .forks = true },
};

/* What threads, memory, SQLite, OpenSSL and accepted sockets need. */
static const int calls_of_all[] = {
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(access),
    SCMP_SYS(brk),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(close),
    SCMP_SYS(dup),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(eventfd2),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(faccessat),
    SCMP_SYS(fallocate),
    SCMP_SYS(fchmod),
    SCMP_SYS(fchown),
    SCMP_SYS(fcntl),
    SCMP_SYS(fdatasync),
    SCMP_SYS(flock),
    SCMP_SYS(fstat),
    SCMP_SYS(fstatfs),
    SCMP_SYS(fsync),
    SCMP_SYS(ftruncate),
    SCMP_SYS(futex),
    SCMP_SYS(getcwd),
    SCMP_SYS(getdents64),
    SCMP_SYS(getegid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getpeername),
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(getpriority),
    SCMP_SYS(getrandom),
    SCMP_SYS(getrlimit),
    SCMP_SYS(getrusage),
    SCMP_SYS(getsockname),
    SCMP_SYS(getsockopt),
    SCMP_SYS(gettid),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(getuid),
    SCMP_SYS(ioctl),
    SCMP_SYS(kill),
    SCMP_SYS(lseek),
    SCMP_SYS(lstat),
    SCMP_SYS(madvise),
    SCMP_SYS(membarrier),
    SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat),
    SCMP_SYS(mlock),
    SCMP_SYS(mmap),
    SCMP_SYS(mprotect),
    SCMP_SYS(mremap),
    SCMP_SYS(munlock),
    SCMP_SYS(munmap),
    SCMP_SYS(nanosleep),
    SCMP_SYS(newfstatat),
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(pipe),
    SCMP_SYS(pipe2),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(pread64),
    SCMP_SYS(prlimit64),
    SCMP_SYS(pselect6),
    SCMP_SYS(pwrite64),
    SCMP_SYS(read),
    SCMP_SYS(readlink),
    SCMP_SYS(readv),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rseq),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_yield),
    SCMP_SYS(select),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(setsockopt),
    SCMP_SYS(shutdown),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(stat),
    SCMP_SYS(statfs),
    SCMP_SYS(statx),
    SCMP_SYS(sysinfo),
    SCMP_SYS(tgkill),
    SCMP_SYS(timer_create),
    SCMP_SYS(timer_delete),
    SCMP_SYS(timer_settime),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(uname),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(utimensat),
    SCMP_SYS(write),
    SCMP_SYS(writev),
};

static const int calls_of_clients[] = {
    SCMP_SYS(connect),  SCMP_SYS(bind),       SCMP_SYS(sendmmsg),
    SCMP_SYS(recvmmsg), SCMP_SYS(socketpair),
};

/* To keep processes that are confined further. */
static const int calls_of_parents[] = {
    SCMP_SYS(wait4),
    SCMP_SYS(seccomp),
    SCMP_SYS(setitimer),
    SCMP_SYS(memfd_create),
};

/*
 * What reading needs: memory, the sockets it was given, a file that is in
 * memory alone. Nothing is opened, made executable, started or signalled.
 */
static const int calls_of_readers[] = {
    SCMP_SYS(brk),          SCMP_SYS(clock_gettime),
    SCMP_SYS(close),        SCMP_SYS(exit),
    SCMP_SYS(exit_group),   SCMP_SYS(fcntl),
    SCMP_SYS(fstat),        SCMP_SYS(ftruncate),
    SCMP_SYS(futex),        SCMP_SYS(getpid),
    SCMP_SYS(getrandom),    SCMP_SYS(getrusage),
    SCMP_SYS(gettid),       SCMP_SYS(gettimeofday),
    SCMP_SYS(lseek),        SCMP_SYS(madvise),
    SCMP_SYS(memfd_create), SCMP_SYS(mremap),
    SCMP_SYS(munmap),       SCMP_SYS(newfstatat),
    SCMP_SYS(pipe2),        SCMP_SYS(poll),
    SCMP_SYS(ppoll),        SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),     SCMP_SYS(read),
    SCMP_SYS(readv),        SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),      SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_yield),  SCMP_SYS(sendmsg),
    SCMP_SYS(sendto),       SCMP_SYS(setitimer),
    SCMP_SYS(sigaltstack),  SCMP_SYS(sysinfo),
    SCMP_SYS(tgkill),       SCMP_SYS(write),
    SCMP_SYS(writev),
};

/* A process that tries one of these is owned: it dies at once (OP-01). */
static const int calls_of_nobody[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(ptrace),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setresuid),
    SCMP_SYS(bpf),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(init_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup),
};

static void must(int result, const char *what)
{
    if (result == 0)
        return;
    log_event(LOG_ERROR, "role.confine_failed", LOG_CSTR("what", what),
              LOG_CSTR("why", strerror(result < 0 ? -result : errno)));
    exit(5);
}

static void add_all(scmp_filter_ctx filter, uint32_t action, const int *calls,
                    size_t n)
{
    for (size_t i = 0; i < n; i++)
        must(seccomp_rule_add(filter, action, calls[i], 0), "seccomp rule");
}
#define ADD_ALL(filter, action, calls)                                         \
    add_all((filter), (action), (calls), sizeof(calls) / sizeof((calls)[0]))

static void add_sockets(scmp_filter_ctx filter)
{
    static const int families[] = { AF_INET, AF_INET6, AF_UNIX, AF_NETLINK };

    ADD_ALL(filter, SCMP_ACT_ALLOW, calls_of_clients);
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                              SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i])),
             "seccomp socket");
}

/* Processes yes, new worlds for them no. */
static void add_processes(scmp_filter_ctx filter)
{
    const scmp_datum_t worlds = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |
                                CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
                                CLONE_NEWNET;

    ADD_ALL(filter, SCMP_ACT_ALLOW, calls_of_parents);
    must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                          SCMP_A0(SCMP_CMP_MASKED_EQ, worlds, 0)),
         "seccomp clone");
    must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                          SCMP_A0(SCMP_CMP_EQ, PR_SET_SECCOMP)),
         "seccomp prctl");
    must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                          SCMP_A0(SCMP_CMP_EQ, PR_SET_PDEATHSIG)),
         "seccomp prctl");
}

static void filter_calls(const struct rights *rights)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));

    if (filter == NULL)
        panic("seccomp_init");
    ADD_ALL(filter, SCMP_ACT_ALLOW, calls_of_all);
    ADD_ALL(filter, SCMP_ACT_KILL_PROCESS, calls_of_nobody);
    /* Threads yes, processes no: clone3 cannot be looked into, so libc is
     * told it does not exist and uses clone. */
    must(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0),
         "seccomp clone3");
    must(seccomp_rule_add(
             filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
             SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD)),
         "seccomp clone");
    /* Naming threads and asking whether one may dump core; no more. */
    must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                          SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME)),
         "seccomp prctl");
    if (rights->connects)
        add_sockets(filter);
    if (rights->forks)
        add_processes(filter);
    must(seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1), "seccomp tsync");
    must(seccomp_load(filter), "seccomp load");
    seccomp_release(filter);
}

static void become(struct role_user user)
{
    if (geteuid() != 0)
        return;
    must(setgroups(0, NULL), "setgroups");
    must(setresgid(user.gid, user.gid, user.gid), "setresgid");
    must(setresuid(user.uid, user.uid, user.uid), "setresuid");
    if (setuid(0) == 0)
        panic("rights came back after they were given up");
}

/* Memory that can be written is never made executable. */
static void add_memory(scmp_filter_ctx filter)
{
    static const int calls[] = { SCMP_SYS(mmap), SCMP_SYS(mprotect) };

    for (size_t i = 0; i < 2; i++)
        must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 1,
                              SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)),
             "seccomp memory");
}

void role_filter_reader(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));

    if (filter == NULL)
        panic("seccomp_init");
    ADD_ALL(filter, SCMP_ACT_ALLOW, calls_of_readers);
    ADD_ALL(filter, SCMP_ACT_KILL_PROCESS, calls_of_nobody);
    add_memory(filter);
    must(seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0), "seccomp nnp");
    must(seccomp_load(filter), "seccomp load");
    seccomp_release(filter);
}

void role_confine(const struct role *role)
{
    char dir[512];
    size_t n = role->config->data_dir.n;

    if (n >= sizeof(dir))
        panic("data directory name is too long");
    memcpy(dir, role->config->data_dir.p, n);
    dir[n] = '\0';
    must(chdir(dir), "data directory");
    /* Roles are different users of one group and share the store. */
    umask(0007);
    become(role_user_of(role->config, role->name));
    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
    /* setresuid clears it again. */
    must(prctl(PR_SET_DUMPABLE, 0), "no core");
    filter_calls(&rights_of[role->name]);
}
