/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/weak_rsa.h"

enum { BITS_LEAST = 2048, BITS_MOST = 16384 };

static struct str without_zeros(struct str s)
{
    while (s.n > 0 && s.p[0] == '\0')
        s = str_from(s, 1);
    return s;
}

static size_t bits_of(struct str s)
{
    size_t bits = s.n * 8;

    for (unsigned char top = s.n > 0 ? (unsigned char)s.p[0] : 0xff;
         !(top & 0x80); top = (unsigned char)(top << 1))
        bits--;
    return bits;
}

static unsigned remainder_by(struct str s, unsigned p)
{
    unsigned r = 0;

    for (size_t i = 0; i < s.n; i++)
        r = (r << 8 | (unsigned char)s.p[i]) % p;
    return r;
}

/* Is r a power of 65537 modulo p? */
static bool is_power(unsigned r, unsigned p)
{
    unsigned x = 1;

    for (unsigned i = 0; i < p; i++) {
        if (x == r)
            return true;
        x = x * (65537 % p) % p;
    }
    return false;
}

/* Primes made by a broken generator are powers of 65537 modulo every small
 * prime; a random modulus is so for all of these once in 2^27. */
static bool is_roca(struct str modulus)
{
    static const unsigned char primes[] = {
        3,   5,   7,   11,  13,  17,  19,  23,  29,  31,  37,  41,  43,
        47,  53,  59,  61,  67,  71,  73,  79,  83,  89,  97,  101, 103,
        107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167
    };

    for (size_t i = 0; i < sizeof(primes); i++)
        if (!is_power(remainder_by(modulus, primes[i]), primes[i]))
            return false;
    return true;
}

const char *weak_rsa(struct str modulus, struct str exponent)
{
    modulus = without_zeros(modulus);
    exponent = without_zeros(exponent);
    if (bits_of(modulus) < BITS_LEAST)
        return "RSA with fewer than 2048 bits";
    if (bits_of(modulus) > BITS_MOST)
        return "RSA with more than 16384 bits";
    if (exponent.n == 0 || !(exponent.p[exponent.n - 1] & 1) ||
        (exponent.n == 1 && exponent.p[0] == 1))
        return "RSA with an exponent that does not encrypt";
    return is_roca(modulus)
               ? "RSA key of a broken generator (ROCA, CVE-2017-15361)"
               : NULL;
}
