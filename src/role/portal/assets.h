/* SPDX-License-Identifier: Apache-2.0 */
/* Script and style of the pages, built into the program: no request ever
 * reaches a file (PO-11). Their names hold a hash of their content. */
#ifndef POSTSEAL_ROLE_PORTAL_ASSETS_H
#define POSTSEAL_ROLE_PORTAL_ASSETS_H

#include "net/http_server.h"

enum asset_name { ASSET_SCRIPT, ASSET_STYLE };
enum { ASSET_COUNT = 2 };

struct asset {
    const char *path; /* "/assets/reader-0123456789abcdef.js" */
    const char *type;
    struct str bytes;
};

/* Made at build time by web/embed.py. */
extern const struct asset asset_table[ASSET_COUNT];

const char *asset_path(enum asset_name name);
/* False when no asset has this path. */
bool asset_answer(struct http_exchange *exchange);

#endif
