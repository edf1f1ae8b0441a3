/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/check_text.h"

#include "cli/check_evidence.h"
#include "cli/check_paint.h"
#include "cli/check_safe.h"

#include <string.h>
#include <unistd.h>

enum { ANSWER_WIDTH = 6, DOMAIN_WIDTH = 26, PART_WIDTH = 14 };

static enum paint paint_of(enum answer_can answer)
{
    static const enum paint paints[] = { [ANSWER_NO] = PAINT_BAD,
                                         [ANSWER_YES] = PAINT_GOOD,
                                         [ANSWER_UNKNOWN] = PAINT_FAIR };

    return paints[answer];
}

/* "cannot-tell" is too long for a column. */
static struct str short_name(enum answer_can answer)
{
    return answer == ANSWER_UNKNOWN ? STR("?") : answer_name(answer);
}

/* --- the answers ----------------------------------------------------------
 */

static void print_beside(struct str text)
{
    safe_wrap(text, PAINT_INDENT + ANSWER_WIDTH, PAINT_WIDTH, stdout);
}

/* above: the floor below this one, said just before; NULL: none. */
static void print_floor(const struct cli *cli, const struct floor_answer *a,
                        const struct floor_answer *above)
{
    struct str name = floor_name(a->floor);
    struct buf now = { 0 };

    printf("  %-*.*s", PAINT_INDENT - 2, STR_ARG(name));
    paint_word(cli, paint_of(a->can), short_name(a->can), ANSWER_WIDTH);
    if (above != NULL && str_eq(a->how, above->how) &&
        str_eq(a->message, above->message)) {
        print_beside(STR("the same"));
        return;
    }
    print_beside(a->how);
    if (a->message.n > 0) {
        buf_addf(&now, "now: %.*s", STR_ARG(a->message));
        printf("%*s", PAINT_INDENT + ANSWER_WIDTH, "");
        print_beside(buf_str(&now));
    }
    buf_free(&now);
}

static void print_answers(const struct cli *cli, const struct answers *a)
{
    for (size_t i = 0; i < ANSWER_FLOORS; i++)
        print_floor(cli, &a->floor[i], i == 0 ? NULL : &a->floor[i - 1]);
    printf("  %-*s", PAINT_INDENT - 2, "SP 800-52r2");
    paint_word(cli, paint_of(a->nist), short_name(a->nist), ANSWER_WIDTH);
    print_beside(a->nist_text);
    paint_labelled("health data", a->phi_text);
}

/* --- findings -------------------------------------------------------------
 */

static enum paint paint_of_severity(enum severity severity)
{
    static const enum paint paints[] = { [SEVERITY_INFO] = PAINT_PLAIN,
                                         [SEVERITY_NOTICE] = PAINT_PLAIN,
                                         [SEVERITY_WARNING] = PAINT_FAIR,
                                         [SEVERITY_ERROR] = PAINT_BAD };

    return paints[severity];
}

static void print_finding(const struct cli *cli, const struct finding *f)
{
    struct buf text = { 0 };
    bool named = f->host.n == 0 || str_find(f->text, f->host) < f->text.n;

    fputs("  ", stdout);
    paint_word(cli, paint_of_severity(f->severity), severity_name(f->severity),
               PAINT_INDENT - 2);
    if (!named)
        buf_addf(&text, "%.*s: ", STR_ARG(f->host));
    buf_addf(&text, "%.*s [%.*s]", STR_ARG(f->text), STR_ARG(f->id));
    safe_wrap(buf_str(&text), PAINT_INDENT, PAINT_WIDTH, stdout);
    buf_free(&text);
    paint_labelled("  mend", f->step);
    paint_record(f->record, PAINT_INDENT + 2);
}

static void print_findings(const struct cli *cli, const struct answers *a)
{
    if (a->findings_n == 0)
        return;
    fputs("\n", stdout);
    paint_word(cli, PAINT_BOLD, STR("What to mend"), 0);
    fputs("\n", stdout);
    for (size_t i = 0; i < a->findings_n; i++)
        print_finding(cli, &a->findings[i]);
}

