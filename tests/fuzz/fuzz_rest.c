/* SPDX-License-Identifier: Apache-2.0 */
/* Wrapped keys and frames from a store that somebody wrote into: whatever they
 * are, they do not open. */
#include "seal/rest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rest_private *priv;
static struct buf real = { 0 };

static void set_up(void)
{
    char dir[] = "/tmp/fuzz_rest.XXXXXX", private[64], public[64];
    struct rest_public *pub = NULL;
    struct rest_key key;

    if (mkdtemp(dir) == NULL)
        abort();
    snprintf(private, sizeof(private), "%s/key", dir);
    snprintf(public, sizeof(public), "%s/pub", dir);
    if (!status_is_ok(rest_keygen(private, public)) ||
        !status_is_ok(rest_private_load(private, &priv)) ||
        !status_is_ok(rest_public_load(public, &pub)))
        abort();
    rest_key_new(&key);
    rest_wrap(pub, STR("body:1"), &key, &real);
    rest_public_free(&pub);
    unlink(private);
    unlink(public);
    rmdir(dir);
}

/* The first octet says how much of a real wrapped key is changed (0: none of
 * it is used), so that the fuzzer need not guess key names. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rest_key key = { { 0 } };
    struct buf wrapped = { 0 }, plain = { 0 };
    bool changed = true;

    if (priv == NULL)
        set_up();
    if (size == 0)
        return 0;
    if (data[0] == 0) {
        buf_add(&wrapped, str_of(data + 1, size - 1));
    } else {
        buf_add(&wrapped, buf_str(&real));
        changed = false;
        for (size_t i = 1; i + 1 < size; i += 2) {
            wrapped.p[data[i] % wrapped.n] ^= (char)data[i + 1];
        }
        changed = !str_eq(buf_str(&wrapped), buf_str(&real));
    }
    if (changed ==
        status_is_ok(rest_unwrap(priv, STR("body:1"), buf_str(&wrapped), &key)))
        abort();
    memset(&key, 7, sizeof(key));
    if (status_is_ok(rest_open_frame(&key, STR("body:1"), data[0], size % 2,
                                     str_of(data + 1, size - 1), &plain)) ||
        plain.n != 0)
        abort();
    buf_free(&wrapped);
    buf_free(&plain);
    return 0;
}
