/* SPDX-License-Identifier: Apache-2.0 */
/* Versions and suites in every spelling. */
#include "mail/tls_name.h"

#include "mail/tls_suites.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_versions(void **state)
{
    static const struct {
        const char *in, *out; /* NULL: none */
        size_t used;
    } rows[] = {
        { "TLSv1.3", "TLSv1.3", 7 },
        { "TLSv1.2 with", "TLSv1.2", 7 },
        { "TLS1_2,", "TLSv1.2", 6 },
        { "TLS1.2:", "TLSv1.2", 6 },
        { "TLSv1_2", "TLSv1.2", 7 },
        { "TLSv1_3:TLS13_AES", "TLSv1.3", 7 },
        { "TLS-1.2:", "TLSv1.2", 7 },
        { "TLS-1.0:", "TLSv1", 7 },
        { "TLS12", "TLSv1.2", 5 },
        { "Tls12,", "TLSv1.2", 5 },
        { "Tls13", "TLSv1.3", 5 },
        { "Tls,", NULL, 0 },
        { "tlsv1.3", "TLSv1.3", 7 },
        { "TLSv1", "TLSv1", 5 },
        { "TLSv1)", "TLSv1", 5 },
        { "TLS1", "TLSv1", 4 },
        { "TLS1_0", "TLSv1", 6 },
        { "TLSv1.0", "TLSv1", 7 },
        { "TLSv1.1", "TLSv1.1", 7 },
        { "TLS 1.2", "TLSv1.2", 7 },
        { "TLS v1.2", "TLSv1.2", 8 },
        { "SSLv3", "SSLv3", 5 },
        { "SSL3", "SSLv3", 4 },
        { "SSLv2", "SSLv2", 5 },
        { "SSLv3.0", "SSLv3", 7 },
        { "TLSv1/SSLv3", "", 11 },
        { "TLSv1/SSLv3,256bits", "", 11 },
        { "TLSv1/x", "TLSv1", 5 },
        { "TLSv1.4", NULL, 0 },
        { "TLSv2", NULL, 0 },
        { "TLSv1.33", NULL, 0 },
        { "TLSv1x", NULL, 0 },
        { "TLS13_AES_128_GCM_SHA256", NULL, 0 },
        { "TLS_AES_128_GCM_SHA256", NULL, 0 },
        { "TLS_1.2", "TLSv1.2", 7 },
        { "TLS", NULL, 0 },
        { "SSL", NULL, 0 },
        { "", NULL, 0 },
        { "xTLSv1.2", NULL, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        enum tls_version version = VERSION_UNSTATED;
        size_t used = 0;
        bool got = tls_version_read(str_from_cstr(rows[i].in), &version, &used);

        if (got != (rows[i].out != NULL) || used != rows[i].used ||
            (got &&
             !str_eq(tls_version_name(version), str_from_cstr(rows[i].out))))
            fail_msg("%s: %d %.*s %zu", rows[i].in, got,
                     STR_ARG(tls_version_name(version)), used);
    }
}

/* clang-format off */
/* What OpenSSL calls the suites (openssl ciphers -stdname). */
static const struct {
    const char *openssl, *iana;
} standard[] = {
    { "TLS_AES_128_GCM_SHA256",
      "TLS_AES_128_GCM_SHA256" },
    { "TLS_AES_256_GCM_SHA384",
      "TLS_AES_256_GCM_SHA384" },
    { "TLS_CHACHA20_POLY1305_SHA256",
      "TLS_CHACHA20_POLY1305_SHA256" },
    { "DHE-DSS-AES128-SHA",
      "TLS_DHE_DSS_WITH_AES_128_CBC_SHA" },
    { "DHE-DSS-AES128-SHA256",
      "TLS_DHE_DSS_WITH_AES_128_CBC_SHA256" },
    { "DHE-DSS-AES128-GCM-SHA256",
      "TLS_DHE_DSS_WITH_AES_128_GCM_SHA256" },
    { "DHE-DSS-AES256-SHA",
      "TLS_DHE_DSS_WITH_AES_256_CBC_SHA" },
    { "DHE-DSS-AES256-SHA256",
      "TLS_DHE_DSS_WITH_AES_256_CBC_SHA256" },
    { "DHE-DSS-AES256-GCM-SHA384",
      "TLS_DHE_DSS_WITH_AES_256_GCM_SHA384" },
    { "DHE-DSS-ARIA128-GCM-SHA256",
      "TLS_DHE_DSS_WITH_ARIA_128_GCM_SHA256" },
    { "DHE-DSS-ARIA256-GCM-SHA384",
      "TLS_DHE_DSS_WITH_ARIA_256_GCM_SHA384" },
    { "DHE-DSS-CAMELLIA128-SHA",
      "TLS_DHE_DSS_WITH_CAMELLIA_128_CBC_SHA" },
    { "DHE-DSS-CAMELLIA128-SHA256",
      "TLS_DHE_DSS_WITH_CAMELLIA_128_CBC_SHA256" },
    { "DHE-DSS-CAMELLIA256-SHA",
      "TLS_DHE_DSS_WITH_CAMELLIA_256_CBC_SHA" },
    { "DHE-DSS-CAMELLIA256-SHA256",
      "TLS_DHE_DSS_WITH_CAMELLIA_256_CBC_SHA256" },
    { "DHE-PSK-AES128-CBC-SHA",
      "TLS_DHE_PSK_WITH_AES_128_CBC_SHA" },
    { "DHE-PSK-AES128-CBC-SHA256",
      "TLS_DHE_PSK_WITH_AES_128_CBC_SHA256" },
    { "DHE-PSK-AES128-CCM",
      "TLS_DHE_PSK_WITH_AES_128_CCM" },
    { "DHE-PSK-AES128-GCM-SHA256",
      "TLS_DHE_PSK_WITH_AES_128_GCM_SHA256" },
    { "DHE-PSK-AES256-CBC-SHA",
      "TLS_DHE_PSK_WITH_AES_256_CBC_SHA" },
    { "DHE-PSK-AES256-CBC-SHA384",
      "TLS_DHE_PSK_WITH_AES_256_CBC_SHA384" },
    { "DHE-PSK-AES256-CCM",
      "TLS_DHE_PSK_WITH_AES_256_CCM" },
    { "DHE-PSK-AES256-GCM-SHA384",
      "TLS_DHE_PSK_WITH_AES_256_GCM_SHA384" },
    { "DHE-PSK-ARIA128-GCM-SHA256",
      "TLS_DHE_PSK_WITH_ARIA_128_GCM_SHA256" },
    { "DHE-PSK-ARIA256-GCM-SHA384",
      "TLS_DHE_PSK_WITH_ARIA_256_GCM_SHA384" },
    { "DHE-PSK-CAMELLIA128-SHA256",
      "TLS_DHE_PSK_WITH_CAMELLIA_128_CBC_SHA256" },
    { "DHE-PSK-CAMELLIA256-SHA384",
      "TLS_DHE_PSK_WITH_CAMELLIA_256_CBC_SHA384" },
    { "DHE-PSK-CHACHA20-POLY1305",
      "TLS_DHE_PSK_WITH_CHACHA20_POLY1305_SHA256" },
    { "DHE-PSK-NULL-SHA",
      "TLS_DHE_PSK_WITH_NULL_SHA" },
    { "DHE-PSK-NULL-SHA256",
      "TLS_DHE_PSK_WITH_NULL_SHA256" },
    { "DHE-PSK-NULL-SHA384",
      "TLS_DHE_PSK_WITH_NULL_SHA384" },
    { "DHE-RSA-AES128-SHA",
      "TLS_DHE_RSA_WITH_AES_128_CBC_SHA" },
    { "DHE-RSA-AES128-SHA256",
      "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256" },
    { "DHE-RSA-AES128-CCM",
      "TLS_DHE_RSA_WITH_AES_128_CCM" },
    { "DHE-RSA-AES128-CCM8",
      "TLS_DHE_RSA_WITH_AES_128_CCM_8" },
    { "DHE-RSA-AES128-GCM-SHA256",
      "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256" },
    { "DHE-RSA-AES256-SHA",
      "TLS_DHE_RSA_WITH_AES_256_CBC_SHA" },
    { "DHE-RSA-AES256-SHA256",
      "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256" },
    { "DHE-RSA-AES256-CCM",
      "TLS_DHE_RSA_WITH_AES_256_CCM" },
    { "DHE-RSA-AES256-CCM8",
      "TLS_DHE_RSA_WITH_AES_256_CCM_8" },
    { "DHE-RSA-AES256-GCM-SHA384",
      "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384" },
    { "DHE-RSA-ARIA128-GCM-SHA256",
      "TLS_DHE_RSA_WITH_ARIA_128_GCM_SHA256" },
    { "DHE-RSA-ARIA256-GCM-SHA384",
      "TLS_DHE_RSA_WITH_ARIA_256_GCM_SHA384" },
    { "DHE-RSA-CAMELLIA128-SHA",
      "TLS_DHE_RSA_WITH_CAMELLIA_128_CBC_SHA" },
    { "DHE-RSA-CAMELLIA128-SHA256",
      "TLS_DHE_RSA_WITH_CAMELLIA_128_CBC_SHA256" },
    { "DHE-RSA-CAMELLIA256-SHA",
      "TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA" },
    { "DHE-RSA-CAMELLIA256-SHA256",
      "TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA256" },
    { "DHE-RSA-CHACHA20-POLY1305",
      "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256" },
    { "ADH-AES128-SHA",
      "TLS_DH_anon_WITH_AES_128_CBC_SHA" },
    { "ADH-AES128-SHA256",
      "TLS_DH_anon_WITH_AES_128_CBC_SHA256" },
    { "ADH-AES128-GCM-SHA256",
      "TLS_DH_anon_WITH_AES_128_GCM_SHA256" },
    { "ADH-AES256-SHA",
      "TLS_DH_anon_WITH_AES_256_CBC_SHA" },
    { "ADH-AES256-SHA256",
      "TLS_DH_anon_WITH_AES_256_CBC_SHA256" },
    { "ADH-AES256-GCM-SHA384",
      "TLS_DH_anon_WITH_AES_256_GCM_SHA384" },
    { "ADH-CAMELLIA128-SHA",
      "TLS_DH_anon_WITH_CAMELLIA_128_CBC_SHA" },
    { "ADH-CAMELLIA128-SHA256",
      "TLS_DH_anon_WITH_CAMELLIA_128_CBC_SHA256" },
    { "ADH-CAMELLIA256-SHA",
      "TLS_DH_anon_WITH_CAMELLIA_256_CBC_SHA" },
    { "ADH-CAMELLIA256-SHA256",
      "TLS_DH_anon_WITH_CAMELLIA_256_CBC_SHA256" },
    { "ECDHE-ECDSA-AES128-SHA",
      "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA" },
    { "ECDHE-ECDSA-AES128-SHA256",
      "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256" },
    { "ECDHE-ECDSA-AES128-CCM",
      "TLS_ECDHE_ECDSA_WITH_AES_128_CCM" },
    { "ECDHE-ECDSA-AES128-CCM8",
      "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8" },
    { "ECDHE-ECDSA-AES128-GCM-SHA256",
      "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" },
    { "ECDHE-ECDSA-AES256-SHA",
      "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA" },
    { "ECDHE-ECDSA-AES256-SHA384",
      "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384" },
    { "ECDHE-ECDSA-AES256-CCM",
      "TLS_ECDHE_ECDSA_WITH_AES_256_CCM" },
    { "ECDHE-ECDSA-AES256-CCM8",
      "TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8" },
    { "ECDHE-ECDSA-AES256-GCM-SHA384",
      "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" },
    { "ECDHE-ECDSA-ARIA128-GCM-SHA256",
      "TLS_ECDHE_ECDSA_WITH_ARIA_128_GCM_SHA256" },
    { "ECDHE-ECDSA-ARIA256-GCM-SHA384",
      "TLS_ECDHE_ECDSA_WITH_ARIA_256_GCM_SHA384" },
    { "ECDHE-ECDSA-CAMELLIA128-SHA256",
      "TLS_ECDHE_ECDSA_WITH_CAMELLIA_128_CBC_SHA256" },
    { "ECDHE-ECDSA-CAMELLIA256-SHA384",
      "TLS_ECDHE_ECDSA_WITH_CAMELLIA_256_CBC_SHA384" },
    { "ECDHE-ECDSA-CHACHA20-POLY1305",
      "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256" },
    { "ECDHE-ECDSA-NULL-SHA",
      "TLS_ECDHE_ECDSA_WITH_NULL_SHA" },
    { "ECDHE-PSK-AES128-CBC-SHA",
      "TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA" },
    { "ECDHE-PSK-AES128-CBC-SHA256",
      "TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA256" },
    { "ECDHE-PSK-AES256-CBC-SHA",
      "TLS_ECDHE_PSK_WITH_AES_256_CBC_SHA" },
    { "ECDHE-PSK-AES256-CBC-SHA384",
      "TLS_ECDHE_PSK_WITH_AES_256_CBC_SHA384" },
    { "ECDHE-PSK-CAMELLIA128-SHA256",
      "TLS_ECDHE_PSK_WITH_CAMELLIA_128_CBC_SHA256" },
    { "ECDHE-PSK-CAMELLIA256-SHA384",
      "TLS_ECDHE_PSK_WITH_CAMELLIA_256_CBC_SHA384" },
    { "ECDHE-PSK-CHACHA20-POLY1305",
      "TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256" },
    { "ECDHE-PSK-NULL-SHA",
      "TLS_ECDHE_PSK_WITH_NULL_SHA" },
    { "ECDHE-PSK-NULL-SHA256",
      "TLS_ECDHE_PSK_WITH_NULL_SHA256" },
    { "ECDHE-PSK-NULL-SHA384",
      "TLS_ECDHE_PSK_WITH_NULL_SHA384" },
    { "ECDHE-RSA-AES128-SHA",
      "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA" },
    { "ECDHE-RSA-AES128-SHA256",
      "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256" },
    { "ECDHE-RSA-AES128-GCM-SHA256",
      "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" },
    { "ECDHE-RSA-AES256-SHA",
      "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA" },
    { "ECDHE-RSA-AES256-SHA384",
      "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384" },
    { "ECDHE-RSA-AES256-GCM-SHA384",
      "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" },
    { "ECDHE-ARIA128-GCM-SHA256",
      "TLS_ECDHE_RSA_WITH_ARIA_128_GCM_SHA256" },
    { "ECDHE-ARIA256-GCM-SHA384",
      "TLS_ECDHE_RSA_WITH_ARIA_256_GCM_SHA384" },
    { "ECDHE-RSA-CAMELLIA128-SHA256",
      "TLS_ECDHE_RSA_WITH_CAMELLIA_128_CBC_SHA256" },
    { "ECDHE-RSA-CAMELLIA256-SHA384",
      "TLS_ECDHE_RSA_WITH_CAMELLIA_256_CBC_SHA384" },
    { "ECDHE-RSA-CHACHA20-POLY1305",
      "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256" },
    { "ECDHE-RSA-NULL-SHA",
      "TLS_ECDHE_RSA_WITH_NULL_SHA" },
    { "AECDH-AES128-SHA",
      "TLS_ECDH_anon_WITH_AES_128_CBC_SHA" },
    { "AECDH-AES256-SHA",
      "TLS_ECDH_anon_WITH_AES_256_CBC_SHA" },
    { "AECDH-NULL-SHA",
      "TLS_ECDH_anon_WITH_NULL_SHA" },
    { "DHE-PSK-AES128-CCM8",
      "TLS_PSK_DHE_WITH_AES_128_CCM_8" },
    { "DHE-PSK-AES256-CCM8",
      "TLS_PSK_DHE_WITH_AES_256_CCM_8" },
    { "PSK-AES128-CBC-SHA",
      "TLS_PSK_WITH_AES_128_CBC_SHA" },
    { "PSK-AES128-CBC-SHA256",
      "TLS_PSK_WITH_AES_128_CBC_SHA256" },
    { "PSK-AES128-CCM",
      "TLS_PSK_WITH_AES_128_CCM" },
    { "PSK-AES128-CCM8",
      "TLS_PSK_WITH_AES_128_CCM_8" },
    { "PSK-AES128-GCM-SHA256",
      "TLS_PSK_WITH_AES_128_GCM_SHA256" },
    { "PSK-AES256-CBC-SHA",
      "TLS_PSK_WITH_AES_256_CBC_SHA" },
    { "PSK-AES256-CBC-SHA384",
      "TLS_PSK_WITH_AES_256_CBC_SHA384" },
    { "PSK-AES256-CCM",
      "TLS_PSK_WITH_AES_256_CCM" },
    { "PSK-AES256-CCM8",
      "TLS_PSK_WITH_AES_256_CCM_8" },
    { "PSK-AES256-GCM-SHA384",
      "TLS_PSK_WITH_AES_256_GCM_SHA384" },
    { "PSK-ARIA128-GCM-SHA256",
      "TLS_PSK_WITH_ARIA_128_GCM_SHA256" },
    { "PSK-ARIA256-GCM-SHA384",
      "TLS_PSK_WITH_ARIA_256_GCM_SHA384" },
    { "PSK-CAMELLIA128-SHA256",
      "TLS_PSK_WITH_CAMELLIA_128_CBC_SHA256" },
    { "PSK-CAMELLIA256-SHA384",
      "TLS_PSK_WITH_CAMELLIA_256_CBC_SHA384" },
    { "PSK-CHACHA20-POLY1305",
      "TLS_PSK_WITH_CHACHA20_POLY1305_SHA256" },
    { "PSK-NULL-SHA",
      "TLS_PSK_WITH_NULL_SHA" },
    { "PSK-NULL-SHA256",
      "TLS_PSK_WITH_NULL_SHA256" },
    { "PSK-NULL-SHA384",
      "TLS_PSK_WITH_NULL_SHA384" },
    { "RSA-PSK-AES128-CBC-SHA",
      "TLS_RSA_PSK_WITH_AES_128_CBC_SHA" },
    { "RSA-PSK-AES128-CBC-SHA256",
      "TLS_RSA_PSK_WITH_AES_128_CBC_SHA256" },
    { "RSA-PSK-AES128-GCM-SHA256",
      "TLS_RSA_PSK_WITH_AES_128_GCM_SHA256" },
    { "RSA-PSK-AES256-CBC-SHA",
      "TLS_RSA_PSK_WITH_AES_256_CBC_SHA" },
    { "RSA-PSK-AES256-CBC-SHA384",
      "TLS_RSA_PSK_WITH_AES_256_CBC_SHA384" },
    { "RSA-PSK-AES256-GCM-SHA384",
      "TLS_RSA_PSK_WITH_AES_256_GCM_SHA384" },
    { "RSA-PSK-ARIA128-GCM-SHA256",
      "TLS_RSA_PSK_WITH_ARIA_128_GCM_SHA256" },
    { "RSA-PSK-ARIA256-GCM-SHA384",
      "TLS_RSA_PSK_WITH_ARIA_256_GCM_SHA384" },
    { "RSA-PSK-CAMELLIA128-SHA256",
      "TLS_RSA_PSK_WITH_CAMELLIA_128_CBC_SHA256" },
    { "RSA-PSK-CAMELLIA256-SHA384",
      "TLS_RSA_PSK_WITH_CAMELLIA_256_CBC_SHA384" },
    { "RSA-PSK-CHACHA20-POLY1305",
      "TLS_RSA_PSK_WITH_CHACHA20_POLY1305_SHA256" },
    { "RSA-PSK-NULL-SHA",
      "TLS_RSA_PSK_WITH_NULL_SHA" },
    { "RSA-PSK-NULL-SHA256",
      "TLS_RSA_PSK_WITH_NULL_SHA256" },
    { "RSA-PSK-NULL-SHA384",
      "TLS_RSA_PSK_WITH_NULL_SHA384" },
    { "AES128-SHA",
      "TLS_RSA_WITH_AES_128_CBC_SHA" },
    { "AES128-SHA256",
      "TLS_RSA_WITH_AES_128_CBC_SHA256" },
    { "AES128-CCM",
      "TLS_RSA_WITH_AES_128_CCM" },
    { "AES128-CCM8",
      "TLS_RSA_WITH_AES_128_CCM_8" },
    { "AES128-GCM-SHA256",
      "TLS_RSA_WITH_AES_128_GCM_SHA256" },
    { "AES256-SHA",
      "TLS_RSA_WITH_AES_256_CBC_SHA" },
    { "AES256-SHA256",
      "TLS_RSA_WITH_AES_256_CBC_SHA256" },
    { "AES256-CCM",
      "TLS_RSA_WITH_AES_256_CCM" },
    { "AES256-CCM8",
      "TLS_RSA_WITH_AES_256_CCM_8" },
    { "AES256-GCM-SHA384",
      "TLS_RSA_WITH_AES_256_GCM_SHA384" },
    { "ARIA128-GCM-SHA256",
      "TLS_RSA_WITH_ARIA_128_GCM_SHA256" },
    { "ARIA256-GCM-SHA384",
      "TLS_RSA_WITH_ARIA_256_GCM_SHA384" },
    { "CAMELLIA128-SHA",
      "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA" },
    { "CAMELLIA128-SHA256",
      "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA256" },
    { "CAMELLIA256-SHA",
      "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA" },
    { "CAMELLIA256-SHA256",
      "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA256" },
    { "NULL-MD5",
      "TLS_RSA_WITH_NULL_MD5" },
    { "NULL-SHA",
      "TLS_RSA_WITH_NULL_SHA" },
    { "NULL-SHA256",
      "TLS_RSA_WITH_NULL_SHA256" },
    { "SRP-DSS-AES-128-CBC-SHA",
      "TLS_SRP_SHA_DSS_WITH_AES_128_CBC_SHA" },
    { "SRP-DSS-AES-256-CBC-SHA",
      "TLS_SRP_SHA_DSS_WITH_AES_256_CBC_SHA" },
    { "SRP-RSA-AES-128-CBC-SHA",
      "TLS_SRP_SHA_RSA_WITH_AES_128_CBC_SHA" },
    { "SRP-RSA-AES-256-CBC-SHA",
      "TLS_SRP_SHA_RSA_WITH_AES_256_CBC_SHA" },
    { "SRP-AES-128-CBC-SHA",
      "TLS_SRP_SHA_WITH_AES_128_CBC_SHA" },
    { "SRP-AES-256-CBC-SHA",
      "TLS_SRP_SHA_WITH_AES_256_CBC_SHA" },
};

static const struct {
    const char *raw;
    enum tls_version version;
    const char *iana; /* NULL: not known */
    bool weak;
    enum tls_version low, high;
} others[] = {
#define NEW VERSION_TLS13, VERSION_TLS13
#define GCM VERSION_TLS12, VERSION_TLS12
#define OLD VERSION_TLS1, VERSION_TLS12
    /* rustls, BoringSSL */
    { "TLS13_AES_256_GCM_SHA384", 0, "TLS_AES_256_GCM_SHA384", false, NEW },
    { "TLS13_CHACHA20_POLY1305_SHA256", 0, "TLS_CHACHA20_POLY1305_SHA256",
      false, NEW },
    { "AEAD-AES256-GCM-SHA384", 0, "TLS_AES_256_GCM_SHA384", false, NEW },
    { "AEAD-AES128-GCM-SHA256", 0, "TLS_AES_128_GCM_SHA256", false, NEW },
    { "AEAD-CHACHA20-POLY1305-SHA256", 0, "TLS_CHACHA20_POLY1305_SHA256",
      false, NEW },
    /* GnuTLS */
    { "ECDHE_RSA_AES_256_GCM_SHA384", 0,
      "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", false, GCM },
    { "TLS_ECDHE_RSA_AES_256_GCM_SHA384", 0,
      "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", false, GCM },
    { "DHE_RSA_AES_256_CBC_SHA256", 0,
      "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256", false, GCM },
    { "RSA_AES_128_CBC_SHA1", 0, "TLS_RSA_WITH_AES_128_CBC_SHA", false, OLD },
    { "RSA_ARCFOUR_128_SHA1", 0, "TLS_RSA_WITH_RC4_128_SHA", true, OLD },
    { "RSA_ARCFOUR_MD5", 0, "TLS_RSA_WITH_RC4_128_MD5", true, OLD },
    { "RSA_3DES_EDE_CBC_SHA1", 0, "TLS_RSA_WITH_3DES_EDE_CBC_SHA", true, OLD },
    { "DH_ANON_AES_256_CBC_SHA1", 0, "TLS_DH_anon_WITH_AES_256_CBC_SHA", true,
      OLD },
    { "ECDHE_RSA_CHACHA20_POLY1305", 0,
      "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", false, GCM },
    { "ECDHE_X25519__RSA_PSS_RSAE_SHA256__AES_256_GCM", VERSION_TLS13,
      "TLS_AES_256_GCM_SHA384", false, NEW },
    { "ECDHE_SECP256R1__ECDSA_SECP256R1_SHA256__AES_128_GCM", VERSION_TLS13,
      "TLS_AES_128_GCM_SHA256", false, NEW },
    { "ECDHE_X25519__RSA_PSS_RSAE_SHA256__CHACHA20_POLY1305", VERSION_TLS13,
      "TLS_CHACHA20_POLY1305_SHA256", false, NEW },
    { "ECDHE_X25519__RSA_SHA512__AES_256_GCM", VERSION_TLS12,
      "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", false, GCM },
    { "DHE_FFDHE2048__RSA_SHA256__AES_128_GCM", VERSION_TLS12,
      "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", false, GCM },
    { "RSA__AES_128_CBC__SHA1", VERSION_TLS12,
      "TLS_RSA_WITH_AES_128_CBC_SHA", false, OLD },
    /* Exchange's curve, Java's SSL */
    { "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384_P384", 0,
      "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", false, GCM },
    { "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA_P256", 0,
      "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", false, OLD },
    { "SSL_RSA_WITH_RC4_128_MD5", 0, "TLS_RSA_WITH_RC4_128_MD5", true, OLD },
    /* .NET, Momentum: enough with TLS 1.3 only */
    { "Aes256, Sha384, None", VERSION_TLS13, "TLS_AES_256_GCM_SHA384", false,
      NEW },
    { "Aes128, Sha256, None", VERSION_TLS13, "TLS_AES_128_GCM_SHA256", false,
      NEW },
    { "Aes256, Sha384, DiffieHellmanEllipticKey384", VERSION_TLS12, NULL,
      false, GCM },
    { "TripleDes, Sha1, RsaKeyX", VERSION_TLS1, NULL, true, OLD },
    { "AES-256-GCM", VERSION_TLS13, "TLS_AES_256_GCM_SHA384", false, NEW },
    { "AES-256-GCM", 0, NULL, false, GCM },
    /* old names of OpenSSL */
    { "EDH-RSA-DES-CBC3-SHA", 0, "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA", true,
      OLD },
    { "DES-CBC3-SHA", 0, "TLS_RSA_WITH_3DES_EDE_CBC_SHA", true, OLD },
    { "DES-CBC-SHA", 0, "TLS_RSA_WITH_DES_CBC_SHA", true, OLD },
    { "RC4-MD5", 0, "TLS_RSA_WITH_RC4_128_MD5", true, OLD },
    { "ECDHE-RSA-RC4-SHA", 0, "TLS_ECDHE_RSA_WITH_RC4_128_SHA", true, OLD },
    { "EXP-RC4-MD5", 0, "TLS_RSA_EXPORT_WITH_RC4_40_MD5", true, OLD },
    { "EXP-EDH-RSA-DES-CBC-SHA", 0, "TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA",
      true, OLD },
    { "EXP1024-RC4-SHA", 0, NULL, true, OLD },
    { "IDEA-CBC-SHA", 0, "TLS_RSA_WITH_IDEA_CBC_SHA", true, OLD },
    { "ADH-AES256-SHA", 0, "TLS_DH_anon_WITH_AES_256_CBC_SHA", true, OLD },
    { "AECDH-AES256-SHA", 0, "TLS_ECDH_anon_WITH_AES_256_CBC_SHA", true, OLD },
    { "NULL-SHA", 0, "TLS_RSA_WITH_NULL_SHA", true, OLD },
    { "camellia256-sha", 0, "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA", false, OLD },
    /* nobody's */
    { "TLS_FANCY_NEW_SUITE", 0, NULL, false, OLD },
    { "OTHER", 0, NULL, false, OLD },
    { "", 0, NULL, false, OLD },
};
/* clang-format on */

static void test_openssl_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(standard); i++) {
        struct tls_cipher a, b;

        tls_cipher_read(str_from_cstr(standard[i].openssl), VERSION_UNSTATED,
                        &a);
        tls_cipher_read(str_from_cstr(standard[i].iana), VERSION_UNSTATED, &b);
        if (!a.known || !str_eq(a.name, str_from_cstr(standard[i].iana)))
            fail_msg("%s: %.*s", standard[i].openssl, STR_ARG(a.name));
        if (!b.known || !str_eq(b.name, str_from_cstr(standard[i].iana)))
            fail_msg("%s: %.*s", standard[i].iana, STR_ARG(b.name));
        assert_true(a.weak == b.weak);
        assert_true(tls_cipher_like(str_from_cstr(standard[i].openssl)));
    }
}

