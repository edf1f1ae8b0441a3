/* SPDX-License-Identifier: Apache-2.0 */
#include "posture/fetch.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/panic.h"
#include "posture/inside.h"
#include "posture/sts.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CA_MAX = 8 << 20 };
#define SYSTEM_CAS "/etc/ssl/certs/ca-certificates.crt"

struct fetcher {
    struct resolver *resolver;
    const struct config *config;
    struct buf cas; /* PEM */
    _Atomic bool given_up;
};

static struct status read_cas(struct str configured, struct buf *out)
{
    char path[512], block[65536];
    size_t n;

    snprintf(path, sizeof(path), "%.*s",
             STR_ARG(configured.n > 0 ? configured : STR(SYSTEM_CAS)));
    FILE *f = fopen(path, "rbe");
    if (f == NULL)
        /* Without public CAs no policy can be fetched; mail can be sent. */
        return configured.n == 0 ? status_ok()
                                 : status_defer("cannot read %s", path);
    while (out->n < CA_MAX && (n = fread(block, 1, sizeof(block), f)) > 0)
        buf_add(out, str_of(block, n));
    fclose(f);
    return status_ok();
}

struct status fetcher_open(struct resolver *resolver,
                           const struct config *config, struct fetcher **out)
{
    struct fetcher *f = calloc(1, sizeof(*f));

    if (f == NULL)
        panic("out of memory");
    curl_global_init(CURL_GLOBAL_DEFAULT);
    f->resolver = resolver;
    f->config = config;
    *out = f;
    return read_cas(config->delivery.ca_file, &f->cas);
}

void fetcher_give_up(struct fetcher *f)
{
    f->given_up = true;
}

void fetcher_close(struct fetcher **fetcher)
{
    if (*fetcher != NULL)
        buf_free(&(*fetcher)->cas);
    free(*fetcher);
    *fetcher = NULL;
}

struct body {
    struct buf text;
    size_t max;
};

static size_t collect(char *data, size_t size, size_t n, void *argument)
{
    struct body *body = argument;

    if (body->text.n + size * n > body->max)
        return 0;
    buf_add(&body->text, str_of(data, size * n));
    return size * n;
}

static bool may_reach(const struct delivery_config *delivery, bool v4,
                      uint16_t port, const void *octets)
{
    struct sockaddr_storage ss = { .ss_family = v4 ? AF_INET : AF_INET6 };
    struct sockaddr_in *four = (struct sockaddr_in *)&ss;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&ss;

    if (v4) {
        four->sin_port = htons(port);
        memcpy(&four->sin_addr, octets, sizeof(four->sin_addr));
    } else {
        six->sin6_port = htons(port);
        memcpy(&six->sin6_addr, octets, sizeof(six->sin6_addr));
    }
    return inside_allows(delivery, &ss);
}

/* "host:port:addr,addr": curl asks no resolver of its own. */
static struct status pin_addresses(struct resolver *resolver,
                                   const struct delivery_config *delivery,
                                   struct str host, uint16_t port,
                                   int64_t timeout_ms, struct arena *arena,
                                   struct curl_slist **out, bool *no_host)
{
    struct dns_question q[2] = { { .name = host, .type = DNS_A },
                                 { .name = host, .type = DNS_AAAA } };
    struct buf text = { 0 };
    size_t found = 0, refused = 0;

    resolver_ask(resolver, q, 2, timeout_ms, arena);
    buf_addf(&text, "%.*s:%u:", STR_ARG(host), (unsigned)port);
    for (int f = 0; f < 2; f++)
        for (size_t i = 0; q[f].state != DNS_ERROR && i < q[f].n; i++) {
            char address[64];

            if (q[f].rdata[i].n != (f == 0 ? 4u : 16u))
                continue;
            if (!may_reach(delivery, f == 0, port, q[f].rdata[i].p)) {
                refused++;
                continue;
            }
            inet_ntop(f == 0 ? AF_INET : AF_INET6, q[f].rdata[i].p, address,
                      sizeof(address));
            buf_addf(&text, f == 0 ? "%s%s" : "%s[%s]", found++ > 0 ? "," : "",
                     address);
        }
    if (found > 0)
        *out = curl_slist_append(NULL, buf_cstr(&text));
    buf_free(&text);
    if (found > 0)
        return status_ok();
    if (refused > 0)
        return status_defer("%.*s has a private address", STR_ARG(host));
    *no_host = q[0].state != DNS_ERROR && q[1].state != DNS_ERROR;
    return q[0].state == DNS_ERROR
               ? q[0].fault
               : status_defer("%.*s has no address", STR_ARG(host));
}

