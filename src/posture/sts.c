/* SPDX-License-Identifier: Apache-2.0 */
#include "posture/sts.h"

/* --- the record --------------------------------------------------------- */

static bool is_id(struct str id)
{
    for (size_t i = 0; i < id.n; i++)
        if (!ascii_is_alnum(id.p[i]))
            return false;
    return id.n >= 1 && id.n <= 32;
}

bool sts_record_parse(struct str text, struct str *id)
{
    struct str rest = text, field;
    bool found = false;

    if (!str_split(&rest, ';', &field) ||
        !str_eq(str_trim(field), STR("v=STSv1")))
        return false;
    while (str_split(&rest, ';', &field)) {
        field = str_trim(field);
        if (!str_starts(field, STR("id=")) || found)
            continue;
        *id = str_from(field, 3);
        found = true;
    }
    return found && is_id(*id);
}

/* --- the policy ------------------------------------------------------------
 */

struct reading {
    struct sts_policy *policy;
    struct str *mx;
    bool version, mode, age;
};

static bool parse_mode(struct str value, enum sts_mode *out)
{
    if (str_eq(value, STR("enforce")))
        *out = STS_ENFORCE;
    else if (str_eq(value, STR("testing")))
        *out = STS_TESTING;
    else if (str_eq(value, STR("none")))
        *out = STS_NONE;
    else
        return false;
    return true;
}

/* Only the first of a key counts (3.2), but for mx. */
static bool take_key(struct reading *r, struct str key, struct str value)
{
    uint64_t age;

    if (str_eq(key, STR("version")) && !r->version) {
        r->version = str_eq(value, STR("STSv1"));
        return r->version;
    }
    if (str_eq(key, STR("mode")) && !r->mode) {
        r->mode = parse_mode(value, &r->policy->mode);
        return r->mode;
    }
    if (str_eq(key, STR("max_age")) && !r->age) {
        r->age = value.n <= 10 && str_to_u64(value, 9999999999, &age);
        r->policy->max_age_s = !r->age               ? 0
                               : age > STS_AGE_MAX_S ? STS_AGE_MAX_S
                                                     : (int64_t)age;
        return r->age;
    }
    if (str_eq(key, STR("mx"))) {
        if (r->policy->mx_n == STS_MX_MAX || value.n == 0 || value.n > 255)
            return false;
        r->mx[r->policy->mx_n++] = value;
    }
    return true;
}

struct status sts_policy_parse(struct str body, struct arena *arena,
                               struct sts_policy *out)
{
    struct reading r = { .policy = out };
    struct str rest = body, line;

    *out = (struct sts_policy){ .present = true, .body = body };
    r.mx = arena_array(arena, STS_MX_MAX, sizeof(*r.mx));
    out->mx = r.mx;
    if (body.n > STS_BODY_MAX)
        return status_defer("the MTA-STS policy is too long");
    while (str_split(&rest, '\n', &line)) {
        size_t colon;

        line = str_trim(line);
        if (line.n == 0)
            continue;
        colon = str_find_char(line, ':');
        if (colon >= line.n || !take_key(&r, str_trim(str_first(line, colon)),
                                         str_trim(str_from(line, colon + 1))))
            return status_defer("the MTA-STS policy is malformed");
    }
    if (!r.version || !r.mode || !r.age ||
        (out->mode != STS_NONE && out->mx_n == 0))
        return status_defer("the MTA-STS policy is incomplete");
    return status_ok();
}

static struct str no_dot(struct str name)
{
    if (str_ends(name, STR(".")))
        name.n--;
    return name;
}

static bool matches(struct str pattern, struct str host)
{
    if (!str_starts(pattern, STR("*.")))
        return str_eq_nocase(no_dot(pattern), host);
    size_t dot = str_find_char(host, '.');
    return dot > 0 && dot < host.n &&
           str_eq_nocase(no_dot(str_from(pattern, 2)), str_from(host, dot + 1));
}

bool sts_lists(const struct sts_policy *policy, struct str host)
{
    for (size_t i = 0; i < policy->mx_n; i++)
        if (matches(policy->mx[i], no_dot(host)))
            return true;
    return false;
}

bool sts_disjoint(const struct sts_policy *a, const struct sts_policy *b)
{
    for (size_t i = 0; i < a->mx_n; i++)
        for (size_t j = 0; j < b->mx_n; j++)
            if (str_eq_nocase(no_dot(a->mx[i]), no_dot(b->mx[j])) ||
                matches(a->mx[i], no_dot(b->mx[j])) ||
                matches(b->mx[j], no_dot(a->mx[i])))
                return false;
    return a->mx_n > 0 && b->mx_n > 0;
}