static void test_other_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(others); i++) {
        struct str raw = str_from_cstr(others[i].raw);
        struct tls_cipher c;

        tls_cipher_read(raw, others[i].version, &c);
        if (c.known != (others[i].iana != NULL) ||
            !str_eq(c.name, c.known ? str_from_cstr(others[i].iana) : raw) ||
            c.weak != others[i].weak || c.low != others[i].low ||
            c.high != others[i].high)
            fail_msg("%s: %.*s weak %d from %.*s to %.*s", others[i].raw,
                     STR_ARG(c.name), c.weak, STR_ARG(tls_version_name(c.low)),
                     STR_ARG(tls_version_name(c.high)));
    }
}

static void test_not_like_a_suite(void **state)
{
    static const char *const words[] = {
        "",       "TLS",       "ESMTPS",           "authenticated",
        "AES256", "mail-1",    "mx.example.com",   "user",
        "a-b-c",  "TLSv1.2",   "1sAbCd-0001AA",    "id-AES",
        "Exim",   "encrypted", "STARTTLS-NOTHING",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(words); i++)
        if (tls_cipher_like(str_from_cstr(words[i])))
            fail_msg("%s", words[i]);
}

/* IANA's own names are found, and nothing at the ends of the table. */
static void test_iana_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(others); i++)
        if (others[i].iana != NULL && others[i].version == 0) {
            struct tls_cipher c;

            tls_cipher_read(str_from_cstr(others[i].iana), VERSION_UNSTATED,
                            &c);
            assert_true(c.known);
        }
    assert_int_equal(tls_suite_find(STR("")).n, 0);
    assert_int_equal(tls_suite_find(STR("zzz")).n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_openssl_names),
        cmocka_unit_test(test_other_names),
        cmocka_unit_test(test_not_like_a_suite),
        cmocka_unit_test(test_iana_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
