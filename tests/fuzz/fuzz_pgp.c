/* SPDX-License-Identifier: Apache-2.0 */
/* The walker over OpenPGP packets: what it cuts out of a key cuts to itself. */
#include "seal/pgp_packets.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void keys(struct str in)
{
    struct buf key = { 0 }, again = { 0 };
    unsigned version;

    for (int i = 0; i < 16 && pgp_next_key(&in, &key, &version); i++) {
        struct str rest = buf_str(&key);

        if (!pgp_next_key(&rest, &again, &version) || rest.n != 0 ||
            !str_eq(buf_str(&key), buf_str(&again)))
            abort();
        buf_clear(&key);
        buf_clear(&again);
    }
    buf_free(&key);
    buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = str_of(data, size), modulus, exponent;
    struct buf octets = { 0 };
    unsigned char id[PGP_KEY_ID] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    struct pgp_packet packet;

    keys(in);
    pgp_message_is_for(in, id);
    if (pgp_unarmour(in, &octets)) {
        keys(buf_str(&octets));
        pgp_message_is_for(buf_str(&octets), id);
    }
    while (pgp_packet_next(&in, &packet))
        if (pgp_rsa_numbers(packet.body, &modulus, &exponent) &&
            modulus.n + exponent.n > packet.body.n)
            abort();
    buf_free(&octets);
    return 0;
}
