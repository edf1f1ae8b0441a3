/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cookies and what follows from them. Two kinds, both __Host-, HttpOnly and
 * SameSite: one that names the browser (a code is good only where it was asked
 * for, and form tokens are made from it), one a pickup for a session.
 */
#ifndef POSTSEAL_ROLE_PORTAL_VISIT_H
#define POSTSEAL_ROLE_PORTAL_VISIT_H

#include "role/portal/portal.h"

/* Reads the cookies; a browser without one is given one. */
void visit_browser(struct visit *v);
/* Looks the session up and begins its idle time anew. */
void visit_session(struct visit *v);
/* The hidden value of every form; bound to the browser's cookie. */
struct str visit_form_token(const struct visit *v);
/* A POST that comes from a form of ours in this browser (PO-06). */
bool visit_post_is_ours(const struct visit *v);

void visit_hash(struct str secret, unsigned char out[PORTAL_HASH]);
/* 32 random octets as text, in the visit's arena. */
struct str visit_new_secret(struct visit *v);
/* Adds Set-Cookie; an empty value takes the cookie away. */
void visit_set_cookie(struct visit *v, struct str name, struct str value);
/* Who tries: an IPv6 source is its /64. */
struct str visit_source(const struct visit *v);

#endif
