/* SPDX-License-Identifier: Apache-2.0 */
/* One reading however the octets are cut into blocks; what went out by DATA
 * comes in as it was; the strict reader passes no bare newline. */
#include "smtp/data.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
    enum smtp_data_state state;
    struct buf out;
    size_t used;
    bool has_nul;
};

/* In blocks of step octets. */
static struct reading read_in(struct str text, bool normalise, size_t step)
{
    struct smtp_data_decoder d;
    struct reading r = { .state = SMTP_DATA_MORE };

    smtp_data_begin(&d, normalise);
    while (r.state == SMTP_DATA_MORE && r.used < text.n) {
        size_t n = text.n - r.used < step ? text.n - r.used : step, used;

        r.state = smtp_data_decode(&d, str_first(str_from(text, r.used), n),
                                   &r.out, &used);
        if (used > n)
            abort();
        r.used += used;
    }
    r.has_nul = d.has_nul;
    return r;
}

static void check_cuts(struct str text, bool normalise, size_t step)
{
    struct reading whole = read_in(text, normalise, text.n + 1);
    struct reading cut = read_in(text, normalise, step);

    if (whole.state != cut.state)
        abort();
    if (whole.state == SMTP_DATA_END &&
        (whole.used != cut.used || whole.has_nul != cut.has_nul ||
         !str_eq(buf_str(&whole.out), buf_str(&cut.out))))
        abort();
    if (whole.state == SMTP_DATA_END && !normalise) {
        struct smtp_lines lines = { 0 };

        if (smtp_lines_add(&lines, buf_str(&whole.out)) != NULL ||
            smtp_lines_end(&lines) != NULL)
            abort();
    }
    buf_free(&whole.out);
    buf_free(&cut.out);
}

static void check_round(struct str text)
{
    struct smtp_lines lines = { 0 };
    struct smtp_dots dots;
    struct buf out = { 0 };

    if (smtp_lines_add(&lines, text) != NULL || smtp_lines_end(&lines) != NULL)
        return;
    smtp_dots_begin(&dots);
    smtp_dots_add(&dots, str_first(text, text.n / 2), &out);
    smtp_dots_add(&dots, str_from(text, text.n / 2), &out);
    smtp_dots_end(&dots, &out);
    buf_add_cstr(&out, ".\r\n");
    struct reading back = read_in(buf_str(&out), false, 7);
    if (back.state != SMTP_DATA_END || back.used != out.n ||
        !str_starts(buf_str(&back.out), text) || back.out.n > text.n + 2)
        abort();
    buf_free(&back.out);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct str text = str_of(data + 1, size - 1);
    check_cuts(text, data[0] & 1, 1u + data[0] / 2u % 16u);
    check_round(text);
    return 0;
}
