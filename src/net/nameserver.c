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

enum { DNS_PORT = 53, HEADER_OCTETS = 12, REPLY_MAX = 4096 };

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

enum { TYPE_NS = 2, TYPE_SOA = 6, TYPE_RRSIG = 46, QUERY_OCTETS = 28 };

/* "." TYPE IN, recursion desired, signatures wanted (RFC 1035, 4.1; RFC 6891,
 * 6.1; RFC 3225). */
static void question(unsigned char type, unsigned char out[QUERY_OCTETS])
{
    static const unsigned char rest[] = {
        1, 0, 0,  1,                      /* RD, one question */
        0, 0, 0,  0, 0,    1,             /* one additional record */
        0, 0, 0,  0, 1,                   /* ".", type, IN */
        0, 0, 41, 4, 0xd0, 0, 0, 0x80, 0, /* OPT, 1232 octets, DO */
        0, 0,
    };

    random_bytes(out, 2);
    memcpy(out + 2, rest, sizeof(rest));
    out[14] = type;
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

static size_t answer(int fd, const unsigned char *query, unsigned char *reply,
                     size_t cap)
{
    ssize_t n = recv(fd, reply, cap, 0);
    bool good = n >= HEADER_OCTETS && memcmp(reply, query, 2) == 0 &&
                (reply[2] & 0x80) != 0;

    return good ? (size_t)n : 0;
}

/* The first reply of any of them; 0: none came in time. */
static size_t exchange(const struct nameservers *servers, unsigned char type,
                       int wait_ms, unsigned char *reply, size_t cap)
{
    unsigned char query[QUERY_OCTETS];
    struct pollfd fds[NAMESERVERS_MAX];
    int64_t end = clock_mono_ms() + wait_ms;
    size_t open = 0, got = 0;

    question(type, query);
    for (size_t i = 0; i < servers->n; i++) {
        fds[i] = (struct pollfd){
            ask(&servers->list[i].address, query, sizeof(query)), POLLIN, 0
        };
        open += fds[i].fd >= 0;
    }
    while (open > 0 && got == 0) {
        int64_t left = end - clock_mono_ms();

        if (left <= 0 || poll(fds, (nfds_t)servers->n, (int)left) <= 0)
            break;
        for (size_t i = 0; i < servers->n && got == 0; i++) {
            if (fds[i].fd < 0 || fds[i].revents == 0)
                continue;
            got = answer(fds[i].fd, query, reply, cap);
            close(fds[i].fd);
            fds[i].fd = -1;
            open--;
        }
    }
    for (size_t i = 0; i < servers->n; i++)
        if (fds[i].fd >= 0)
            close(fds[i].fd);
    return got;
}

bool nameservers_answer(const struct nameservers *servers, int wait_ms)
{
    unsigned char reply[REPLY_MAX];

    return exchange(servers, TYPE_NS, wait_ms, reply, sizeof(reply)) > 0;
}

/* --- the times of the root's signatures -----------------------------------
 */

static uint32_t number(const char *p, size_t octets)
{
    uint32_t n = 0;

    while (octets-- > 0)
        n = n << 8 | (unsigned char)*p++;
    return n;
}

/* Steps over a name, compressed or not. */
static bool skip_name(struct str *rest)
{
    for (;;) {
        if (rest->n == 0)
            return false;
        size_t label = (unsigned char)rest->p[0];
        size_t used = label >= 0xc0 ? 2 : label + 1;

        if ((label > 63 && label < 0xc0) || used > rest->n)
            return false;
        *rest = str_from(*rest, used);
        if (label == 0 || label >= 0xc0)
            return true;
    }
}

bool nameserver_reply_times(struct str reply, struct signature_times *out)
{
    struct str rest = str_from(reply, HEADER_OCTETS);

    if (reply.n < HEADER_OCTETS || number(reply.p + 4, 2) != 1 ||
        !skip_name(&rest) || rest.n < 4)
        return false;
    rest = str_from(rest, 4);
    for (uint32_t left = number(reply.p + 6, 2); left > 0; left--) {
        if (!skip_name(&rest) || rest.n < 10)
            return false;
        uint32_t type = number(rest.p, 2);
        size_t n = number(rest.p + 8, 2);

        rest = str_from(rest, 10);
        if (n > rest.n)
            return false;
        /* RFC 4034, 3.1: expiration and inception, seconds since 1970. */
        if (type == TYPE_RRSIG && n >= 18) {
            out->until_s = number(rest.p + 8, 4);
            out->from_s = number(rest.p + 12, 4);
            return true;
        }
        rest = str_from(rest, n);
    }
    return false;
}

bool nameservers_root_times(const struct nameservers *servers, int wait_ms,
                            struct signature_times *out)
{
    unsigned char reply[REPLY_MAX];
    size_t n = exchange(servers, TYPE_SOA, wait_ms, reply, sizeof(reply));

    return n > 0 && nameserver_reply_times(str_of(reply, n), out);
}
