/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/armour.h"

#include "base/panic.h"

#include <openssl/evp.h>
#include <string.h>

enum { TEXT_LINE = 76, LINES = 128 };

/* Whole lines of octets become text; out holds LINES of them. */
static size_t encode(const unsigned char *from, size_t lines, char *out)
{
    char *to = out;

    for (size_t i = 0; i < lines; i++) {
        to += EVP_EncodeBlock((unsigned char *)to, from + i * ARMOUR_LINE,
                              ARMOUR_LINE);
        *to++ = '\r';
        *to++ = '\n';
    }
    return (size_t)(to - out);
}

static void write_lines(struct armour *a, const unsigned char *from,
                        size_t lines)
{
    char text[LINES * (TEXT_LINE + 2) + 1];

    while (lines > 0 && !a->broken) {
        size_t now = lines < LINES ? lines : LINES;

        a->broken =
            !a->sink->write(a->sink->context, text, encode(from, now, text));
        from += now * ARMOUR_LINE;
        lines -= now;
    }
}

bool armour_add(struct armour *a, const void *from, size_t left)
{
    const unsigned char *p = from;

    if (a->rest_n > 0) {
        size_t take = ARMOUR_LINE - a->rest_n;

        take = take < left ? take : left;
        memcpy(a->rest + a->rest_n, p, take);
        a->rest_n += take;
        p += take;
        left -= take;
        if (a->rest_n == ARMOUR_LINE) {
            write_lines(a, a->rest, 1);
            a->rest_n = 0;
        }
    }
    if (left > 0) {
        write_lines(a, p, left / ARMOUR_LINE);
        a->rest_n = left % ARMOUR_LINE;
        memcpy(a->rest, p + left - a->rest_n, a->rest_n);
    }
    return !a->broken;
}

static int bio_write(BIO *bio, const char *from, int n)
{
    return armour_add(BIO_get_data(bio), from, n > 0 ? (size_t)n : 0) ? n : -1;
}

static long bio_ctrl(BIO *bio, int cmd, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return cmd == BIO_CTRL_FLUSH ? 1 : 0;
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

/* Made at the first use; the sealer's readers have one thread. */
static BIO_METHOD *method(void)
{
    static BIO_METHOD *made;

    if (made == NULL) {
        made =
            BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "armour");
        if (made == NULL || !BIO_meth_set_write(made, bio_write) ||
            !BIO_meth_set_ctrl(made, bio_ctrl) ||
            !BIO_meth_set_create(made, bio_create))
            panic("no BIO method");
    }
    return made;
}

BIO *armour_bio(struct armour *armour)
{
    BIO *bio = BIO_new(method());

    if (bio != NULL)
        BIO_set_data(bio, armour);
    return bio;
}

static size_t last_line(const unsigned char *from, size_t n,
                        char out[TEXT_LINE + 3])
{
    size_t text = (size_t)EVP_EncodeBlock((unsigned char *)out, from, (int)n);

    memcpy(out + text, "\r\n", 2);
    return text + 2;
}

bool armour_end(struct armour *a)
{
    char text[TEXT_LINE + 3];

    if (a->rest_n > 0 && !a->broken)
        a->broken = !a->sink->write(a->sink->context, text,
                                    last_line(a->rest, a->rest_n, text));
    a->rest_n = 0;
    return !a->broken;
}

void armour_text(struct str in, struct buf *out)
{
    char text[TEXT_LINE + 3];

    while (in.n > 0) {
        struct str line = str_first(in, ARMOUR_LINE);

        buf_add(out, str_of(text, last_line((const unsigned char *)line.p,
                                            line.n, text)));
        in = str_from(in, line.n);
    }
}
