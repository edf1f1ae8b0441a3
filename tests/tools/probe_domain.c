/* SPDX-License-Identifier: Apache-2.0 */
/* probe_domain CONFIG TIMEOUT_MS DOMAIN...: our own state, then facts and
 * answers of each domain, a line of JSON each. */
#include "base/buf.h"
#include "posture/replies.h"

#include <stdio.h>
#include <stdlib.h>

static void text(struct buf *out, const char *key, struct str value)
{
    buf_addf(out, "\"%s\":\"", key);
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];

        if (c == '"' || c == '\\')
            buf_addf(out, "\\%c", c);
        else if (c < ' ' || c >= 127)
            buf_addf(out, "\\u%04x", c);
        else
            buf_add_char(out, (char)c);
    }
    buf_add_cstr(out, "\"");
}

static void address(struct buf *out, const struct probe_host *h,
                    const struct probe_address *a)
{
    static const char *const trials[] = { "none", "yes", "no", "unknown" };

    buf_add_cstr(out, "{");
    text(out, "host", h->mx->name);
    buf_add_cstr(out, ",");
    text(out, "address", str_from_cstr(a->text));
    buf_add_cstr(out, ",");
    text(out, "version", str_from_cstr(a->seen.version));
    buf_add_cstr(out, ",");
    text(out, "fault", str_from_cstr(a->fault.why.why));
    buf_addf(out,
             ",\"reach\":%d,\"connect_ms\":%u,\"starttls\":%s,\"trusted\":%s,"
             "\"requiretls\":%s,\"tlsa_match\":%d,\"chain\":%zu,\"versions\":[",
             a->reach, a->connect_ms, a->caps.starttls ? "true" : "false",
             a->trusted ? "true" : "false",
             a->caps_tls.requiretls ? "true" : "false", a->tlsa_match,
             a->chain_n);
    for (int v = 0; v < PROBE_VERSIONS; v++)
        buf_addf(out, "%s\"%s\"", v > 0 ? "," : "",
                 trials[a->version[v].result]);
    buf_add_cstr(out, "]}");
}

static void floors(struct buf *out, const struct answers *answers)
{
    for (int f = 0; f < ANSWER_FLOORS; f++) {
        const struct floor_answer *a = &answers->floor[f];

        buf_addf(out, "%s\"%.*s\":{", f > 0 ? "," : "",
                 STR_ARG(floor_name(a->floor)));
        text(out, "can", answer_name(a->can));
        buf_add_cstr(out, ",");
        text(out, "now", answer_now_name(a->now));
        buf_add_cstr(out, ",");
        text(out, "fault", answer_fault_name(a->fault));
        buf_add_cstr(out, ",");
        text(out, "by", verified_by_name(a->by));
        buf_add_cstr(out, ",");
        text(out, "host", a->host);
        buf_add_cstr(out, ",");
        text(out, "how", a->how);
        buf_addf(out, ",\"encrypted\":%s}", a->encrypted ? "true" : "false");
    }
}

static void findings(struct buf *out, const struct answers *answers)
{
    for (size_t i = 0; i < answers->findings_n; i++) {
        const struct finding *f = &answers->findings[i];

        buf_add_cstr(out, i > 0 ? ",{" : "{");
        text(out, "id", f->id);
        buf_add_cstr(out, ",");
        text(out, "severity", severity_name(f->severity));
        buf_add_cstr(out, ",");
        text(out, "fault", answer_fault_name(f->fault));
        buf_add_cstr(out, ",");
        text(out, "host", f->host);
        buf_add_cstr(out, ",");
        text(out, "text", f->text);
        buf_add_cstr(out, ",");
        text(out, "step", f->step);
        buf_add_cstr(out, ",");
        text(out, "record", f->record);
        buf_add_cstr(out, "}");
    }
}

static void reply_side(struct buf *out, const struct replies *r)
{
    buf_add_cstr(out, "\"replies\":{");
    text(out, "force", replies_force_name(r->force));
    buf_add_cstr(out, ",");
    text(out, "good_tls", answer_name(r->good_tls));
    buf_add_cstr(out, ",");
    text(out, "any_tls", answer_name(r->any_tls));
    buf_add_cstr(out, ",");
    text(out, "summary", r->summary);
    buf_addf(out, ",\"remedies\":%zu}", r->remedies_n);
}

static void ourselves(const struct selftest *self)
{
    struct buf out = { 0 };

    buf_add_cstr(&out, "{");
    for (int i = 0; i < SELF_PARTS; i++) {
        struct str name = self_part_name((enum self_part)i);
        struct str state = self_state_name(self->part[i].state);

        buf_addf(&out, "\"%.*s\":\"%.*s\",", STR_ARG(name), STR_ARG(state));
        char key[64];

        snprintf(key, sizeof(key), "%.*s_text", STR_ARG(name));
        text(&out, key, self->part[i].text);
        buf_add_cstr(&out, ",");
    }
    buf_addf(&out, "\"cas\":%zu}", self->cas_n);
    puts(buf_cstr(&out));
    buf_free(&out);
}

static void one(struct prober *prober, const struct selftest *self,
                struct str domain, int64_t timeout_ms)
{
    struct arena arena = { 0 };
    struct buf out = { 0 };
    struct probe p;
    struct answers answers;
    struct replies replies;

    probe_domain(prober, domain, timeout_ms, &arena, &p);
    answers_of(&p, self, &arena, &answers);
    replies_of(&p, &answers, NULL, NULL, &arena, &replies);
    buf_add_cstr(&out, "{");
    text(&out, "domain", domain);
    buf_addf(&out, ",\"took_ms\":%u,\"exit\":%d,\"floors\":{", p.took_ms,
             answers_exit(&answers));
    floors(&out, &answers);
    buf_add_cstr(&out, "},");
    text(&out, "nist", answer_name(answers.nist));
    buf_add_cstr(&out, ",");
    text(&out, "nist_text", answers.nist_text);
    buf_add_cstr(&out, ",");
    text(&out, "summary", answers.summary);
    buf_add_cstr(&out, ",");
    reply_side(&out, &replies);
    buf_add_cstr(&out, ",\"findings\":[");
    findings(&out, &answers);
    buf_add_cstr(&out, "],\"addresses\":[");
    for (size_t h = 0, n = 0; h < p.hosts_n; h++)
        for (size_t k = 0; k < p.hosts[h].addresses_n; k++) {
            buf_add_cstr(&out, n++ > 0 ? "," : "");
            address(&out, &p.hosts[h], &p.hosts[h].addresses[k]);
        }
    buf_add_cstr(&out, "]}");
    puts(buf_cstr(&out));
    fflush(stdout);
    buf_free(&out);
    arena_free(&arena);
}

int main(int argc, char **argv)
{
    struct config_errors errors = { 0 };
    struct config *config = argc > 3 ? config_load(argv[1], &errors) : NULL;
    struct prober *prober;

    if (config == NULL || !status_is_ok(prober_open(config, &prober)))
        return 2;
    struct arena arena = { 0 };
    struct selftest self;
    struct self_wishes wishes = { 0 };
    selftest_run(config, &wishes, 10000, &arena, &self);
    ourselves(&self);
    for (int i = 3; i < argc; i++)
        one(prober, &self, str_from_cstr(argv[i]), atoi(argv[2]));
    arena_free(&arena);
    prober_close(&prober);
    config_free(&config);
    return 0;
}
