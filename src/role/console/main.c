/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console role: for now the listener for machines that watch. /healthz says
 * that the process lives, /readyz that the store and the keys can be used and
 * the queue moves, /metrics is Prometheus text. Nothing here shows content,
 * addresses or secrets.
 */
#include "base/clock.h"
#include "net/http_server.h"
#include "role/console/figures.h"
#include "role/role.h"

#include <stdio.h>
#include <stdlib.h>

enum { EXIT_INTERNAL = 5, CONNECTIONS = 64, THREADS = 4, BODY_MAX = 0 };

struct console {
    const struct role *role;
    struct store *store;
};

static void must(struct status st)
{
    if (status_is_ok(st))
        return;
    log_event(LOG_ERROR, "role.start_failed", LOG_CSTR("why", st.why));
    exit(EXIT_INTERNAL);
}

static void answer_ready(struct console *c, struct http_exchange *x)
{
    struct status st = figures_ready(c->store, c->role->config);

    http_answer_text(x, status_is_ok(st) ? 200 : 503,
                     status_is_ok(st) ? STR("ready") : str_from_cstr(st.why));
}

static void answer_metrics(struct console *c, struct http_exchange *x)
{
    struct status st =
        figures_write(c->store, c->role->config, &x->answer.body);

    if (!status_is_ok(st)) {
        http_answer_text(x, 503, str_from_cstr(st.why));
        return;
    }
    x->answer.status = 200;
    x->answer.type = STR("text/plain; version=0.0.4; charset=utf-8");
}

static void handle(void *context, struct http_exchange *x)
{
    struct console *c = context;
    struct str path = x->request->path;

    if (x->request->method != HTTP_GET && x->request->method != HTTP_HEAD)
        http_answer_text(x, 405, STR("GET or HEAD"));
    else if (str_eq(path, STR("/healthz")))
        http_answer_text(x, 200, STR("ok"));
    else if (str_eq(path, STR("/readyz")))
        answer_ready(c, x);
    else if (str_eq(path, STR("/metrics")))
        answer_metrics(c, x);
    else
        http_answer_text(x, 404, STR("/metrics, /healthz, /readyz"));
}

static bool nobody_left(void *context)
{
    return http_server_retired(context);
}

int main(int argc, char **argv)
{
    struct role role;
    struct console c = { .role = &role };
    struct http_settings settings = {
        .body_max = BODY_MAX,
        .limits = { CONNECTIONS, CONNECTIONS, THREADS },
        .handle = handle,
        .context = &c,
    };
    struct http_server *server;
    char data_dir[512];
    bool broken;

    role_begin(&role, ROLE_CONSOLE, argc, argv);
    role_confine(&role);
    snprintf(data_dir, sizeof(data_dir), "%.*s",
             STR_ARG(role.config->data_dir));
    must(store_open(data_dir, &c.store));
    server = http_server_start(role.listen_fds, role.listen_fds_n, &settings);
    log_event(LOG_INFO, "role.ready", LOG_INT("listeners", role.listen_fds_n));
    role_ready(&role);
    if (role_wait(&role) == ROLE_RETIRES)
        role_retire(&role, nobody_left, server);
    http_server_stop(&server, 2000);
    broken = store_is_broken(c.store);
    store_close(&c.store);
    return broken ? EXIT_INTERNAL : 0;
}
