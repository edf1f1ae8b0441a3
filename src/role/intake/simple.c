/* SPDX-License-Identifier: Apache-2.0 */
/* The commands that need no more than a reply: RSET NOOP VRFY HELP QUIT. */
#include "role/intake/session.h"

void cmd_rset(struct session *s, struct str argument)
{
    if (argument.n != 0) {
        session_reply(s, status_make(501, "5.5.4", "No parameters allowed"));
        return;
    }
    session_reset(s);
    session_reply(s, status_make(250, "2.0.0", "Ok"));
}

void cmd_noop(struct session *s, struct str argument)
{
    (void)argument;
    session_reply(s, status_make(250, "2.0.0", "Ok"));
}

/* Tells nobody which addresses exist (RFC 5321, 3.5.3 and 7.3). */
void cmd_vrfy(struct session *s, struct str argument)
{
    (void)argument;
    session_reply(s, status_make(252, "2.0.0", "Send some mail and see"));
}

void cmd_help(struct session *s, struct str argument)
{
    (void)argument;
    session_reply(s, status_make(214, "2.0.0", "See RFC 5321"));
}

void cmd_quit(struct session *s, struct str argument)
{
    (void)argument;
    session_reply(s, status_make(221, "2.0.0", "Bye"));
    session_close(s);
}
