/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/check_csv.h"

#include "base/clock.h"
#include "cli/check_safe.h"

#include <string.h>

void check_csv_field(struct str s, struct buf *out)
{
    struct buf clean = { 0 };

    safe_write(s, &clean);
    buf_add_char(out, '"');
    if (clean.n > 0 && strchr("=+-@", clean.p[0]) != NULL)
        buf_add_char(out, '\'');
    for (size_t i = 0; i < clean.n; i++) {
        if (clean.p[i] == '"')
            buf_add_char(out, '"');
        buf_add_char(out, clean.p[i]);
    }
    buf_add_char(out, '"');
    buf_free(&clean);
}

void check_csv_head(FILE *out)
{
    fputs("domain,open,tls,verified,verified_by,now,nist_sp_800_52r2,"
          "mx_hosts,addresses,reached,with_starttls,mx_dnssec,mta_sts,tlsrpt,"
          "findings,summary,checked_at\r\n",
          out);
}

struct counts {
    size_t addresses, reached, with_tls;
};

static struct counts count(const struct probe *p)
{
    struct counts c = { 0 };

    for (size_t i = 0; i < p->hosts_n; i++)
        for (size_t k = 0; k < p->hosts[i].addresses_n; k++) {
            const struct probe_address *a = &p->hosts[i].addresses[k];

            c.addresses++;
            c.reached += a->reach == REACH_OPEN;
            c.with_tls += a->seen.offered || a->open_seen.offered;
        }
    return c;
}

static void add(struct buf *line, struct str s)
{
    if (line->n > 0)
        buf_add_char(line, ',');
    check_csv_field(s, line);
}

static void add_number(struct buf *line, size_t n)
{
    buf_addf(line, ",%zu", n);
}

/* "mx-no-starttls;no-tlsrpt": the worst first, each once. */
static void add_findings(struct buf *line, const struct answers *a)
{
    struct buf ids = { 0 };

    for (size_t i = 0; i < a->findings_n; i++) {
        bool again = false;

        for (size_t k = 0; k < i; k++)
            again = again || str_eq(a->findings[k].id, a->findings[i].id);
        if (again)
            continue;
        if (ids.n > 0)
            buf_add_char(&ids, ';');
        buf_add(&ids, a->findings[i].id);
    }
    add(line, buf_str(&ids));
    buf_free(&ids);
}

static struct str sts_word(const struct sts_policy *sts)
{
    static const struct str modes[] = { STR_INIT("none"), STR_INIT("testing"),
                                        STR_INIT("enforce") };

    return sts->present ? modes[sts->mode] : STR("");
}

static struct str dnssec_word(enum dns_state state)
{
    return state == DNS_SECURE     ? STR("secure")
           : state == DNS_INSECURE ? STR("insecure")
                                   : STR("failed");
}

void check_csv_line(const struct check_result *result, FILE *out)
{
    const struct probe *p = &result->probe;
    const struct answers *a = &result->answers;
    const struct floor_answer *verified = &a->floor[ANSWER_FLOORS - 1];
    struct counts counts = count(p);
    char when[CLOCK_ISO_SIZE];
    struct buf line = { 0 };

    add(&line, p->domain);
    for (size_t i = 0; i < ANSWER_FLOORS; i++)
        add(&line, answer_name(a->floor[i].can));
    add(&line, verified_by_name(verified->by));
    add(&line, answer_now_name(verified->now));
    add(&line, answer_name(a->nist));
    add_number(&line, p->hosts_n);
    add_number(&line, counts.addresses);
    add_number(&line, counts.reached);
    add_number(&line, counts.with_tls);
    add(&line, dnssec_word(p->posture.mx_state));
    add(&line, sts_word(&p->posture.sts));
    add(&line, p->tlsrpt.valid ? STR("yes") : STR("no"));
    add_findings(&line, a);
    add(&line, a->summary);
    add(&line, clock_iso(p->began_wall_ms, when));
    fwrite(line.p, 1, line.n, out);
    fputs("\r\n", out);
    fflush(out);
    buf_free(&line);
}
