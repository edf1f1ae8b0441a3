/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_profile.h"

#include "base/panic.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

static const char suites12[] = "ECDHE-ECDSA-AES256-GCM-SHA384:"
                               "ECDHE-RSA-AES256-GCM-SHA384:"
                               "ECDHE-ECDSA-AES128-GCM-SHA256:"
                               "ECDHE-RSA-AES128-GCM-SHA256";
static const char suites13[] = "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256";

struct status tls_file_fault(const char *what, struct str file)
{
    unsigned long code = ERR_peek_last_error();
    const char *why = ERR_reason_error_string(code);

    ERR_clear_error();
    return status_defer("%s %.*s: %s", what, STR_ARG(file),
                        why == NULL ? "cannot be read" : why);
}

/* One name that the library does not know would make the whole list fail, so
 * each is tried alone; a newer library gains the hybrid group. */
static void set_groups(SSL_CTX *ctx)
{
    static const char *const wanted[] = { "X25519MLKEM768", "P-256", "X25519",
                                          "P-384" };
    char list[64] = "";

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        if (SSL_CTX_set1_groups_list(ctx, wanted[i]) != 1)
            continue;
        if (list[0] != '\0')
            strncat(list, ":", sizeof(list) - strlen(list) - 1);
        strncat(list, wanted[i], sizeof(list) - strlen(list) - 1);
    }
    ERR_clear_error();
    if (SSL_CTX_set1_groups_list(ctx, list) != 1)
        panic("no TLS group is usable");
}

static void set_common(SSL_CTX *ctx)
{
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE |
                                 SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_ENABLE_PARTIAL_WRITE);
    SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    set_groups(ctx);
}

bool tls_profile_forced(SSL_CTX *ctx)
{
    set_common(ctx);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ctx, suites12) == 1 &&
           SSL_CTX_set_ciphersuites(ctx, suites13) == 1;
}

bool tls_profile_open(SSL_CTX *ctx)
{
    set_common(ctx);
    SSL_CTX_set_security_level(ctx, 0);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ctx, "DEFAULT:@SECLEVEL=0") == 1;
}
