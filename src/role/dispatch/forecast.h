/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What would happen to a message: decides and dials through the same code as
 * delivery, up to the point where MAIL FROM would be sent. For `explain`.
 */
#ifndef POSTSEAL_DISPATCH_FORECAST_H
#define POSTSEAL_DISPATCH_FORECAST_H

#include "policy/decision.h"
#include "store/queue.h"

struct forecaster;

struct forecast_line {
    struct forecast_line *next;
    struct str text;
};

struct forecast {
    struct str recipient;
    struct decision decision;
    bool has_method;
    enum method method;
    bool later;     /* the rung waits for a fault to pass */
    bool our_fault; /* a resolver of ours failed: asked again, it may differ */
    struct str why;
    struct forecast_line *rules, *facts, *to_change;
};

/* offline: rules only. config must outlive it. */
struct status forecaster_open(const struct config *config, bool offline,
                              int64_t timeout_ms, struct forecaster **out);
void forecaster_close(struct forecaster **who);

/* header: the message's header block, or "". Texts live in arena. */
void forecast(struct forecaster *who, const struct message *message,
              struct str header, struct str recipient, struct arena *arena,
              struct forecast *out);

#endif
