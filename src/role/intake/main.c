/* SPDX-License-Identifier: Apache-2.0 */
/* The intake role: faces SMTP clients, seals, and can open nothing. */
#include "role/intake/session.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    EXIT_CONFIG = 3,
    EXIT_INTERNAL = 5,
    PASSWORDS_AT_ONCE = 2,
    THREADS_MAX = 512
};

static void must(struct status st, int code)
{
    if (status_is_ok(st))
        return;
    log_event(LOG_ERROR, "role.start_failed", LOG_CSTR("why", st.why));
    exit(code);
}

static void load_keys(struct intake *in)
{
    const struct config *config = in->config;
    char path[512];

    if (config->tls_certificate_file.n > 0)
        must(tls_server_new(config->tls_certificate_file, config->tls_key_file,
                            TLS_FOR_SMTP, &in->tls),
             EXIT_CONFIG);
    must(rest_public_load(role_path(config, ROLE_DISPATCH_PUBLIC, path),
                          &in->dispatch_key),
         EXIT_CONFIG);
}

static void ring(void *context)
{
    role_ring(context);
}

static void *open_session(void *context, size_t which, struct stream **stream)
{
    struct intake *in = context;

    return session_new(in, &in->config->listens[which], stream);
}

static int session_fd(void *session)
{
    return stream_fd(((struct session *)session)->stream);
}

static void session_expired(void *session, bool stopping)
{
    struct session *s = session;

    stream_deadline(s->stream, 0);
    stream_write(s->stream, stopping ? STR("421 4.3.2 Going down\r\n")
                                     : STR("421 4.4.2 Timeout\r\n"));
    stream_flush(s->stream);
    stream_shutdown(s->stream);
}

static struct str busy(void *context, size_t which, bool per_source)
{
    const struct intake *in = context;

    /* A client that waits for a handshake must not read clear text. */
    if (in->config->listens[which].tls == LISTEN_TLS_IMPLICIT)
        return STR("");
    return per_source ? STR("421 4.7.0 Too many connections from you\r\n")
                      : STR("421 4.3.2 Too many connections\r\n");
}

static struct listener *listen_all(struct intake *in, const struct role *role)
{
    const struct limits_config *limits = &in->config->limits;
    struct listener_callbacks callbacks = {
        .open = open_session,
        .step = session_step,
        .fd = session_fd,
        .expired = session_expired,
        .free = session_free,
        .busy = busy,
        .context = in,
    };
    struct listener_limits caps = {
        .connections = limits->connections,
        .connections_per_source = limits->connections_per_source,
        .threads = THREADS_MAX,
    };

    return listener_start(role->listen_fds, role->listen_fds_n, &callbacks,
                          &caps);
}

static bool nobody_left(void *context)
{
    return listener_count(context) == 0;
}

int main(int argc, char **argv)
{
    struct role role;
    struct intake in = { 0 };
    struct listener *listener;
    char data_dir[512];
    bool broken;

    role_begin(&role, ROLE_INTAKE, argc, argv);
    in.config = role.config;
    in.role = &role;
    load_keys(&in);
    role_confine(&role);
    snprintf(data_dir, sizeof(data_dir), "%.*s",
             STR_ARG(role.config->data_dir));
    must(store_open(data_dir, &in.store), EXIT_INTERNAL);
    store_on_new_work(in.store, ring, &role);
    in.auth_gate = auth_gate_new(PASSWORDS_AT_ONCE);
    listener = listen_all(&in, &role);
    log_event(LOG_INFO, "role.ready", LOG_INT("listeners", role.listen_fds_n));
    role_ready(&role);
    if (role_wait(&role) == ROLE_RETIRES) {
        listener_close(listener);
        role_retire(&role, nobody_left, listener);
    }
    listener_stop(&listener, ROLE_DRAIN_MS);
    broken = store_is_broken(in.store);
    store_close(&in.store);
    return broken ? EXIT_INTERNAL : 0;
}
