/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bug ends the process; the supervisor starts it again and nothing
 * acknowledged is lost. Never for bad input: that is a status.
 */
#ifndef POSTSEAL_BASE_PANIC_H
#define POSTSEAL_BASE_PANIC_H

/* Writes the message to stderr and aborts. */
_Noreturn void panic(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

#endif
