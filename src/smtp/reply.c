/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/reply.h"

void smtp_reply_write(const struct status *st, struct buf *out)
{
    buf_addf(out, "%u %u.%u.%u %s\r\n", st->smtp, st->enh[0], st->enh[1],
             st->enh[2], st->why);
}