/* Asked by curl at least once a second; not 0 ends the fetch. */
static int goes_on(void *argument, curl_off_t a, curl_off_t b, curl_off_t c,
                   curl_off_t d)
{
    const struct fetcher *f = argument;

    (void)a, (void)b, (void)c, (void)d;
    return f->given_up;
}

static void set_up(CURL *curl, const struct fetcher *f, const char *url,
                   struct curl_slist *pinned, int64_t timeout_ms,
                   struct body *body)
{
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(curl, CURLOPT_RESOLVE, pinned);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(curl, CURLOPT_MAXFILESIZE, (long)body->max);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "postseal");
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, goes_on);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, f);
    struct curl_blob cas = { f->cas.p, f->cas.n, CURL_BLOB_NOCOPY };
    curl_easy_setopt(curl, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &cas);
}

static const char *fault_code(CURLcode rc)
{
    switch (rc) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
        return "4.7.5";
    case CURLE_WRITE_ERROR: /* more than a policy may have */
    case CURLE_FILESIZE_EXCEEDED:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_GOT_NOTHING:
        return "4.5.0";
    default:
        return "4.4.1";
    }
}

static struct status judge(CURL *curl, CURLcode rc, const char *words,
                           const struct fetch_request *r, bool *found)
{
    long code = 0;
    const char *type = NULL;

    if (rc != CURLE_OK)
        return status_make(451, fault_code(rc), "%s: %s", r->what,
                           words[0] != '\0' ? words : curl_easy_strerror(rc));
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
    *found = code != 404 && code != 410;
    if (*found && code != 200)
        return status_make(451, "4.5.0", "%s: HTTP status %ld", r->what, code);
    if (*found && r->type != NULL &&
        (type == NULL ||
         !str_starts_nocase(str_from_cstr(type), str_from_cstr(r->type))))
        return status_make(451, "4.5.0", "%s: not %s", r->what, r->type);
    return status_ok();
}

static struct status perform(struct fetcher *f, const struct fetch_request *r,
                             struct curl_slist *pinned, struct body *body,
                             bool *found)
{
    char url[1024], words[CURL_ERROR_SIZE] = "";
    CURL *curl = curl_easy_init();
    struct status st;

    if (curl == NULL)
        return status_defer("%s: no memory", r->what);
    snprintf(url, sizeof(url), "https://%.*s:%u%.*s", STR_ARG(r->host),
             (unsigned)r->port, STR_ARG(r->path));
    set_up(curl, f, url, pinned, r->timeout_ms, body);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, words);
    st = judge(curl, curl_easy_perform(curl), words, r, found);
    curl_easy_cleanup(curl);
    return st;
}

struct status fetch_get(struct fetcher *f, const struct fetch_request *r,
                        struct arena *arena, struct str *out, bool *found,
                        bool *no_host)
{
    int64_t end_mono_ms = clock_mono_ms() + r->timeout_ms;
    struct fetch_request rest = *r;
    struct curl_slist *pinned = NULL;
    struct body body = { .max = r->max_octets };
    bool nowhere = false;
    struct status st =
        pin_addresses(f->resolver, &f->config->delivery, r->host, r->port,
                      r->timeout_ms, arena, &pinned, &nowhere);

    /* One time limit for the look-up and the fetch. 0 would mean none. */
    rest.timeout_ms = end_mono_ms - clock_mono_ms();
    if (rest.timeout_ms < 1)
        rest.timeout_ms = 1;
    *found = false;
    if (no_host != NULL)
        *no_host = nowhere;
    if (nowhere && no_host != NULL)
        st = status_ok();
    else if (status_is_ok(st))
        st = perform(f, &rest, pinned, &body, found);
    if (status_is_ok(st) && *found)
        *out = str_keep(arena, buf_str(&body.text));
    curl_slist_free_all(pinned);
    buf_free(&body.text);
    return st;
}

struct status fetch_policy(struct fetcher *f, struct str domain,
                           int64_t timeout_ms, struct arena *arena,
                           struct str *out)
{
    struct fetch_request r = {
        .what = "MTA-STS policy fetch",
        .host = arena_printf(arena, "mta-sts.%.*s", STR_ARG(domain)),
        .path = STR("/.well-known/mta-sts.txt"),
        .port = f->config->delivery.sts_port,
        .max_octets = STS_BODY_MAX,
        .type = "text/plain",
        .timeout_ms = timeout_ms,
    };
    bool found;
    struct status st = fetch_get(f, &r, arena, out, &found, NULL);

    if (status_is_ok(st) && !found)
        st = status_make(451, "4.5.0",
                         "MTA-STS policy fetch: there is none on the server");
    return st;
}
