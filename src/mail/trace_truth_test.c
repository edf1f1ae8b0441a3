/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines that real receivers wrote, with what is known of the way
 * (tests/truth): the file is the program's argument.
 */
#include "mail/trace.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *truth_file;

static struct str get_str(json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text == NULL ? STR("") : str_from_cstr(text);
}

/* The line as if the client were not on this machine. */
static struct str from_afar(json_t *row, struct arena *arena)
{
    struct str rest = get_str(row, "received"), ip = get_str(row, "ip");
    struct str line = STR("");
    size_t at;

    while ((at = str_find(rest, ip)) < rest.n) {
        line = arena_printf(arena, "%.*s%.*s192.0.2.9", STR_ARG(line),
                            STR_ARG(str_first(rest, at)));
        rest = str_from(rest, at + ip.n);
    }
    return arena_printf(arena, "%.*s%.*sSubject: truth\n", STR_ARG(line),
                        STR_ARG(rest));
}

static void check_str(struct str got, struct str want, json_t *row)
{
    if (!str_eq(got, want))
        fail_msg("\"%.*s\" instead of \"%.*s\" from: %.*s", STR_ARG(got),
                 STR_ARG(want), STR_ARG(get_str(row, "received")));
}

static void check_certificate(const struct hop_tls *tls, json_t *allowed,
                              json_t *row)
{
    struct str got = client_certificate_name(tls->client_certificate);

    for (size_t i = 0; i < json_array_size(allowed); i++)
        if (str_eq(got, str_from_cstr(
                            json_string_value(json_array_get(allowed, i)))))
            return;
    fail_msg("certificate \"%.*s\" from: %.*s", STR_ARG(got),
             STR_ARG(get_str(row, "received")));
}

static void check_hop(const struct hop *hop, json_t *row)
{
    json_t *expected = json_object_get(row, "expected");
    json_int_t bits = json_integer_value(json_object_get(expected, "bits"));

    check_str(hop->by, get_str(row, "by"), row);
    check_str(hop->helo, get_str(row, "helo"), row);
    check_str(hop->with, get_str(expected, "with"), row);
    assert_true(str_ends(hop->ip, STR("192.0.2.9")));
    check_str(hop_state_name(hop->state), get_str(expected, "state"), row);
    check_str(hop_evidence_name(hop->evidence), get_str(expected, "evidence"),
              row);
    check_str(hop->tls.version, get_str(expected, "version"), row);
    check_str(hop->tls.cipher, get_str(expected, "cipher"), row);
    if (bits != 0)
        assert_int_equal(hop->tls.bits, bits);
    if (hop->state == HOP_ENCRYPTED || hop->state == HOP_WEAK)
        check_certificate(&hop->tls,
                          json_object_get(expected, "client_certificate"), row);
}

static void test_truth(void **state)
{
    FILE *file = fopen(truth_file, "r");
    struct arena arena = { 0 };
    struct trace trace;
    size_t rows = 0;
    json_t *row;

    (void)state;
    assert_non_null(file);
    while ((row = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
        trace_read(from_afar(row, &arena), NULL, 0, 1795489200000, &arena,
                   &trace);
        assert_int_equal(trace.n, 1);
        check_hop(&trace.hops[0], row);
        arena_reset(&arena);
        json_decref(row);
        rows++;
    }
    assert_true(feof(file));
    assert_true(rows >= 200);
    fclose(file);
    arena_free(&arena);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_truth) };

    if (argc != 2)
        return EXIT_FAILURE;
    truth_file = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
