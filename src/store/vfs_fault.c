/* SPDX-License-Identifier: Apache-2.0 */
#include "store/vfs_fault.h"

#include "base/panic.h"
#include "store/vfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_MAX_BYTES = 512, EXIT_POWER_CUT = 9 };

struct fault_file {
    sqlite3_file head;
    sqlite3_file *real; /* behind this struct */
    bool is_log, is_db;
    char path[PATH_MAX_BYTES];
};

static sqlite3_vfs *system_vfs;
static sqlite3_vfs fault_vfs;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fault_plan plan;
static struct fault_counts counts;

void fault_set(struct fault_plan p)
{
    pthread_mutex_lock(&lock);
    plan = p;
    counts = (struct fault_counts){ 0 };
    pthread_mutex_unlock(&lock);
}

struct fault_counts fault_count(void)
{
    struct fault_counts c;

    pthread_mutex_lock(&lock);
    c = counts;
    pthread_mutex_unlock(&lock);
    return c;
}

/* With the lock held. */
static void step(void)
{
    counts.steps++;
    if (plan.power_cut_at == counts.steps)
        _exit(EXIT_POWER_CUT);
}

/* --- what was synced -------------------------------------------------------
 */

static void copy_file(const char *from, const char *to)
{
    FILE *in = fopen(from, "re"), *out = fopen(to, "we");
    char block[65536];
    size_t n;

    if (in == NULL || out == NULL)
        panic("cannot copy %s to %s", from, to);
    while ((n = fread(block, 1, sizeof(block), in)) > 0)
        if (fwrite(block, 1, n, out) != n)
            panic("cannot write %s", to);
    fclose(in);
    fclose(out);
}

static void remember(const char *path)
{
    char synced[PATH_MAX_BYTES + 8];

    snprintf(synced, sizeof(synced), "%s.synced", path);
    copy_file(path, synced);
}

static const char *const names[] = { "postseal.db", "postseal.db-wal" };

void fault_all_synced(const char *dir)
{
    char path[PATH_MAX_BYTES];

    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        if (access(path, F_OK) == 0)
            remember(path);
    }
}

void fault_power_cut(const char *dir)
{
    char path[PATH_MAX_BYTES], synced[PATH_MAX_BYTES + 8];

    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        snprintf(synced, sizeof(synced), "%s.synced", path);
        unlink(path);
        if (access(synced, F_OK) == 0)
            copy_file(synced, path);
    }
    /* Memory of the processes, gone with them. */
    snprintf(path, sizeof(path), "%s/postseal.db-shm", dir);
    unlink(path);
}

/* --- calls that can fail ---------------------------------------------------
 */

static struct fault_file *of(sqlite3_file *file)
{
    return (struct fault_file *)file;
}

static int write_file(sqlite3_file *file, const void *data, int n,
                      sqlite3_int64 at)
{
    sqlite3_file *real = of(file)->real;
    int code = SQLITE_OK;

    pthread_mutex_lock(&lock);
    step();
    counts.writes++;
    if (plan.full_at > 0 && (counts.writes == plan.full_at ||
                             (plan.stays_full && counts.writes > plan.full_at)))
        code = SQLITE_FULL;
    if (code == SQLITE_OK)
        code = real->pMethods->xWrite(real, data, n, at);
    pthread_mutex_unlock(&lock);
    return code;
}

static int truncate_file(sqlite3_file *file, sqlite3_int64 size)
{
    sqlite3_file *real = of(file)->real;
    int code;

    pthread_mutex_lock(&lock);
    step();
    code = real->pMethods->xTruncate(real, size);
    pthread_mutex_unlock(&lock);
    return code;
}

static int sync_file(sqlite3_file *file, int flags)
{
    struct fault_file *f = of(file);
    int code = SQLITE_OK;

    (void)flags; /* a real sync would only cost the test time */
    pthread_mutex_lock(&lock);
    step();
    counts.syncs++;
    if (plan.sync_fails_at == counts.syncs)
        code = SQLITE_IOERR_FSYNC;
    else if (plan.keep_synced && !(f->is_log && plan.skip_log_syncs) &&
             !(f->is_db && plan.skip_db_syncs))
        remember(f->path);
    pthread_mutex_unlock(&lock);
    return code;
}

/* --- calls that are passed on -----------------------------------------------
 */

static int close_file(sqlite3_file *file)
{
    return of(file)->real->pMethods->xClose(of(file)->real);
}

static int read_file(sqlite3_file *file, void *data, int n, sqlite3_int64 at)
{
    return of(file)->real->pMethods->xRead(of(file)->real, data, n, at);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return of(file)->real->pMethods->xFileSize(of(file)->real, size);
}

static int lock_file(sqlite3_file *file, int level)
{
    return of(file)->real->pMethods->xLock(of(file)->real, level);
}

static int unlock_file(sqlite3_file *file, int level)
{
    return of(file)->real->pMethods->xUnlock(of(file)->real, level);
}

static int check_lock(sqlite3_file *file, int *out)
{
    return of(file)->real->pMethods->xCheckReservedLock(of(file)->real, out);
}

static int control(sqlite3_file *file, int op, void *argument)
{
    return of(file)->real->pMethods->xFileControl(of(file)->real, op, argument);
}

static int sector_size(sqlite3_file *file)
{
    return of(file)->real->pMethods->xSectorSize(of(file)->real);
}

static int characteristics(sqlite3_file *file)
{
    return of(file)->real->pMethods->xDeviceCharacteristics(of(file)->real);
}

static int shm_map(sqlite3_file *file, int page, int size, int extend,
                   void volatile **out)
{
    return of(file)->real->pMethods->xShmMap(of(file)->real, page, size, extend,
                                             out);
}

static int shm_lock(sqlite3_file *file, int at, int n, int flags)
{
    return of(file)->real->pMethods->xShmLock(of(file)->real, at, n, flags);
}

static void shm_barrier(sqlite3_file *file)
{
    of(file)->real->pMethods->xShmBarrier(of(file)->real);
}

static int shm_unmap(sqlite3_file *file, int delete)
{
    return of(file)->real->pMethods->xShmUnmap(of(file)->real, delete);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2, /* no memory mapping: it would pass by the faults */
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = file_size,
    .xLock = lock_file,
    .xUnlock = unlock_file,
    .xCheckReservedLock = check_lock,
    .xFileControl = control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
};

static int open_file(sqlite3_vfs *vfs, sqlite3_filename name,
                     sqlite3_file *file, int flags, int *out_flags)
{
    struct fault_file *f = of(file);
    int code;

    (void)vfs;
    memset(f, 0, sizeof(*f));
    f->real = (sqlite3_file *)(f + 1);
    f->is_log = flags & SQLITE_OPEN_WAL;
    f->is_db = flags & SQLITE_OPEN_MAIN_DB;
    snprintf(f->path, sizeof(f->path), "%s", name == NULL ? "" : name);
    code = system_vfs->xOpen(system_vfs, name, f->real, flags, out_flags);
    f->head.pMethods = f->real->pMethods == NULL ? NULL : &methods;
    return code;
}

void fault_register(void)
{
    sqlite3_initialize();
    system_vfs = sqlite3_vfs_find(NULL);
    fault_vfs = *system_vfs;
    fault_vfs.zName = "fault";
    fault_vfs.pNext = NULL;
    fault_vfs.szOsFile = (int)sizeof(struct fault_file) + system_vfs->szOsFile;
    fault_vfs.xOpen = open_file;
    sqlite3_vfs_register(&fault_vfs, 0);
    vfs_set_base("fault");
}
