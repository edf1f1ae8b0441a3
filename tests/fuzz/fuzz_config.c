/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: either it is taken or there is a complaint, and what is
 * taken can be written and read again. */
#include "policy/config.h"
#include "policy/decision.h"
#include "policy/rules.h"
#include "policy/schema.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct config *config)
{
    struct message_facts m = {
        .from = STR("a@x.example"),
        .header = STR("Subject: [secure] x\r\nX-Postseal-Floor: tls\r\n\r\n"),
        .size_bytes = 1000,
    };
    struct arena arena = { 0 };
    struct decision d;

    policy_decide(config, &m, STR("b@y.example"), &arena, &d);
    for (uint8_t i = 0; i < d.ladder.n; i++)
        if (!method_meets(d.ladder.rung[i], d.floor))
            abort();
    arena_free(&arena);
}

static void show(const struct config *config)
{
    struct buf text = { 0 };

    for (size_t b = 0; b < schema_blocks_n; b++)
        for (size_t k = 0;
             schema_blocks[b].size == 0 && k < schema_blocks[b].keys_n; k++)
            schema_write_value(&schema_blocks[b].keys[k], config, &text);
    for (size_t i = 0; i < config->rules_n; i++)
        rule_write(&config->rules[i].when, &text);
    buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_errors errors = { 0 };
    struct config *config =
        config_parse(str_of(data, size), "/nonexistent/p.conf", &errors);

    if ((config == NULL) != (errors.n > 0))
        abort();
    if (config != NULL) {
        show(config);
        ask(config);
    }
    config_free(&config);
    config_errors_free(&errors);
    return 0;
}
