/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into OpenSMTPD 6.8: with OpenSSL 3 its TLS server ends every
 * handshake with "missing private key", because the key it marks for its key
 * process is a cached copy (mended in 7.3: OpenSMTPD issue 1171). This does
 * what the mend does: the marked copy becomes the key.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

int SSL_CTX_use_PrivateKey(SSL_CTX *ctx, EVP_PKEY *key)
{
    int (*original)(SSL_CTX *, EVP_PKEY *) = NULL;
    RSA *marked = EVP_PKEY_get1_RSA(key);

    *(void **)&original = dlsym(RTLD_NEXT, "SSL_CTX_use_PrivateKey");
    if (marked != NULL) {
        EVP_PKEY_set1_RSA(key, marked);
        RSA_free(marked);
    }
    return original(ctx, key);
}