/* --- our own side ---------------------------------------------------------
 */

static void print_own_fault(const struct cli *cli, const struct selftest *self)
{
    const struct self_fact *fault = check_own_fault(self);

    if (fault == NULL)
        return;
    fputs("  ", stdout);
    paint_word(cli, PAINT_BAD, STR("our side"), PAINT_INDENT - 2);
    safe_wrap(fault->text, PAINT_INDENT, PAINT_WIDTH, stdout);
    paint_labelled("  mend", fault->step);
}

void check_text_self(const struct cli *cli, const struct selftest *self)
{
    static const enum paint paints[] = { [SELF_GOOD] = PAINT_GOOD,
                                         [SELF_BAD] = PAINT_BAD,
                                         [SELF_UNKNOWN] = PAINT_FAIR };
    static const struct str words[] = { [SELF_GOOD] = STR_INIT("ok"),
                                        [SELF_BAD] = STR_INIT("fail"),
                                        [SELF_UNKNOWN] = STR_INIT("warn") };

    for (size_t i = 0; i < SELF_PARTS; i++) {
        const struct self_fact *f = &self->part[i];
        struct str name = self_part_name((enum self_part)i);

        paint_word(cli, paints[f->state], words[f->state], ANSWER_WIDTH);
        printf("%-*.*s", PART_WIDTH, STR_ARG(name));
        safe_wrap(f->text, ANSWER_WIDTH + PART_WIDTH, PAINT_WIDTH, stdout);
        if (f->state == SELF_GOOD || f->step.n == 0)
            continue;
        printf("%*s%-*s", ANSWER_WIDTH, "", PART_WIDTH, "  mend");
        safe_wrap(f->step, ANSWER_WIDTH + PART_WIDTH, PAINT_WIDTH, stdout);
    }
}

/* --- whole ----------------------------------------------------------------
 */

static void print_title(const struct cli *cli, struct str domain,
                        struct str text)
{
    paint_word(cli, PAINT_BOLD, domain, 0);
    fputs(": ", stdout);
    safe_wrap_from(text, domain.n + 2, 2, PAINT_WIDTH, stdout);
}

void check_text(const struct cli *cli, const struct check_result *result)
{
    print_title(cli, result->probe.domain, result->answers.summary);
    if (result->code == CLI_TEMPORARY)
        print_own_fault(cli, result->self);
    print_answers(cli, &result->answers);
    print_findings(cli, &result->answers);
    check_evidence(cli, &result->probe);
    fputs("\n", stdout);
    fflush(stdout);
}

void check_text_line_head(const struct cli *cli)
{
    paint_word(cli, PAINT_BOLD, STR("domain"), DOMAIN_WIDTH);
    paint_word(cli, PAINT_BOLD, STR("open"), ANSWER_WIDTH);
    paint_word(cli, PAINT_BOLD, STR("tls"), ANSWER_WIDTH);
    paint_word(cli, PAINT_BOLD, STR("verified"), ANSWER_WIDTH + 4);
    paint_word(cli, PAINT_BOLD, STR("how, or why not"), 0);
    fputs("\n", stdout);
}

/* "mx1.x.example: certificate expired" is about the certificate. */
static struct str without_host(struct str text)
{
    size_t colon = str_find(text, STR(": "));

    return colon < text.n && str_find_char(text, ' ') > colon
               ? str_from(text, colon + 2)
               : text;
}

/* What fits beside the columns, on a terminal; elsewhere the whole. */
static void print_short(struct str text)
{
    size_t room = PAINT_WIDTH - DOMAIN_WIDTH - 3 * ANSWER_WIDTH - 4;
    bool cut = isatty(STDOUT_FILENO) && text.n > room;
    struct buf clean = { 0 };

    safe_write(cut ? str_first(text, room - 2) : text, &clean);
    printf("%s%s", buf_cstr(&clean), cut ? ".." : "");
    buf_free(&clean);
}

