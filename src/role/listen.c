/* SPDX-License-Identifier: Apache-2.0 */
#include "role/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BACKLOG = 4096, EXIT_CONFIG = 3 };

static void address_text(const struct sockaddr_storage *a, char out[64])
{
    char host[INET6_ADDRSTRLEN] = "?";

    if (a->ss_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)a;

        inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof(host));
        snprintf(out, 64, "[%s]:%u", host, ntohs(six->sin6_port));
    } else {
        const struct sockaddr_in *four = (const struct sockaddr_in *)a;

        inet_ntop(AF_INET, &four->sin_addr, host, sizeof(host));
        snprintf(out, 64, "%s:%u", host, ntohs(four->sin_port));
    }
}

static _Noreturn void cannot_listen(const struct sockaddr_storage *address)
{
    int error = errno;
    char text[64];

    address_text(address, text);
    fprintf(stderr, "postseal: cannot listen on %s: %s%s\n", text,
            strerror(error),
            error == EADDRINUSE ? " (is another server running there?)"
            : error == EACCES
                ? " (ports below 1024 need root or CAP_NET_BIND_SERVICE)"
                : "");
    exit(EXIT_CONFIG);
}

static int bind_one(const struct sockaddr_storage *address)
{
    socklen_t n = address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                 : sizeof(struct sockaddr_in);
    int one = 1;
    int fd = socket(address->ss_family,
                    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        cannot_listen(address);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (address->ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    if (bind(fd, (const struct sockaddr *)address, n) != 0 ||
        listen(fd, BACKLOG) != 0)
        cannot_listen(address);
    return fd;
}

size_t listen_bind(const struct config *config, enum role_name name, int *fds,
                   size_t max)
{
    size_t n = 0;

    if (name == ROLE_INTAKE)
        for (size_t i = 0; i < config->listens_n && n < max; i++)
            fds[n++] = bind_one(&config->listens[i].address);
    if (name == ROLE_PORTAL && config->portal.on && n < max)
        fds[n++] = bind_one(&config->portal.address);
    if (name == ROLE_CONSOLE && config->metrics_on && n < max)
        fds[n++] = bind_one(&config->metrics_address);
    return n;
}
