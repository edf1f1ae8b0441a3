/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/check_look.h"

#include "base/clock.h"
#include "base/panic.h"

#include <pthread.h>
#include <stdlib.h>

enum {
    LOOK_MS = 60000,
    SELF_MS = 10000,
    SELF_AGAIN_MS = 60000 /* what was wrong a minute ago may be mended */
};

struct check_eye {
    const struct config *config;
    struct prober *prober;
    int64_t timeout_ms;
    /* The test of our own side: by one thread, for all. */
    pthread_mutex_t lock;
    struct arena arena;          /* of every test so far */
    const struct selftest *self; /* the newest */
    bool with_port;              /* it called others */
    int64_t tested_ms;
};

/* Three that everybody's mail reaches, so that nobody's fault alone counts. */
const struct str check_port_targets[] = { STR_INIT("gmail.com"),
                                          STR_INIT("outlook.com"),
                                          STR_INIT("yahoo.com") };
const size_t check_port_targets_n =
    sizeof(check_port_targets) / sizeof(check_port_targets[0]);

struct status check_eye_open(const struct config *config, int64_t timeout_ms,
                             struct check_eye **out)
{
    struct check_eye *eye = calloc(1, sizeof(*eye));
    struct status st;

    if (eye == NULL)
        panic("out of memory");
    eye->config = config;
    eye->timeout_ms = timeout_ms > 0 ? timeout_ms : LOOK_MS;
    pthread_mutex_init(&eye->lock, NULL);
    st = prober_open(config, &eye->prober);
    *out = eye;
    if (!status_is_ok(st))
        check_eye_close(out);
    return st;
}

void check_eye_close(struct check_eye **eye)
{
    struct check_eye *e = *eye;

    *eye = NULL;
    if (e == NULL)
        return;
    prober_close(&e->prober);
    pthread_mutex_destroy(&e->lock);
    arena_free(&e->arena);
    free(e);
}

static const struct selftest *own_side(struct check_eye *eye, bool with_port)
{
    struct self_wishes wishes = { 0 };
    int64_t limit = eye->timeout_ms < SELF_MS ? eye->timeout_ms : SELF_MS;

    pthread_mutex_lock(&eye->lock);
    if (eye->self == NULL || (with_port && !eye->with_port) ||
        clock_mono_ms() - eye->tested_ms > SELF_AGAIN_MS) {
        struct selftest *self = ARENA_NEW(&eye->arena, struct selftest);

        if (with_port)
            wishes.targets = check_port_targets;
        wishes.targets_n = with_port ? check_port_targets_n : 0;
        selftest_run(eye->config, &wishes, limit, &eye->arena, self);
        eye->self = self;
        eye->with_port = with_port;
        eye->tested_ms = clock_mono_ms();
    }
    const struct selftest *self = eye->self;
    pthread_mutex_unlock(&eye->lock);
    return self;
}

/* Something fell short: is it them? An expired certificate may be our clock,
 * an unknown issuer our CA file. */
static bool falls_short(const struct check_result *result)
{
    const struct floor_answer *verified =
        &result->answers.floor[FLOOR_VERIFIED];

    return verified->can != ANSWER_YES &&
           (verified->now != NOW_REFUSED ||
            result->probe.posture.mx_state != DNS_SECURE);
}

/* Nobody is called to see whether port 25 is open when that is known. */
static bool doubts_the_way_out(const struct check_result *result)
{
    for (size_t i = 0; i < ANSWER_FLOORS; i++)
        if (result->answers.floor[i].fault == ANSWER_FAULT_UNCLEAR)
            return !result->probe.resolver_dead;
    return false;
}

struct check_result *check_look(struct check_eye *eye, struct str domain,
                                struct arena *arena)
{
    struct check_result *result = ARENA_NEW(arena, struct check_result);

    probe_domain(eye->prober, domain, eye->timeout_ms, arena, &result->probe);
    answers_of(&result->probe, NULL, arena, &result->answers);
    if (falls_short(result)) {
        result->self = own_side(eye, doubts_the_way_out(result));
        answers_of(&result->probe, result->self, arena, &result->answers);
    }
    result->code = (enum cli_exit)answers_exit(&result->answers);
    return result;
}

const struct self_fact *check_own_fault(const struct selftest *self)
{
    static const enum self_part causes_first[SELF_PARTS] = {
        SELF_RESOLVER, SELF_CLOCK, SELF_ANCHOR, SELF_DNSSEC, SELF_CA, SELF_PORT
    };

    for (size_t i = 0; self != NULL && i < SELF_PARTS; i++)
        if (self->part[causes_first[i]].state == SELF_BAD)
            return &self->part[causes_first[i]];
    return NULL;
}

bool check_is_blind(const struct selftest *self)
{
    return self != NULL && (self->part[SELF_RESOLVER].state == SELF_BAD ||
                            self->part[SELF_DNSSEC].state == SELF_BAD ||
                            self->part[SELF_ANCHOR].state == SELF_BAD ||
                            self->part[SELF_CLOCK].state == SELF_BAD ||
                            self->part[SELF_CA].state == SELF_BAD);
}
