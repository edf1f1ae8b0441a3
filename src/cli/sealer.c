/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sealer.h"

#include "base/clock.h"
#include "role/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANSWER_MS = 120000, END_MS = 2000 };

struct status cli_sealer_start(const struct config *config,
                               struct cli_sealer *out)
{
    static const struct child_sockets none;
    char path[512];
    int ends[2];
    struct child child = { 0 };
    struct child_gifts gifts = { .config_path = path,
                                 .doorbell = -1,
                                 .metrics = -1,
                                 .quiet = true,
                                 .sockets = &none };

    *out = (struct cli_sealer){ .channel = -1 };
    if (config->file.n >= sizeof(path))
        return status_defer("the configuration's name is too long");
    memcpy(path, config->file.p, config->file.n);
    path[config->file.n] = '\0';
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return status_defer("no socket pair: %s", strerror(errno));
    gifts.sealer = ends[1];
    child_start(&child, ROLE_SEALER, &gifts, NULL);
    close(ends[1]);
    *out = (struct cli_sealer){ ends[0], (int)child.pid };
    if (child.pid > 0)
        return status_ok();
    cli_sealer_stop(out);
    return status_defer("postseal-sealer cannot be started: is it installed "
                        "beside postseal?");
}

void cli_sealer_stop(struct cli_sealer *sealer)
{
    int64_t end = clock_mono_ms() + END_MS;

    if (sealer->channel >= 0)
        close(sealer->channel);
    if (sealer->pid > 0)
        kill(sealer->pid, SIGTERM);
    while (sealer->pid > 0 && waitpid(sealer->pid, NULL, WNOHANG) == 0 &&
           clock_mono_ms() < end)
        poll(NULL, 0, 2);
    *sealer = (struct cli_sealer){ .channel = -1 };
}

struct status cli_sealer_ask(const struct cli_sealer *sealer,
                             const struct errand *errand, struct str octets,
                             struct arena *arena, struct errand_answer *out)
{
    struct seal_source source = seal_from_memory(&octets);

    return errand_ask(sealer->channel, errand, &source, NULL, ANSWER_MS, -1,
                      arena, out);
}
