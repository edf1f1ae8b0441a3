/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the address: a host is a host name, a path can end nothing that is
 * around it, a label has its length; a record gives a part of itself. */
#include "posture/wkd.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct str text, struct str allowed)
{
    for (size_t i = 0; i < text.n; i++)
        if (!ascii_is_alnum(text.p[i]) && !str_has_char(allowed, text.p[i]))
            abort();
}

static void check_place(const struct wkd_place *place)
{
    struct str before = str_first(place->path, str_find_char(place->path, '?'));

    check(place->host, STR("-._"));
    check(place->path, STR("-._~/%?="));
    if (!str_starts(before, STR("/.well-known/openpgpkey/")) || before.n < 36 ||
        !str_starts(str_from(before, before.n - 36), STR("/hu/")) ||
        !str_starts(str_from(place->path, before.n), STR("?l=")) ||
        place->path.n > 900)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = str_of(data, size), out;
    struct wkd_place advanced, direct;
    struct arena arena = { 0 };

    if (wkd_places(in, &arena, &advanced, &direct)) {
        check_place(&advanced);
        check_place(&direct);
        if (!smimea_name(in, &arena, &out))
            abort();
        check(out, STR("-._"));
        if (str_find(out, STR("._smimecert.")) != 56)
            abort();
    }
    if (smimea_certificate(in, &out) &&
        (out.n == 0 || out.p + out.n != in.p + in.n))
        abort();
    arena_free(&arena);
    return 0;
}
