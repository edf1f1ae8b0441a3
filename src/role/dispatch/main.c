/* SPDX-License-Identifier: Apache-2.0 */
/* postseal-dispatch: delivers what is due. See docs/architecture.md. */
#include "base/clock.h"
#include "base/panic.h"
#include "role/dispatch/dispatch.h"
#include "role/dispatch/guide.h"
#include "role/dispatch/held.h"
#include "role/dispatch/housekeep.h"
#include "role/dispatch/lease.h"
#include "role/dispatch/policystore.h"
#include "role/dispatch/signing.h"
#include "role/dispatch/watch.h"
#include "role/dispatch/worker.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_CONFIG = 3, EXIT_INTERNAL = 5 };

const struct secret *dispatch_route_secret(const struct dispatch *d,
                                           const struct route_config *route)
{
    if (route == NULL || route->auth_user.n == 0)
        return NULL;
    return &d->route_secrets[route - d->config->routes];
}

_Noreturn static void refuse(int code, const char *what, struct status st)
{
    log_event(LOG_ERROR, "start.failed", LOG_CSTR("what", what),
              LOG_CSTR("why", st.why));
    exit(code);
}

static void must(struct status st, int code, const char *what)
{
    if (!status_is_ok(st))
        refuse(code, what, st);
}

/* --- secrets, while the rights last ----------------------------------------
 */

static struct status read_secret(struct str path, struct secret *out)
{
    char name[512], text[SECRET_MAX + 1];
    struct status st = status_ok();

    snprintf(name, sizeof(name), "%.*s", STR_ARG(path));
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
    if (n < 0)
        st = status_defer("cannot read %s", name);
    else if (!secret_set(out, str_trim(str_of(text, (size_t)n))))
        st = status_defer("%s is too long for a password", name);
    explicit_bzero(text, sizeof(text));
    if (fd >= 0)
        close(fd);
    return st;
}

static void load_route_secrets(struct dispatch *d)
{
    const struct config *config = d->config;

    d->route_secrets = calloc(config->routes_n + 1, sizeof(struct secret));
    if (d->route_secrets == NULL)
        panic("out of memory");
    for (size_t i = 0; i < config->routes_n; i++)
        if (config->routes[i].auth_user.n > 0)
            must(read_secret(config->routes[i].auth_secret_file,
                             &d->route_secrets[i]),
                 EXIT_CONFIG, "route password");
}

static void load_keys(struct dispatch *d)
{
    char path[512];
    const struct config *config = d->config;

    must(rest_private_load(role_path(config, ROLE_DISPATCH_KEY, path), &d->key),
         EXIT_CONFIG, "dispatch key");
    must(rest_public_load(role_path(config, ROLE_DISPATCH_PUBLIC, path),
                          &d->own_public),
         EXIT_CONFIG, "dispatch key");
    if (config->portal.on)
        must(rest_public_load(role_path(config, ROLE_PORTAL_PUBLIC, path),
                              &d->portal_public),
             EXIT_CONFIG, "portal key");
    must(signer_open(config, &d->signer), EXIT_CONFIG, "dkim key");
    must(tls_trust_open(config->delivery.ca_file, &d->trust), EXIT_CONFIG,
         "CA file");
    must(pickup_templates_load(config->portal.template_dir, &d->templates),
         EXIT_CONFIG, "portal template");
    load_route_secrets(d);
}

/* --- start and stop ---------------------------------------------------------
 */

static void make_parts(struct dispatch *d)
{
    const struct delivery_config *delivery = &d->config->delivery;
    int64_t rest_max = 300000;

    /* A retry shorter than the rest would never connect. */
    if (delivery->retry_n > 0 && delivery->retry_ms[0] / 2 < rest_max)
        rest_max = delivery->retry_ms[0] / 2;
    d->yard = yard_new(delivery->connections_per_destination, rest_max);
    d->pool = pool_new(delivery->connections);
    d->held = held_new();
    d->guide = guide_new(d->posture);
}

/* After a crash of the whole gateway nothing has to wait for leases whose
 * holders are gone. After a crash of this role alone it has: a message that
 * ended it shall not do so again at once. */
static struct status reclaim_work(struct tx *tx, void *argument)
{
    (void)argument;
    return queue_reclaim(tx, clock_wall_ms());
}

static void *leaser(void *argument)
{
    lease_run(argument);
    return NULL;
}

/* Stop leasing, let running transactions end, give the rest back (QD-13). */
static void drain(struct dispatch *d, pthread_t leaser_thread,
                  struct crew **crew)
{
    pthread_join(leaser_thread, NULL);
    atomic_store(&d->stopping, true);
    /* The stop descriptor ends waits for servers that have no mail yet. */
    posture_give_up(d->posture);
    lease_give_back(d, yard_stop(d->yard));
    if (!held_wait_empty(d->held, ROLE_DRAIN_MS)) {
        /* What hangs on a slow server ends with us; its lease ends by
         * itself and the next process tries again. */
        log_event(LOG_WARNING, "drain.incomplete");
        store_close(&d->store);
        _exit(0);
    }
    crew_join(crew);
}

static void close_all(struct dispatch *d)
{
    pool_free(&d->pool);
    guide_free(&d->guide);
    posture_close(&d->posture);
    yard_free(&d->yard);
    store_close(&d->store);
    held_free(&d->held);
    signer_close(&d->signer);
    tls_trust_close(&d->trust);
    pickup_templates_free(&d->templates);
    rest_private_free(&d->key);
    rest_public_free(&d->own_public);
    rest_public_free(&d->portal_public);
    for (size_t i = 0; i < d->config->routes_n; i++)
        secret_wipe(&d->route_secrets[i]);
    free(d->route_secrets);
}

int main(int argc, char **argv)
{
    static struct dispatch d;
    char data_dir[512];
    pthread_t leaser_thread, keeper_thread;

    role_begin(&d.role, ROLE_DISPATCH, argc, argv);
    d.config = d.role.config;
    dispatch_clock_start();
    load_keys(&d);
    struct posture_store policies = policy_store_of(&d);
    struct watch *watch = NULL;
    must(posture_open(d.config, &policies, &d.posture), EXIT_CONFIG,
         "resolver");
    must(watch_open(&d, &watch), EXIT_CONFIG, "watch");
    role_confine(&d.role);
    snprintf(data_dir, sizeof(data_dir), "%.*s", STR_ARG(d.config->data_dir));
    must(store_open(data_dir, &d.store), EXIT_INTERNAL, "store");
    if (d.role.first)
        must(store_commit(d.store, reclaim_work, &d), EXIT_INTERNAL, "store");
    make_parts(&d);
    struct crew *crew = crew_start(&d);
    if (pthread_create(&leaser_thread, NULL, leaser, &d) != 0 ||
        pthread_create(&keeper_thread, NULL, housekeep_run, &d) != 0)
        panic("no thread for the leaser");
    watch_start(watch);
    log_event(LOG_NOTICE, "dispatch.started");
    role_ready(&d.role);
    if (role_wait(&d.role) == ROLE_RETIRES)
        role_retire(&d.role, NULL, NULL);
    drain(&d, leaser_thread, &crew);
    pthread_join(keeper_thread, NULL);
    if (!watch_stop(&watch)) {
        store_close(&d.store);
        _exit(0);
    }
    close_all(&d);
    log_event(LOG_NOTICE, "dispatch.ended");
    return 0;
}
