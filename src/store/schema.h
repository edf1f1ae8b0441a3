/* SPDX-License-Identifier: Apache-2.0 */
/* Tables and indexes, and the steps from one version to the next. */
#ifndef POSTSEAL_STORE_SCHEMA_H
#define POSTSEAL_STORE_SCHEMA_H

#include "store/driver.h"

/* Makes everything in an empty database. */
struct status schema_create(struct db *db);
/* Takes the steps from an older version; not ok when the database is of one
 * that this program does not know. */
struct status schema_check(struct db *db);

#endif
