/* SPDX-License-Identifier: Apache-2.0 */
#include "store/turn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Two locks, two octets: whoever holds DOOR is next at DESK. The one that
 * leaves the desk and comes back at once has to pass the door again, behind
 * the one who stands in it. */
enum octet { DOOR, DESK };

int turn_open(const char *path)
{
    char name[1100];
    struct stat own, of_path;
    int n = snprintf(name, sizeof(name), "%s-turn", path);
    int fd;

    if (n < 0 || n >= (int)sizeof(name))
        return -1;
    fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0660);
    /* The roles are of one group; root must not keep the file for itself. */
    if (fd >= 0 && fstat(fd, &own) == 0 && own.st_uid == geteuid() &&
        stat(path, &of_path) == 0) {
        if (own.st_uid == 0 &&
            (own.st_uid != of_path.st_uid || own.st_gid != of_path.st_gid))
            (void)!fchown(fd, of_path.st_uid, of_path.st_gid);
        fchmod(fd, 0660);
    }
    return fd;
}

static void lock(int fd, enum octet octet, short type)
{
    struct flock what = {
        .l_type = type, .l_whence = SEEK_SET, .l_start = octet, .l_len = 1
    };

    while (fcntl(fd, F_OFD_SETLKW, &what) != 0 && errno == EINTR)
        continue;
}

void turn_take(int fd)
{
    if (fd < 0)
        return;
    lock(fd, DOOR, F_WRLCK);
    lock(fd, DESK, F_WRLCK);
    lock(fd, DOOR, F_UNLCK);
}

void turn_give(int fd)
{
    if (fd >= 0)
        lock(fd, DESK, F_UNLCK);
}

void turn_close(int fd)
{
    if (fd >= 0)
        close(fd);
}
