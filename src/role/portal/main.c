/* SPDX-License-Identifier: Apache-2.0 */
/* The portal role: faces readers' browsers, opens pickups, and nothing else. */
#include "base/clock.h"
#include "net/tls.h"
#include "role/portal/portal.h"
#include "store/pickup_access.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    EXIT_CONFIG = 3,
    EXIT_INTERNAL = 5,
    CONNECTIONS = 4096,
    CONNECTIONS_PER_SOURCE = 64,
    THREADS = 64,
    BODY_MAX = 4096, /* two short numbers and a token */
    SWEEP_MS = 600000,
};

static void must(struct status st, int code)
{
    if (status_is_ok(st))
        return;
    log_event(LOG_ERROR, "role.start_failed", LOG_CSTR("why", st.why));
    exit(code);
}

static void load_keys(struct portal *p)
{
    const struct config *config = p->config;
    bool own = config->portal.certificate_file.n > 0;
    char path[512];

    if (!config->portal.behind_proxy)
        must(
            tls_server_new(own ? config->portal.certificate_file
                               : config->tls_certificate_file,
                           own ? config->portal.key_file : config->tls_key_file,
                           TLS_FOR_HTTP, &p->tls),
            EXIT_CONFIG);
    must(rest_private_load(role_path(config, ROLE_PORTAL_KEY, path), &p->own),
         EXIT_CONFIG);
    must(rest_public_load(role_path(config, ROLE_DISPATCH_PUBLIC, path),
                          &p->dispatch_public),
         EXIT_CONFIG);
    p->organisation = config->portal.organisation.n > 0
                          ? config->portal.organisation
                          : config->hostname;
}

static void ring(void *context)
{
    role_ring(context);
}

static struct status sweep_work(struct tx *tx, void *argument)
{
    const struct portal *p = argument;

    return access_sweep(tx, clock_wall_ms(), p->config->portal.session_ms);
}

/* Codes, counters and sessions past their time. */
static void *sweep(void *argument)
{
    struct portal *p = argument;
    struct pollfd stop = { p->role->stop, POLLIN, 0 };

    while (poll(&stop, 1, SWEEP_MS) <= 0) {
        struct status st = store_commit_soft(p->store, sweep_work, p);

        if (!status_is_ok(st))
            log_event(LOG_WARNING, "portal.sweep_failed",
                      LOG_CSTR("why", st.why));
    }
    return NULL;
}

static struct http_settings settings_of(struct portal *p)
{
    return (struct http_settings){
        .tls = p->tls,
        .host = str_from(p->config->portal.url, sizeof("https://") - 1),
        .https = true,
        .behind_proxy = p->config->portal.behind_proxy,
        .body_max = BODY_MAX,
        .limits = { CONNECTIONS,
                    p->config->portal.behind_proxy ? CONNECTIONS
                                                   : CONNECTIONS_PER_SOURCE,
                    THREADS },
        .handle = portal_handle,
        .context = p,
    };
}

static bool nobody_left(void *context)
{
    return http_server_retired(context);
}

int main(int argc, char **argv)
{
    struct role role;
    struct portal p = { .role = &role };
    struct http_settings settings;
    struct http_server *server;
    char data_dir[512];
    pthread_t sweeper;
    bool broken;

    role_begin(&role, ROLE_PORTAL, argc, argv);
    p.config = role.config;
    load_keys(&p);
    role_confine(&role);
    snprintf(data_dir, sizeof(data_dir), "%.*s",
             STR_ARG(role.config->data_dir));
    must(store_open(data_dir, &p.store), EXIT_INTERNAL);
    store_on_new_work(p.store, ring, &role);
    if (pthread_create(&sweeper, NULL, sweep, &p) != 0)
        must(status_defer("no thread could be started"), EXIT_INTERNAL);
    settings = settings_of(&p);
    server = http_server_start(role.listen_fds, role.listen_fds_n, &settings);
    log_event(LOG_INFO, "role.ready", LOG_INT("listeners", role.listen_fds_n));
    role_ready(&role);
    if (role_wait(&role) == ROLE_RETIRES)
        role_retire(&role, nobody_left, server);
    http_server_stop(&server, ROLE_DRAIN_MS);
    pthread_join(sweeper, NULL);
    broken = store_is_broken(p.store);
    store_close(&p.store);
    rest_private_free(&p.own);
    rest_public_free(&p.dispatch_public);
    tls_server_free(&p.tls);
    return broken ? EXIT_INTERNAL : 0;
}
