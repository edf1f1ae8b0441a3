/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One-time codes: asked for, mailed, tried. Everything a stranger can repeat is
 * counted in the transaction of the try itself (PO-03).
 */
#ifndef POSTSEAL_ROLE_PORTAL_CODE_H
#define POSTSEAL_ROLE_PORTAL_CODE_H

#include "role/portal/portal.h"

enum {
    CODE_DIGITS = 8,
    CODE_LIFE_MS = 15 * 60 * 1000,
    CODE_WINDOW_MS = 15 * 60 * 1000,
};

enum code_result {
    RESULT_OK,
    RESULT_WRONG,   /* code or PIN: not told which */
    RESULT_TOO_OLD, /* or none was asked for: ask for a fresh one */
    RESULT_USED_UP, /* five tries: ask for a fresh one */
    RESULT_ELSEWHERE /* asked for in another browser */,
    RESULT_SLOW_DOWN, /* too many from this address just now */
    RESULT_TOMORROW,  /* too many today, from here or for this message */
    RESULT_GONE,      /* ended in between */
    RESULT_FAULT,     /* of ours */
};

/* Mails a fresh code to the recipient; it replaces this browser's last. */
enum code_result code_ask(struct visit *v);
/* Tries what was typed; blanks and dashes are read over. On RESULT_OK the
 * session is open, its cookie set, and the opening audited. */
enum code_result code_enter(struct visit *v, struct str code, struct str pin);

#endif
