/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engines that lock messages on their own, for tests and bench:
 *     seal_engine pgp|smime seal KEY < entity
 *     seal_engine pgp|smime rate KEY SECONDS < entity     sealings a second
 */
#include "base/clock.h"
#include "seal/pgp.h"
#include "seal/smime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool write_out(void *context, const void *from, size_t n)
{
    (void)context;
    return fwrite(from, 1, n, stdout) == n;
}

static bool write_nowhere(void *context, const void *from, size_t n)
{
    (void)context, (void)from, (void)n;
    return true;
}

static ssize_t read_in(void *context, void *to, size_t n)
{
    (void)context;
    return read(0, to, n);
}

static struct str slurp(FILE *f, struct arena *arena)
{
    struct buf all = { 0 };
    char block[65536];
    size_t n;

    while ((n = fread(block, 1, sizeof(block), f)) > 0)
        buf_add(&all, str_of(block, n));
    struct str kept = str_keep(arena, buf_str(&all));
    buf_free(&all);
    return kept;
}

static void must(struct status st)
{
    if (status_is_ok(st))
        return;
    fprintf(stderr, "%s\n", st.why);
    exit(1);
}

static struct str key_of(enum key_kind kind, const char *path,
                         struct arena *arena)
{
    FILE *f = fopen(path, "rb");
    struct key_facts *facts;
    size_t n;

    if (f == NULL) {
        perror(path);
        exit(2);
    }
    struct str in = slurp(f, arena);
    fclose(f);
    must(kind == KEY_PGP ? pgp_read_keys(in, clock_wall_ms(), arena, &facts, &n)
                         : smime_read_certificates(in, NULL, clock_wall_ms(),
                                                   arena, &facts, &n));
    return facts[0].bytes;
}

static void seal(enum key_kind kind, struct str key,
                 const struct seal_source *source, const struct seal_sink *sink)
{
    struct pgp_job pgp = { .key = key, .now_wall_ms = clock_wall_ms() };
    struct smime_job smime = { .certificate = key,
                               .now_wall_ms = clock_wall_ms() };

    must(kind == KEY_PGP ? pgp_seal(&pgp, source, sink)
                         : smime_seal(&smime, source, sink));
}

static void rate(enum key_kind kind, struct str key, long seconds,
                 struct arena *arena)
{
    struct seal_sink nowhere = { write_nowhere, NULL };
    struct str entity = slurp(stdin, arena);
    int64_t begun = clock_mono_ms(), end = begun + 1000 * seconds;
    long n = 0;

    for (; clock_mono_ms() < end; n++) {
        struct str left = entity;
        struct seal_source source = seal_from_memory(&left);

        seal(kind, key, &source, &nowhere);
    }
    printf("%.0f\n", (double)n * 1000 / (double)(clock_mono_ms() - begun));
}

int main(int argc, char **argv)
{
    struct seal_source in = { read_in, NULL };
    struct seal_sink out = { write_out, NULL };
    struct arena arena = { 0 };
    enum key_kind kind;

    if (argc < 4 || !key_kind_parse(str_from_cstr(argv[1]), &kind))
        return 2;
    struct str key = key_of(kind, argv[3], &arena);
    if (argc == 4 && strcmp(argv[2], "seal") == 0)
        seal(kind, key, &in, &out);
    else if (argc == 5 && strcmp(argv[2], "rate") == 0)
        rate(kind, key, atol(argv[4]), &arena);
    else
        return 2;
    arena_free(&arena);
    return 0;
}
