/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static bool has(struct buf *text, const char *line)
{
    return strstr(buf_cstr(text), line) != NULL;
}

/* What children count is seen by all, and outlives them. */
static void test_processes_share_a_page(void **state)
{
    int fd = memfd_create("metrics-test", 0);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)metrics_bytes()), 0);
    metrics_attach(fd);
    for (int child = 0; child < 3; child++) {
        if (fork() == 0) {
            for (int i = 0; i < 1000; i++)
                metric_add(METRIC_MESSAGES_ACCEPTED, 1);
            _exit(0);
        }
    }
    while (wait(NULL) > 0)
        ;
    assert_int_equal(metric_value(METRIC_MESSAGES_ACCEPTED), 3000);
    close(fd);
}

static void test_histogram_adds_up(void **state)
{
    struct buf out = { 0 };

    (void)state;
    metric_took(TIMES_COMMIT, 0);
    metric_took(TIMES_COMMIT, 7);
    metric_took(TIMES_COMMIT, 10);
    metric_took(TIMES_COMMIT, 3600000);
    metric_took(TIMES_COMMIT, -5); /* a clock set back */
    metrics_write(&out);
    assert_true(has(&out, "postseal_store_commit_seconds_bucket{le=\"0.001\"} "
                          "2\n"));
    assert_true(
        has(&out, "postseal_store_commit_seconds_bucket{le=\"0.01\"} 4\n"));
    assert_true(
        has(&out, "postseal_store_commit_seconds_bucket{le=\"+Inf\"} 5\n"));
    assert_true(has(&out, "postseal_store_commit_seconds_count 5\n"));
    assert_true(has(&out, "postseal_store_commit_seconds_sum 3600.017\n"));
    buf_free(&out);
}

/* Every counter is in the output exactly once, under a declared family. */
static void test_every_counter_is_shown(void **state)
{
    struct buf out = { 0 };
    struct str rest, line;
    size_t samples = 0, types = 0;

    (void)state;
    metrics_write(&out);
    rest = buf_str(&out);
    while (str_split(&rest, '\n', &line)) {
        types +=
            str_starts(line, STR("# TYPE ")) && str_ends(line, STR(" counter"));
        samples += str_starts(line, STR("postseal_")) &&
                   (memmem(line.p, line.n, "_total ", 7) != NULL ||
                    memmem(line.p, line.n, "_total{", 7) != NULL);
    }
    assert_int_equal(samples, METRIC_COUNT);
    assert_true(types > 10 && types < METRIC_COUNT);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_processes_share_a_page),
        cmocka_unit_test(test_histogram_adds_up),
        cmocka_unit_test(test_every_counter_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
