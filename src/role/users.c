/* SPDX-License-Identifier: Apache-2.0 */
#include "role/users.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_UID = 61500, SHARED_GID = 61500, EXIT_INTERNAL = 5 };

struct role_user role_user_of(const struct config *config, enum role_name name)
{
    const struct role_user *set[ROLE_COUNT] = {
        [ROLE_INTAKE] = &config->user_intake,
        [ROLE_DISPATCH] = &config->user_dispatch,
        [ROLE_PORTAL] = &config->user_portal,
        [ROLE_CONSOLE] = &config->user_console,
        [ROLE_SEALER] = &config->user_sealer,
    };
    struct role_user user = *set[name];

    if (user.uid == 0)
        user.uid = (uint32_t)FIRST_UID + 1 + (uint32_t)name;
    if (user.gid == 0)
        user.gid = SHARED_GID;
    return user;
}

static void own(int dir, const char *name, uid_t uid, gid_t gid, mode_t mode)
{
    if (fchownat(dir, name, uid, gid, AT_SYMLINK_NOFOLLOW) == 0 &&
        fchmodat(dir, name, mode, 0) == 0)
        return;
    if (errno == ENOENT)
        return;
    fprintf(stderr, "postseal: cannot give %s to its role: %s\n", name,
            strerror(errno));
    exit(EXIT_INTERNAL);
}

/* The database and its log belong to the group of the roles. */
static void own_store(int dir, gid_t gid)
{
    DIR *d = fdopendir(dup(dir));
    struct dirent *entry;

    if (d == NULL)
        return;
    rewinddir(d);
    while ((entry = readdir(d)) != NULL)
        if (strncmp(entry->d_name, "postseal.db", 11) == 0)
            own(dir, entry->d_name, 0, gid, 0660);
    closedir(d);
}

void users_own_data(const struct config *config)
{
    struct role_user dispatch = role_user_of(config, ROLE_DISPATCH);
    struct role_user portal = role_user_of(config, ROLE_PORTAL);
    struct role_user sealer = role_user_of(config, ROLE_SEALER);
    char path[512];
    int dir;

    if (geteuid() != 0)
        return;
    snprintf(path, sizeof(path), "%.*s", STR_ARG(config->data_dir));
    dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) {
        fprintf(stderr, "postseal: cannot open %s: %s\n", path,
                strerror(errno));
        exit(EXIT_INTERNAL);
    }
    own(dir, ".", 0, dispatch.gid, 02770);
    own_store(dir, dispatch.gid);
    own(dir, "keys", 0, dispatch.gid, 0750);
    own(dir, "keys/dispatch.key", dispatch.uid, dispatch.gid, 0400);
    own(dir, "keys/portal.key", portal.uid, portal.gid, 0400);
    own(dir, "keys/sealer.key", sealer.uid, sealer.gid, 0400);
    close(dir);
}
