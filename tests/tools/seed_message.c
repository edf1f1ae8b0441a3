/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts a message into the store as intake does, for tests of what comes after:
 *
 *     seed_message CONFIG FROM TO... [-n COPIES] [-k KEY=VALUE]... < message
 *
 * KEY: envid, ret, notify (number), orcpt, requiretls, smtputf8, 8bit, age
 * (milliseconds since it was received). Prints the message ids.
 */
#include "base/clock.h"
#include "base/panic.h"
#include "policy/config.h"
#include "role/role.h"
#include "seal/rest.h"
#include "store/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct seed {
    struct message message;
    struct delivery *deliveries;
    size_t n;
    struct str *frames;
    size_t frames_n;
};

static struct status seed_work(struct tx *tx, void *argument)
{
    struct seed *s = argument;
    struct status st =
        queue_body_append(tx, &s->message.body_id, 0, s->frames, s->frames_n);

    return status_is_ok(st) ? queue_accept(tx, &s->message, s->deliveries, s->n)
                            : st;
}

static void seal(struct seed *s, struct rest_public *to, struct str text,
                 struct arena *arena)
{
    struct rest_key key;
    struct buf out = { 0 };
    struct str context =
        arena_printf(arena, "body:%s", s->message.body_id.text);
    size_t n =
        text.n == 0 ? 1 : (text.n + REST_FRAME_PLAIN - 1) / REST_FRAME_PLAIN;

    rest_key_new(&key);
    s->frames = arena_array(arena, n, sizeof(struct str));
    for (size_t i = 0; i < n; i++) {
        buf_clear(&out);
        rest_seal_frame(
            &key, context, (uint32_t)i, i + 1 == n,
            str_first(str_from(text, i * REST_FRAME_PLAIN), REST_FRAME_PLAIN),
            &out);
        s->frames[i] = str_keep(arena, buf_str(&out));
    }
    s->frames_n = n;
    buf_clear(&out);
    rest_wrap(to, context, &key, &out);
    s->message.body_key = str_keep(arena, buf_str(&out));
    s->message.body_chunks = (uint32_t)n;
    buf_free(&out);
}

static void set_key(struct seed *s, struct str pair)
{
    size_t eq = str_find_char(pair, '=');
    struct str key = str_first(pair, eq), value = str_from(pair, eq + 1);
    uint64_t number = 0;

    str_to_u64(value, INT64_MAX, &number);
    if (str_eq(key, STR("envid")))
        s->message.envid = value;
    else if (str_eq(key, STR("ret")))
        s->message.ret = value;
    else if (str_eq(key, STR("requiretls")))
        s->message.requiretls = true;
    else if (str_eq(key, STR("smtputf8")))
        s->message.smtputf8 = true;
    else if (str_eq(key, STR("8bit")))
        s->message.body_8bit = true;
    else if (str_eq(key, STR("age")))
        s->message.received_wall_ms -= (int64_t)number;
    for (size_t i = 0; i < s->n; i++) {
        if (str_eq(key, STR("notify")))
            s->deliveries[i].notify = (uint32_t)number;
        else if (str_eq(key, STR("orcpt")))
            s->deliveries[i].orcpt = value;
    }
}

static struct str read_all(struct buf *out)
{
    char block[65536];
    size_t n;

    while ((n = fread(block, 1, sizeof(block), stdin)) > 0)
        buf_add(out, str_of(block, n));
    return buf_str(out);
}

int main(int argc, char **argv)
{
    struct config_errors errors = { 0 };
    struct config *config = argc > 3 ? config_load(argv[1], &errors) : NULL;
    struct arena arena = { 0 };
    struct rest_public *key;
    struct store *store;
    struct buf text = { 0 };
    char path[512];
    size_t copies = 1, pairs = 0;
    const char *pair[32];
    struct seed s = { 0 };

    if (config == NULL)
        panic("usage: seed_message CONFIG FROM TO... (or a bad CONFIG)");
    snprintf(path, sizeof(path), "%.*s", STR_ARG(config->data_dir));
    if (!status_is_ok(store_open(path, &store)) ||
        !status_is_ok(rest_public_load(
            role_path(config, ROLE_DISPATCH_PUBLIC, path), &key)))
        panic("no store or key in %s", path);
    s.deliveries = arena_array(&arena, (size_t)argc, sizeof(struct delivery));
    for (int i = 3; i < argc; i++) {
        if (strcmp(argv[i], "-n") == 0)
            copies = (size_t)atol(argv[++i]);
        else if (strcmp(argv[i], "-k") == 0 && pairs < 32)
            pair[pairs++] = argv[++i];
        else
            s.deliveries[s.n++].recipient = str_from_cstr(argv[i]);
    }
    read_all(&text);
    for (size_t c = 0; c < copies; c++) {
        s.message = (struct message){ .id = id_new(),
                                      .received_wall_ms = clock_wall_ms(),
                                      .from = str_from_cstr(argv[2]),
                                      .size_bytes = text.n,
                                      .protocol = STR("seed"),
                                      .body_id = id_new() };
        for (size_t i = 0; i < s.n; i++) {
            struct str r = s.deliveries[i].recipient;

            s.deliveries[i] =
                (struct delivery){ .id = id_new(),
                                   .message_id = s.message.id,
                                   .recipient = r,
                                   .domain =
                                       str_from(r, str_find_char(r, '@') + 1),
                                   .next_wall_ms = s.message.received_wall_ms };
        }
        for (size_t i = 0; i < pairs; i++)
            set_key(&s, str_from_cstr(pair[i]));
        seal(&s, key, buf_str(&text), &arena);
        struct status st = store_commit(store, seed_work, &s);
        if (!status_is_ok(st))
            panic("%s", st.why);
        puts(s.message.id.text);
    }
    store_close(&store);
    rest_public_free(&key);
    buf_free(&text);
    arena_free(&arena);
    config_free(&config);
    return 0;
}
