/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

enum { COLUMNS_MAX = 16 };

/* Characters, not octets: the later octets of UTF-8 take no room. */
static size_t width_of(struct str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

static void print_cell(struct str s, size_t width, bool last)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        putchar(c < 0x20 || c == 0x7f ? '?' : c);
    }
    for (size_t i = width_of(s); !last && i < width + 2; i++)
        putchar(' ');
}

void cli_table(const struct cli *cli, const char *const *headings,
               size_t columns, const struct str *cells, size_t rows)
{
    size_t widths[COLUMNS_MAX];

    if (columns > COLUMNS_MAX)
        columns = COLUMNS_MAX;
    for (size_t c = 0; c < columns; c++) {
        widths[c] = width_of(str_from_cstr(headings[c]));
        for (size_t r = 0; r < rows; r++) {
            size_t width = width_of(cells[r * columns + c]);

            widths[c] = width > widths[c] ? width : widths[c];
        }
    }
    fputs(cli->color ? "\033[1m" : "", stdout);
    for (size_t c = 0; c < columns; c++)
        print_cell(str_from_cstr(headings[c]), widths[c], c + 1 == columns);
    puts(cli->color ? "\033[0m" : "");
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < columns; c++)
            print_cell(cells[r * columns + c], widths[c], c + 1 == columns);
        putchar('\n');
    }
}
