/* SPDX-License-Identifier: Apache-2.0 */
#include "store/vfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>

static const char *base_name; /* NULL: the system's */
static sqlite3_vfs *base;
static sqlite3_vfs shim;

static int open_file(sqlite3_vfs *vfs, sqlite3_filename name,
                     sqlite3_file *file, int flags, int *out_flags)
{
    int code;

    (void)vfs;
    code = base->xOpen(base, name, file, flags, out_flags);
    /* The log and its index take their mode from the database. */
    if (code == SQLITE_OK && (flags & SQLITE_OPEN_MAIN_DB) &&
        (flags & SQLITE_OPEN_CREATE))
        chmod(name, 0660);
    return code;
}

static int full_path(sqlite3_vfs *vfs, const char *name, int n, char *out)
{
    (void)vfs;
    if (name == NULL || strchr(name, '/') != NULL)
        return base->xFullPathname(base, name, n, out);
    if (strlen(name) >= (size_t)n)
        return SQLITE_CANTOPEN;
    memcpy(out, name, strlen(name) + 1);
    return SQLITE_OK;
}

static void make(void)
{
    base = sqlite3_vfs_find(base_name);
    shim = *base;
    shim.zName = VFS_NAME;
    shim.pNext = NULL;
    shim.xOpen = open_file;
    shim.xFullPathname = full_path;
    sqlite3_vfs_register(&shim, 0);
}

void vfs_set_base(const char *name)
{
    base_name = name;
}

void vfs_register(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    sqlite3_initialize();
    pthread_once(&once, make);
}
