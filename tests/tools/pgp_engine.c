/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OpenPGP engine on its own, for tests and bench:
 *     pgp_engine seal KEY [hide|show [SECRET-KEY]] < entity
 *     pgp_engine facts < keys
 *     pgp_engine rate KEY SECONDS < entity      sealings a second
 */
#include "base/clock.h"
#include "seal/pgp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static ssize_t read_in(void *context, void *to, size_t n)
{
    (void)context;
    return read(0, to, n);
}

static bool write_out(void *context, const void *from, size_t n)
{
    (void)context;
    return fwrite(from, 1, n, stdout) == n;
}

static struct str slurp(const char *path, struct arena *arena)
{
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    struct buf all = { 0 };
    char block[65536];
    size_t n;

    if (f == NULL) {
        perror(path);
        exit(2);
    }
    while ((n = fread(block, 1, sizeof(block), f)) > 0)
        buf_add(&all, str_of(block, n));
    struct str kept = str_keep(arena, buf_str(&all));
    buf_free(&all);
    return kept;
}

static int say(struct status st)
{
    if (!status_is_ok(st))
        fprintf(stderr, "%s\n", st.why);
    return status_is_ok(st) ? 0 : 1;
}

static struct key_facts read_one(const char *path, struct arena *arena)
{
    struct key_facts *facts;
    size_t n;
    struct status st =
        pgp_read_keys(slurp(path, arena), clock_wall_ms(), arena, &facts, &n);

    if (say(st) != 0)
        exit(1);
    return facts[0];
}

static struct str own_key(const char *path, struct arena *arena)
{
    struct key_facts facts;
    struct buf secret = { 0 };

    if (say(pgp_own_key(slurp(path, arena), STR(""), clock_wall_ms(), arena,
                        &facts, &secret)) != 0)
        exit(1);
    struct str kept = str_keep(arena, buf_str(&secret));
    buf_wipe(&secret);
    return kept;
}

static int seal(int argc, char **argv, struct arena *arena)
{
    struct seal_source source = { read_in, NULL };
    struct seal_sink sink = { write_out, NULL };
    struct pgp_job job = { .key = read_one(argv[2], arena).bytes,
                           .now_wall_ms = clock_wall_ms() };

    job.hide_key_ids = argc > 3 && strcmp(argv[3], "hide") == 0;
    if (argc > 4)
        job.sign_key = own_key(argv[4], arena);
    return say(pgp_seal(&job, &source, &sink));
}

static int facts(struct arena *arena)
{
    struct key_facts *list;
    size_t n;
    struct status st =
        pgp_read_keys(slurp("-", arena), clock_wall_ms(), arena, &list, &n);

    for (size_t i = 0; i < n; i++) {
        printf("%.*s %.*s", STR_ARG(list[i].fingerprint),
               STR_ARG(list[i].algorithm));
        for (size_t k = 0; k < list[i].addresses_n; k++)
            printf(" <%.*s>", STR_ARG(list[i].addresses[k]));
        printf(" [%.*s] %.*s\n", STR_ARG(list[i].capabilities),
               STR_ARG(list[i].refused));
    }
    return say(st);
}

struct memory {
    struct str left;
    size_t written;
};

static ssize_t read_memory(void *context, void *to, size_t n)
{
    struct memory *m = context;
    struct str part = str_first(m->left, n);

    if (part.n > 0)
        memcpy(to, part.p, part.n);
    m->left = str_from(m->left, part.n);
    return (ssize_t)part.n;
}

static bool write_memory(void *context, const void *from, size_t n)
{
    struct memory *m = context;

    (void)from;
    m->written += n;
    return true;
}

static int rate(char **argv, struct arena *arena)
{
    struct str entity = slurp("-", arena);
    struct pgp_job job = { .key = read_one(argv[2], arena).bytes,
                           .now_wall_ms = clock_wall_ms() };
    int64_t begun = clock_mono_ms(), end = begun + 1000 * atol(argv[3]);
    long n = 0;

    for (; clock_mono_ms() < end; n++) {
        struct memory m = { entity, 0 };
        struct seal_source source = { read_memory, &m };
        struct seal_sink sink = { write_memory, &m };

        if (say(pgp_seal(&job, &source, &sink)) != 0)
            return 1;
    }
    printf("%.0f\n", (double)n * 1000 / (double)(clock_mono_ms() - begun));
    return 0;
}

int main(int argc, char **argv)
{
    struct arena arena = { 0 };
    int code = 2;

    if (argc > 2 && strcmp(argv[1], "seal") == 0)
        code = seal(argc, argv, &arena);
    else if (argc == 2 && strcmp(argv[1], "facts") == 0)
        code = facts(&arena);
    else if (argc == 4 && strcmp(argv[1], "rate") == 0)
        code = rate(argv, &arena);
    arena_free(&arena);
    return code;
}
