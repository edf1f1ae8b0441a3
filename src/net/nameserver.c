/* SPDX-License-Identifier: Apache-2.0 */
#include "net/nameserver.h"

#include "base/clock.h"
#include "base/random.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DNS_PORT = 53, HEADER_OCTETS = 12 };

bool nameserver_add(struct nameservers *servers, struct str text)
{
    size_t at = str_find_char(text, '@');
    struct sockaddr_storage *address;
    char host[NAMESERVER_TEXT];
    uint64_t port = DNS_PORT;

    if (servers->n == NAMESERVERS_MAX || text.n >= NAMESERVER_TEXT ||
        (at < text.n && !str_to_u64(str_from(text, at + 1), 65535, &port)))
        return false;
    snprintf(host, sizeof(host), "%.*s", STR_ARG(str_first(text, at)));
    address = &servers->list[servers->n].address;
    struct sockaddr_in *v4 = (struct sockaddr_in *)address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
    *address = (struct sockaddr_storage){ 0 };
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
    } else if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
    } else {
        return false;
    }
    snprintf(servers->list[servers->n++].text, NAMESERVER_TEXT, "%.*s",
             STR_ARG(text));
    return true;
}

void nameservers_parse(struct str resolv_conf, struct nameservers *servers)
{
    struct str rest = resolv_conf, line;

    while (str_split(&rest, '\n', &line)) {
        line = str_trim(line);
        if (!str_starts(line, STR("nameserver")) || line.n < 11 ||
            !(line.p[10] == ' ' || line.p[10] == '\t'))
            continue;
        line = str_trim(str_from(line, 10));
        nameserver_add(servers, str_first(line, str_find_char(line, ' ')));
    }
}

bool nameservers_are_local(const struct nameservers *servers)
{
    for (size_t i = 0; i < servers->n; i++) {
        const struct sockaddr_storage *a = &servers->list[i].address;
        const struct sockaddr_in *v4 = (const void *)a;
        const struct sockaddr_in6 *v6 = (const void *)a;

        if (a->ss_family == AF_INET
                ? ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET
                : IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr))
            return true;
    }
    return false;
}

/* "." NS IN, recursion desired (RFC 1035, 4.1). */
static size_t question(unsigned char out[HEADER_OCTETS + 5])
{
    static const unsigned char rest[] = { 1, 0, 0, 1, 0, 0, 0, 0,
                                          0, 0, 0, 0, 2, 0, 1 };

    random_bytes(out, 2);
    memcpy(out + 2, rest, sizeof(rest));
    return 2 + sizeof(rest);
}

static int ask(const struct sockaddr_storage *to, const unsigned char *query,
               size_t n)
{
    socklen_t to_n = to->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                               : sizeof(struct sockaddr_in);
    int fd =
        socket(to->ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd >= 0 && (connect(fd, (const struct sockaddr *)to, to_n) != 0 ||
                    send(fd, query, n, MSG_NOSIGNAL) < 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool answers(int fd, const unsigned char *query)
{
    unsigned char reply[512];
    ssize_t n = recv(fd, reply, sizeof(reply), 0);

    return n >= HEADER_OCTETS && memcmp(reply, query, 2) == 0 &&
           (reply[2] & 0x80) != 0;
}

bool nameservers_answer(const struct nameservers *servers, int wait_ms)
{
    unsigned char query[HEADER_OCTETS + 5];
    size_t n = question(query), open = 0;
    struct pollfd fds[NAMESERVERS_MAX];
    int64_t end = clock_mono_ms() + wait_ms;
    bool found = false;

    for (size_t i = 0; i < servers->n; i++) {
        fds[i] = (struct pollfd){ ask(&servers->list[i].address, query, n),
                                  POLLIN, 0 };
        open += fds[i].fd >= 0;
    }
    while (open > 0 && !found) {
        int64_t left = end - clock_mono_ms();

        if (left <= 0 || poll(fds, (nfds_t)servers->n, (int)left) <= 0)
            break;
        for (size_t i = 0; i < servers->n; i++) {
            if (fds[i].fd < 0 || fds[i].revents == 0)
                continue;
            found |= answers(fds[i].fd, query);
            close(fds[i].fd);
            fds[i].fd = -1;
            open--;
        }
    }
    for (size_t i = 0; i < servers->n; i++)
        if (fds[i].fd >= 0)
            close(fds[i].fd);
    return found;
}
