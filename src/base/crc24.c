/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crc24.h"

#include "base/base64.h"

#include <pthread.h>
#include <string.h>

static uint32_t table[256];

static void make_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i << 16;

        for (int bit = 0; bit < 8; bit++)
            crc = (crc << 1) ^ (crc & 0x800000 ? 0x1864cfb : 0);
        table[i] = crc & 0xffffff;
    }
}

uint32_t crc24_add(uint32_t crc, struct str in)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_table);
    for (size_t i = 0; i < in.n; i++)
        crc = (crc << 8 & 0xffffff) ^
              table[(crc >> 16 ^ (unsigned char)in.p[i]) & 0xff];
    return crc;
}

void crc24_text(uint32_t crc, char out[6])
{
    char octets[3] = { (char)(crc >> 16 & 0xff), (char)(crc >> 8 & 0xff),
                       (char)(crc & 0xff) };
    struct buf text = { 0 };

    base64_encode(str_of(octets, sizeof(octets)), &text);
    out[0] = '=';
    memcpy(out + 1, text.p, 4);
    out[5] = '\0';
    buf_free(&text);
}
