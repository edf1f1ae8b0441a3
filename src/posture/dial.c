/* SPDX-License-Identifier: Apache-2.0 */
#include "posture/dial.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

struct demand dial_demand(const struct dial *dial, struct status *why)
{
    struct demand_facts facts = {
        .floor = dial->floor,
        .host = dial->host,
        .pin = dial->pin,
        .route = dial->route,
        .sts_enforced = dial->posture->sts.present &&
                        dial->posture->sts.mode == STS_ENFORCE,
        .waived = dial->waived,
    };
    struct demand demand = demand_of(&facts);

    if (demand.need == TLS_NEED_NEVER)
        *why = status_make(demand.may_pass ? 451 : 550,
                           demand.may_pass ? "4.7.5" : "5.7.5", "%.*s",
                           STR_ARG(dial->host->why));
    return demand;
}

size_t dial_order(const struct mx_host *host, size_t *out, size_t most)
{
    size_t n = 0, v4 = 0, v6 = 0;
    bool want_v6 =
        host->addresses_n > 0 && host->addresses[0].ss_family == AF_INET6;

    while (n < most && n < host->addresses_n) {
        size_t *next = want_v6 ? &v6 : &v4;

        while (*next < host->addresses_n &&
               (host->addresses[*next].ss_family == AF_INET6) != want_v6)
            (*next)++;
        if (*next < host->addresses_n)
            out[n++] = (*next)++;
        want_v6 = !want_v6;
    }
    return n;
}

void dial_address_text(const struct sockaddr_storage *address, char out[64])
{
    const struct sockaddr_in *v4 = (const void *)address;
    const struct sockaddr_in6 *v6 = (const void *)address;
    const void *octets = address->ss_family == AF_INET6
                             ? (const void *)&v6->sin6_addr
                             : (const void *)&v4->sin_addr;

    if (inet_ntop(address->ss_family, octets, out, 64) == NULL)
        snprintf(out, 64, "?");
}

/* What the handshake is checked against; in arena. */
static struct tls_client *client_of(const struct dial *dial, enum tls_need need,
                                    struct arena *arena)
{
    const struct mx_host *host = dial->host;
    struct tls_client *client = ARENA_NEW(arena, struct tls_client);
    struct tls_record *records =
        arena_array(arena, host->tlsa_n, sizeof(*records));

    for (size_t i = 0; i < host->tlsa_n; i++)
        records[i] =
            (struct tls_record){ host->tlsa[i].usage, host->tlsa[i].selector,
                                 host->tlsa[i].matching, host->tlsa[i].data };
    *client = (struct tls_client){
        .trust = dial->trust,
        .need = need,
        .reference = host->name,
        .tlsa = records,
        .tlsa_n = host->tlsa_n,
        .tlsa_base = host->tlsa_base,
        .spki_sha256 = dial->pin != NULL ? dial->pin->spki_sha256 : NULL,
        .spki_n = dial->pin != NULL ? dial->pin->spki_n : 0,
    };
    return client;
}

struct session_target dial_target(const struct dial *dial, enum tls_need need,
                                  const struct sockaddr_storage *address,
                                  int64_t connect_ms, struct arena *arena)
{
    const struct config *config = dial->config;
    const struct route_config *route = dial->route;

    return (struct session_target){
        .address = *address,
        .host = dial->host->name,
        .need = need,
        .tls = client_of(dial, need, arena),
        .sni = dial->host->tlsa_base.n > 0 ? dial->host->tlsa_base
                                           : dial->host->name,
        .wrapped = route != NULL && route->tls == LISTEN_TLS_IMPLICIT,
        .helo = config->hostname,
        .auth_user = route != NULL ? route->auth_user : STR(""),
        .auth_secret = dial->auth_secret,
        .auth_line = route != NULL ? route->line : 0,
        .connect_ms = connect_ms,
        .command_ms = config->delivery.command_timeout_ms,
        .data_ms = config->delivery.data_timeout_ms,
        .stop_fd = dial->stop_fd,
    };
}

/* An open delivery may go on in clear when TLS does not work out; the
 * evidence then says so (TP-02). */
static bool may_go_on_in_clear(enum tls_need need, const struct fault *fault,
                               const struct tls_seen *seen)
{
    return need == TLS_NEED_MAY && seen->offered && !seen->up &&
           (fault->kind == FAULT_PASSING || fault->kind == FAULT_LASTING);
}

struct fault dial_open(const struct session_target *target,
                       struct tls_seen *seen, struct session **out)
{
    struct fault fault = session_open(target, seen, out);

    if (may_go_on_in_clear(target->need, &fault, seen)) {
        struct session_target clear = *target;

        clear.no_tls = true;
        fault = session_open(&clear, seen, out);
    }
    return fault;
}
