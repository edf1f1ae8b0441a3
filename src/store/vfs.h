/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file layer under SQLite: the system's, with two changes. A name without
 * a slash stays relative to the working directory, since a role's user may not
 * be able to walk the directories above its data; and files are made for the
 * group of the roles. A test build may put its faults underneath.
 */
#ifndef POSTSEAL_STORE_VFS_H
#define POSTSEAL_STORE_VFS_H

#define VFS_NAME "postseal"

/* Once per process is enough; more does no harm. Thread-safe. */
void vfs_register(void);
/* Tests only, before vfs_register: the layer to build on instead. */
void vfs_set_base(const char *name);

#endif
