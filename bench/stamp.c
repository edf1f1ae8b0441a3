/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/stamp.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum { LINE = 76 };

uint64_t stamp_now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Cheap lines that differ from message to message. */
static void add_body(const struct stamp *stamp, size_t size, struct buf *out)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";
    uint64_t x = stamp->number * 0x9e3779b97f4a7c15u + stamp->run;
    size_t begin = out->n;

    while (out->n - begin < size) {
        char *p = buf_room(out, LINE + 2);

        for (int i = 0; i < LINE; i++) {
            if (i % 10 == 0)
                x = x * 6364136223846793005u + 1442695040888963407u;
            p[i] = letters[(x >> (6 * (i % 10))) & 63];
        }
        p[LINE] = '\r';
        p[LINE + 1] = '\n';
        out->n += LINE + 2;
    }
}

void stamp_write(const struct stamp *stamp, size_t size, struct buf *out)
{
    size_t head = out->n, sum_at;
    struct str body;

    buf_addf(out,
             "From: <load@clinic.example>\r\nTo: <sink@sink.example>\r\n"
             "Subject: load\r\nMessage-ID: <%" PRIx64 ".%" PRIu64
             "@load.example>\r\nX-Stamp: %" PRIx64 " %" PRIu64 " %" PRIu64 " ",
             stamp->run, stamp->number, stamp->run, stamp->number,
             stamp->sent_ns);
    sum_at = out->n;
    buf_addf(out, "%016x\r\n\r\n", 0);
    add_body(stamp, size > out->n - head ? size - (out->n - head) : 0, out);
    body = str_from(buf_str(out), sum_at + 20);
    /* snprintf would end the text with a NUL: written apart, copied over. */
    {
        char sum[17];

        snprintf(sum, sizeof(sum), "%016" PRIx64, str_hash(body));
        for (int i = 0; i < 16; i++)
            out->p[sum_at + (size_t)i] = sum[i];
    }
}

bool stamp_read(struct str message, struct stamp *out)
{
    size_t end = str_find(message, STR("\r\n\r\n"));
    struct str header = str_first(message, end);
    size_t at = str_find(header, STR("X-Stamp: "));
    char line[128] = "";
    uint64_t sum = 0;

    if (end == message.n || at == header.n)
        return false;
    for (size_t i = 0; i < sizeof(line) - 1 && at + 9 + i < header.n &&
                       header.p[at + 9 + i] != '\r';
         i++)
        line[i] = header.p[at + 9 + i];
    if (sscanf(line, "%" SCNx64 " %" SCNu64 " %" SCNu64 " %" SCNx64, &out->run,
               &out->number, &out->sent_ns, &sum) != 4)
        return false;
    return str_hash(str_from(message, end + 4)) == sum;
}
