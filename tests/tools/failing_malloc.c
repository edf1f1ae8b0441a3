/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For LD_PRELOAD: makes the n-th allocation of a process fail, once (QD-15).
 * POSTSEAL_FAIL_DIR holds a file by the name of each program that is meant; its
 * first eight octets are the count, which a test sets while the program runs:
 * 0 is off, 1 makes the next one fail.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

static _Atomic int64_t *left;

__attribute__((constructor)) static void look_for_count(void)
{
    const char *dir = getenv("POSTSEAL_FAIL_DIR");
    char path[512];
    void *page;
    int fd;

    if (dir == NULL)
        return;
    snprintf(path, sizeof(path), "%s/%s", dir, program_invocation_short_name);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    page = mmap(NULL, sizeof(*left), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (page != MAP_FAILED)
        left = page;
}

static int fails(void)
{
    if (left == NULL || atomic_load(left) <= 0 ||
        atomic_fetch_sub(left, 1) != 1)
        return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t n)
{
    return fails() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    return fails() ? NULL : __libc_realloc(p, n);
}
