/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/trace_inner.h"

void trace_side(struct trace_work *w)
{
    (void)w;
}

void trace_signatures(struct trace_work *w)
{
    (void)w;
}
