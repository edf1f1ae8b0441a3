/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/check_paint.h"

#include "cli/check_safe.h"

static const char *const colours[] = {
    [PAINT_PLAIN] = "",         [PAINT_BOLD] = "\033[1m",
    [PAINT_GOOD] = "\033[32m",  [PAINT_FAIR] = "\033[33m",
    [PAINT_BAD] = "\033[1;31m",
};

void paint_word(const struct cli *cli, enum paint paint, struct str word,
                size_t width)
{
    bool coloured = cli->color && paint != PAINT_PLAIN;
    struct buf clean = { 0 };

    safe_write(word, &clean);
    printf("%s%.*s%s", coloured ? colours[paint] : "", STR_ARG(buf_str(&clean)),
           coloured ? "\033[0m" : "");
    for (size_t i = clean.n; i < width; i++)
        putchar(' ');
    buf_free(&clean);
}

void paint_labelled(const char *label, struct str text)
{
    if (text.n == 0)
        return;
    printf("  %-*s", PAINT_INDENT - 2, label);
    safe_wrap(text, PAINT_INDENT, PAINT_WIDTH, stdout);
}

void paint_record(struct str record, size_t indent)
{
    struct str line;

    record = str_trim(record);
    while (record.n > 0 && str_split(&record, '\n', &line)) {
        struct buf clean = { 0 };

        safe_write(line, &clean);
        printf("%*s%.*s\n", clean.n > 0 ? (int)indent : 0, "",
               STR_ARG(buf_str(&clean)));
        buf_free(&clean);
    }
}