void check_text_line(const struct cli *cli, const struct check_result *result)
{
    const struct answers *a = &result->answers;
    const struct floor_answer *verified = &a->floor[ANSWER_FLOORS - 1];

    paint_word(cli, PAINT_PLAIN, result->probe.domain, DOMAIN_WIDTH - 1);
    for (size_t i = 0; i < ANSWER_FLOORS; i++) {
        putchar(' ');
        paint_word(cli, paint_of(a->floor[i].can), short_name(a->floor[i].can),
                   i + 1 < ANSWER_FLOORS ? ANSWER_WIDTH - 1 : ANSWER_WIDTH + 4);
    }
    if (verified->can == ANSWER_YES)
        print_short(verified_by_name(verified->by));
    else
        print_short(without_host(verified->how));
    fputs("\n", stdout);
    fflush(stdout);
}

/* --- changes --------------------------------------------------------------
 */

static void add_change(const json_t *change, struct buf *out)
{
    const char *was = json_string_value(json_object_get(change, "was"));
    const char *now = json_string_value(json_object_get(change, "now"));

    if (was != NULL && now != NULL)
        buf_addf(out, "was %s, now %s", was[0] == '\0' ? "nothing" : was,
                 now[0] == '\0' ? "nothing" : now);
    else if (now != NULL)
        buf_addf(out, "new: %s", now);
    else
        buf_addf(out, "gone (was %s)", was == NULL ? "" : was);
}

void check_text_changes(const struct cli *cli, struct str domain,
                        const json_t *changes, const char *when)
{
    json_t *change;
    size_t i;

    paint_word(cli, PAINT_BOLD, domain, 0);
    if (when == NULL)
        fputs(" is not in the earlier run\n", stdout);
    else
        printf(" has changed since %.10s %.5s\n", when,
               strlen(when) > 11 ? when + 11 : "");
    json_array_foreach(changes, i, change)
    {
        struct buf text = { 0 };

        buf_addf(&text,
                 "%s: ", json_string_value(json_object_get(change, "what")));
        add_change(change, &text);
        fputs("  ", stdout);
        safe_wrap(buf_str(&text), 4, PAINT_WIDTH, stdout);
        buf_free(&text);
    }
    fflush(stdout);
}

/* --- replies --------------------------------------------------------------
 */

static void print_sender(const struct cli *cli, const char *label,
                         enum answer_can answer, struct str text)
{
    printf("  %-*s", PAINT_INDENT - 2, label);
    paint_word(cli, paint_of(answer), short_name(answer), ANSWER_WIDTH);
    safe_wrap(text, PAINT_INDENT + ANSWER_WIDTH, PAINT_WIDTH, stdout);
}

bool check_replies_forced(const struct replies *replies)
{
    return replies->good_tls == ANSWER_YES && replies->force != FORCE_NONE;
}

void check_text_replies(const struct cli *cli, const struct replies *r)
{
    bool forced = check_replies_forced(r);

    paint_word(cli, forced ? PAINT_GOOD : PAINT_FAIR,
               forced ? STR("Senders that look are made to use TLS.")
                      : STR("Protected replies cannot be guaranteed."),
               0);
    fputs("\n  ", stdout);
    safe_wrap(r->summary, 2, PAINT_WIDTH, stdout);
    fputs("\nAn answer by a sender who is\n", stdout);
    print_sender(cli, "careful", r->careful, r->careful_text);
    print_sender(cli, "ordinary", r->ordinary, r->ordinary_text);
    print_sender(cli, "careless", r->careless, r->careless_text);
    paint_labelled("in clear", r->clear_text);
    paint_labelled("they", r->theirs_text);
    if (r->remedies_n > 0)
        fputs("\nWhat makes it safer, strongest first\n", stdout);
    for (size_t i = 0; i < r->remedies_n; i++) {
        printf("  %zu. ", i + 1);
        paint_word(cli, PAINT_BOLD, r->remedies[i].title, 0);
        fputs("\n     ", stdout);
        safe_wrap(r->remedies[i].text, 5, PAINT_WIDTH, stdout);
        paint_record(r->remedies[i].record, 7);
    }
}
