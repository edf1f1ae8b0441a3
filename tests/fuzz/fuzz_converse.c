/* SPDX-License-Identifier: Apache-2.0 */
/* A server that says anything: replies are bounded, clean, or refused. */
#include "posture/converse.h"
#include "smtp/caps.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_clean(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || (unsigned char)*text >= 127)
            abort();
}

static void read_all(struct stream *stream)
{
    struct buf lines = { 0 };
    struct answer answer = { .lines = &lines };
    struct status why = status_ok();
    struct smtp_caps caps;

    while (answer_read(stream, 1000, &answer, &why)) {
        if (answer.code < 200 || answer.code > 599)
            abort();
        must_be_clean(answer.text);
        must_be_clean(answer_status(&answer, "peer").why);
        smtp_caps_parse(buf_str(&lines), &caps);
        buf_clear(&lines);
    }
    if (status_is_ok(why))
        abort();
    buf_free(&lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int pair[2];

    /* What fits the socket's buffer, so that one thread does. */
    if (size > 60000 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return 0;
    if (send(pair[1], data, size, MSG_DONTWAIT) == (ssize_t)size) {
        shutdown(pair[1], SHUT_WR);
        struct stream *stream = stream_from_fd(pair[0]);
        read_all(stream);
        stream_free(&stream);
    } else {
        close(pair[0]);
    }
    close(pair[1]);
    return 0;
}
