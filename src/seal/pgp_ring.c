/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/pgp_ring.h"

#include "seal/pgp.h"

#include <string.h>

enum { EXPORT_MAX = 1 << 20 };

static rnp_result_t import(rnp_ffi_t ffi, struct str bytes, bool secret)
{
    rnp_input_t input = NULL;
    char *results = NULL;
    rnp_result_t rc =
        rnp_input_from_memory(&input, (const uint8_t *)bytes.p, bytes.n, false);

    if (rc == RNP_SUCCESS)
        rc = rnp_import_keys(ffi, input,
                             secret ? RNP_LOAD_SAVE_SECRET_KEYS |
                                          RNP_LOAD_SAVE_PUBLIC_KEYS
                                    : RNP_LOAD_SAVE_PUBLIC_KEYS,
                             &results);
    rnp_buffer_destroy(results);
    rnp_input_destroy(input);
    return rc;
}

static rnp_key_handle_t find_primary(rnp_ffi_t ffi)
{
    rnp_identifier_iterator_t it = NULL;
    rnp_key_handle_t key = NULL;
    const char *name;

    if (rnp_identifier_iterator_create(ffi, &it, "fingerprint") != RNP_SUCCESS)
        return NULL;
    while (key == NULL &&
           rnp_identifier_iterator_next(it, &name) == RNP_SUCCESS &&
           name != NULL) {
        bool primary = false;

        if (rnp_locate_key(ffi, "fingerprint", name, &key) != RNP_SUCCESS ||
            key == NULL)
            continue;
        if (rnp_key_is_primary(key, &primary) != RNP_SUCCESS || !primary) {
            rnp_key_handle_destroy(key);
            key = NULL;
        }
    }
    rnp_identifier_iterator_destroy(it);
    return key;
}

struct status pgp_ring_open(struct str bytes, bool secret, struct pgp_ring *out)
{
    rnp_result_t rc;

    *out = (struct pgp_ring){ 0 };
    rc = rnp_ffi_create(&out->ffi, "GPG", "GPG");
    if (rc != RNP_SUCCESS)
        return status_defer("OpenPGP: %s", rnp_result_to_string(rc));
    rc = import(out->ffi, bytes, secret);
    if (rc == RNP_SUCCESS)
        out->primary = find_primary(out->ffi);
    if (out->primary != NULL)
        return status_ok();
    pgp_ring_close(out);
    return status_refuse("not an OpenPGP key that can be read: %s",
                         rc == RNP_SUCCESS ? "no primary key"
                                           : rnp_result_to_string(rc));
}

void pgp_ring_close(struct pgp_ring *ring)
{
    rnp_key_handle_destroy(ring->primary);
    rnp_ffi_destroy(ring->ffi);
    *ring = (struct pgp_ring){ 0 };
}

struct status pgp_ring_export(const struct pgp_ring *ring, uint32_t part,
                              struct buf *out)
{
    rnp_output_t output = NULL;
    uint8_t *bytes = NULL;
    size_t n = 0;
    rnp_result_t rc = rnp_output_to_memory(&output, EXPORT_MAX);

    if (rc == RNP_SUCCESS)
        rc = rnp_key_export(ring->primary, output,
                            part | RNP_KEY_EXPORT_SUBKEYS);
    if (rc == RNP_SUCCESS)
        rc = rnp_output_memory_get_buf(output, &bytes, &n, false);
    if (rc == RNP_SUCCESS)
        buf_add(out, str_of(bytes, n));
    if (bytes != NULL)
        explicit_bzero(bytes, n);
    rnp_output_destroy(output);
    return rc == RNP_SUCCESS ? status_ok()
                             : status_defer("the key cannot be written: %s",
                                            rnp_result_to_string(rc));
}

struct status pgp_warm(void)
{
    rnp_ffi_t ffi = NULL;
    rnp_result_t rc = rnp_ffi_create(&ffi, "GPG", "GPG");

    rnp_ffi_destroy(ffi);
    return rc == RNP_SUCCESS
               ? status_ok()
               : status_defer("OpenPGP: %s", rnp_result_to_string(rc));
}
