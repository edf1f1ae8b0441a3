/* SPDX-License-Identifier: Apache-2.0 */
#include "role/portal/assets.h"

const char *asset_path(enum asset_name name)
{
    return asset_table[name].path;
}

bool asset_answer(struct http_exchange *exchange)
{
    for (size_t i = 0; i < ASSET_COUNT; i++) {
        const struct asset *asset = &asset_table[i];

        if (!str_eq(exchange->request->path, str_from_cstr(asset->path)))
            continue;
        exchange->answer.status = 200;
        exchange->answer.type = str_from_cstr(asset->type);
        exchange->answer.shared = asset->bytes;
        exchange->answer.keep = true;
        return true;
    }
    return false;
}
