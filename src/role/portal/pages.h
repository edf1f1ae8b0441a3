/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The portal's pages. All work without script; the one that shows the message
 * is nicer with it. Every word a reader sees from the server stands in
 * pages.c, those of the script in web/portal/texts.ts.
 */
#ifndef POSTSEAL_ROLE_PORTAL_PAGES_H
#define POSTSEAL_ROLE_PORTAL_PAGES_H

#include "role/portal/portal.h"

enum notice_page {
    PAGE_HOME,
    PAGE_UNKNOWN,    /* 404: no such link */
    PAGE_EXPIRED,    /* 410 */
    PAGE_RECALLED,   /* 410 */
    PAGE_TOO_OLD,    /* 403: the code, not the message */
    PAGE_USED_UP,    /* 403: five wrong tries */
    PAGE_ELSEWHERE,  /* 403: asked for in another browser */
    PAGE_SLOW_DOWN,  /* 429 */
    PAGE_TOMORROW,   /* 429 */
    PAGE_NO_COOKIE,  /* 403: cookies are off, or not our form */
    PAGE_SIGNED_OUT, /* 403: the session ended */
    PAGE_METHOD,     /* 405 */
    PAGE_FAULT,      /* 503 */
};

/* A page that only says something, with the way on where there is one. */
void page_notice(struct visit *v, enum notice_page which);
/* The link's page: nothing of the message, one button. */
void page_welcome(struct visit *v);
/* The field for the code; wrong: the one before was not right. */
void page_code(struct visit *v, bool wrong);
/* The message's page, for a session. */
void page_reader(struct visit *v);

/* Appends text with & < > " ' escaped. */
void page_escape(struct str text, struct buf *out);

#endif
