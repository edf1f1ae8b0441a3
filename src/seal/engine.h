/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the engines that lock a message (pgp, smime) have in common: bytes come
 * from a source and go to a sink, piece by piece, so that memory does not grow
 * with the message. Engines run in the sealer alone, one message at a time in
 * one thread; whatever they are given may be hostile.
 */
#ifndef POSTSEAL_SEAL_ENGINE_H
#define POSTSEAL_SEAL_ENGINE_H

#include "base/arena.h"
#include "base/status.h"
#include "base/str.h"

#include <sys/types.h>

struct seal_source {
    /* 1..n octets into to; 0 at the end; -1: broken, give up. */
    ssize_t (*read)(void *context, void *to, size_t n);
    void *context;
};

/* What *left holds; *left gets shorter, and must live as long. */
struct seal_source seal_from_memory(struct str *left);

struct seal_sink {
    /* False: nobody takes it any more, give up. */
    bool (*write)(void *context, const void *from, size_t n);
    void *context;
};

/*
 * What an engine makes is the content of the outer message from its Content-*
 * fields on: those fields (CR LF lines, without MIME-Version), the empty line
 * and the protected body. What it reads is the inner MIME entity as it is:
 * Content-* fields, protected header fields, empty line, body, CR LF lines. It
 * must come out octet for octet. Nothing that went into the sink counts unless
 * the engine returns ok: the caller throws it away.
 */

#endif
