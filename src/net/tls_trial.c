/* SPDX-License-Identifier: Apache-2.0 */
#include "base/panic.h"
#include "net/tls.h"
#include "net/tls_profile.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

struct tls_trial {
    SSL_CTX *ctx;
};

struct tls_trial *tls_trial_new(enum tls_version version)
{
    static const int numbers[] = { TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION,
                                   TLS1_3_VERSION };
    struct tls_trial *trial = calloc(1, sizeof(*trial));

    if (trial == NULL)
        panic("out of memory");
    trial->ctx = SSL_CTX_new(TLS_client_method());
    if (trial->ctx == NULL || !tls_profile_open(trial->ctx) ||
        SSL_CTX_set_min_proto_version(trial->ctx, numbers[version]) != 1 ||
        SSL_CTX_set_max_proto_version(trial->ctx, numbers[version]) != 1)
        panic("OpenSSL lacks what a trial of TLS needs");
    ERR_clear_error();
    return trial;
}

void tls_trial_free(struct tls_trial **trial)
{
    if (*trial != NULL)
        SSL_CTX_free((*trial)->ctx);
    free(*trial);
    *trial = NULL;
}

SSL_CTX *tls_trial_context(struct tls_trial *trial)
{
    return trial->ctx;
}
