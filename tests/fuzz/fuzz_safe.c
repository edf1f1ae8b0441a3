/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown of strangers' words is valid UTF-8 without controls, safe to
 * show again, and a whole field of a table; a list of domains holds domains. */
#include "base/utf8.h"
#include "cli/check_list.h"
#include "cli/check_safe.h"
#include "mail/address.h"

#include <stdarg.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* For check_list.c, which complains of files only. */
enum cli_exit cli_fail(const struct cli *cli, enum cli_exit code,
                       const char *format, ...)
{
    (void)cli;
    (void)format;
    return code;
}

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void show(struct str s)
{
    struct buf once = { 0 }, twice = { 0 };
    json_t *value = safe_json(s);

    safe_write(s, &once);
    must(utf8_valid(buf_str(&once)) && once.n <= s.n);
    for (size_t i = 0; i < once.n; i++)
        must((unsigned char)once.p[i] >= ' ' && once.p[i] != 0x7f);
    safe_write(buf_str(&once), &twice);
    must(str_eq(buf_str(&once), buf_str(&twice)));
    must(value != NULL && json_string_length(value) == once.n);
    json_decref(value);
    buf_free(&once);
    buf_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct check_list list = { 0 };
    struct str rest = str_of(data, size), line, again;

    show(rest);
    while (rest.n > 0 && str_split(&rest, '\n', &line))
        check_list_add(&list, line);
    for (size_t i = 0; i < list.n; i++) {
        must(address_domain(list.domains[i], &list.arena, &again) &&
             str_eq(list.domains[i], again));
        for (size_t k = 0; i < 20 && k < i; k++)
            must(!str_eq(list.domains[i], list.domains[k]));
    }
    check_list_free(&list);
    return 0;
}
