/* SPDX-License-Identifier: Apache-2.0 */
#include "store/turn.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Two locks, two octets: whoever holds DOOR is next at DESK. The one that
 * leaves the desk and comes back at once has to pass the door again, behind
 * the one who stands in it. */
enum octet { DOOR, DESK };

struct turn turn_open(const char *path)
{
    char name[1100];
    struct stat own, of_path;
    int n = snprintf(name, sizeof(name), "%s-turn", path);
    int fd;

    if (n < 0 || n >= (int)sizeof(name))
        return (struct turn){ .fd = -1 };
    fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0660);
    /* The roles are of one group; root must not keep the file for itself. */
    if (fd >= 0 && fstat(fd, &own) == 0 && own.st_uid == geteuid() &&
        stat(path, &of_path) == 0) {
        if (own.st_uid == 0 &&
            (own.st_uid != of_path.st_uid || own.st_gid != of_path.st_gid))
            (void)!fchown(fd, of_path.st_uid, of_path.st_gid);
        fchmod(fd, 0660);
    }
    return (struct turn){ .fd = fd };
}

/* Waiting is the kernel's: it wakes the next one at once, in order. To end a
 * wait a signal to this thread is needed, again and again in case one comes
 * just before the wait begins. */
enum { ALARM = SIGALRM, AGAIN_MS = 100 };

static void nothing(int sig)
{
    (void)sig;
}

static void catch_alarm(void)
{
    struct sigaction action = { .sa_handler = nothing }; /* no SA_RESTART */

    sigaction(ALARM, &action, NULL);
}

static bool alarm_start(timer_t *timer)
{
    static pthread_once_t caught = PTHREAD_ONCE_INIT;
    const struct itimerspec after = {
        .it_value = { TURN_WAIT_MS / 1000, TURN_WAIT_MS % 1000 * 1000000 },
        .it_interval = { 0, AGAIN_MS * 1000000 },
    };
    struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID,
                              .sigev_signo = ALARM };

    event._sigev_un._tid = gettid();
    pthread_once(&caught, catch_alarm);
    return timer_create(CLOCK_MONOTONIC, &event, timer) == 0 &&
           timer_settime(*timer, 0, &after, NULL) == 0;
}

/* False when it is another's and may not be waited for, or no longer. */
static bool lock(int fd, enum octet octet, short type, bool wait,
                 int64_t until_mono_ms)
{
    struct flock what = {
        .l_type = type, .l_whence = SEEK_SET, .l_start = octet, .l_len = 1
    };

    while (fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &what) != 0)
        if (errno != EINTR || (wait && clock_mono_ms() >= until_mono_ms))
            return false;
    return true;
}

static bool take(struct turn *turn, bool wait, int64_t until_mono_ms)
{
    bool taken;

    if (!lock(turn->fd, DOOR, F_WRLCK, wait, until_mono_ms))
        return false;
    taken = lock(turn->fd, DESK, F_WRLCK, wait, until_mono_ms);
    lock(turn->fd, DOOR, F_UNLCK, false, 0);
    return taken;
}

static bool wait_for_turn(struct turn *turn)
{
    int64_t until = clock_mono_ms() + TURN_WAIT_MS;
    timer_t timer;
    bool taken;

    if (!alarm_start(&timer))
        return false;
    taken = take(turn, true, until);
    timer_delete(timer);
    return taken;
}

void turn_take(struct turn *turn)
{
    bool was_late = turn->late;

    if (turn->fd < 0)
        return;
    turn->late = !take(turn, false, 0) && (was_late || !wait_for_turn(turn));
    if (turn->late && !was_late)
        log_event(LOG_WARNING, "store.turn_late",
                  LOG_CSTR("why", "another process holds its turn; writing "
                                  "goes on without turns"));
}

void turn_give(struct turn *turn)
{
    if (turn->fd >= 0)
        lock(turn->fd, DESK, F_UNLCK, false, 0);
}

void turn_close(struct turn *turn)
{
    if (turn->fd >= 0)
        close(turn->fd);
    turn->fd = -1;
}
