/* SPDX-License-Identifier: Apache-2.0 */
/* postseal config show: the configuration as it is understood. */
#include "cli/commands.h"
#include "policy/config_check.h"
#include "policy/schema.h"

#include <string.h>

struct show {
    const struct config *config;
    bool all, origin;
};

static const struct config_origin *origin_of(const struct show *s,
                                             const struct schema_block *block,
                                             const struct schema_key *key,
                                             size_t index)
{
    for (size_t i = 0; i < s->config->origins_n; i++) {
        const struct config_origin *o = &s->config->origins[i];

        if (o->block == block && o->key == key && o->index == index)
            return o;
    }
    return NULL;
}

static void print_origin(const struct show *s, const struct config_origin *o)
{
    if (s->origin && o != NULL)
        printf("    # %.*s:%u", STR_ARG(o->file), o->line);
    else if (s->origin)
        fputs("    # default", stdout);
    putchar('\n');
}

static void print_key(const struct show *s, const struct schema_block *block,
                      const struct schema_key *key, size_t index,
                      const void *element)
{
    const struct config_origin *o = origin_of(s, block, key, index);
    struct buf value = { 0 };

    schema_write_value(key, element, &value);
    /* What nobody set and has no default is nothing to show. */
    if (o != NULL || (s->all && value.n > 0 && key->initial != NULL)) {
        printf("%s%s %.*s", block->name[0] == '\0' ? "" : "    ", key->name,
               STR_ARG(buf_str(&value)));
        print_origin(s, o);
    }
    buf_free(&value);
}

static void print_label(const struct schema_block *block, const void *element)
{
    struct buf label = { 0 };

    if (block->label != NULL)
        schema_write_value(block->label, element, &label);
    printf("%s%s%.*s", block->name, label.n > 0 ? " " : "",
           STR_ARG(buf_str(&label)));
    buf_free(&label);
}

static void print_line(const struct schema_block *block, const struct show *s,
                       size_t index, const void *element)
{
    fputs(block->name, stdout);
    for (size_t i = 0; i < block->keys_n; i++) {
        struct buf value = { 0 };

        if (origin_of(s, block, &block->keys[i], index) == NULL)
            continue;
        schema_write_value(&block->keys[i], element, &value);
        printf(" %s %.*s", block->keys[i].name, STR_ARG(buf_str(&value)));
        buf_free(&value);
    }
    print_origin(s, origin_of(s, block, NULL, index));
}

static void print_block(const struct show *s, const struct schema_block *block,
                        size_t index, const void *element)
{
    const struct config_origin *o = origin_of(s, block, NULL, index);

    if (!block->braces) {
        print_line(block, s, index, element);
        return;
    }
    if (block->name[0] != '\0') {
        print_label(block, element);
        fputs(" {", stdout);
        print_origin(s, o);
    }
    for (size_t i = 0; i < block->keys_n; i++)
        print_key(s, block, &block->keys[i], index, element);
    if (block->name[0] != '\0')
        puts("}");
}

/* A block nobody wrote is shown for its defaults, except one that is off
 * without being written. */
static bool is_shown(const struct show *s, const struct schema_block *block)
{
    if (block->name[0] == '\0' || origin_of(s, block, NULL, 0) != NULL)
        return true;
    for (size_t i = 0; s->all && i < block->keys_n; i++)
        if (block->keys[i].required)
            return false;
    return s->all && block->keys[0].initial != NULL;
}

static enum cli_exit run_show(struct cli *cli)
{
    struct config *config = cli_load(cli);
    struct show s = {
        .config = config,
        .all = cli_value(cli, "all") != NULL,
        .origin = cli_value(cli, "origin") != NULL,
    };

    if (config == NULL)
        return CLI_CONFIG;
    for (size_t i = 0; i < schema_blocks_n; i++) {
        const struct schema_block *block = &schema_blocks[i];
        const char *base = (const char *)config;
        size_t n = 0;

        if (block->size == 0) {
            if (is_shown(&s, block))
                print_block(&s, block, 0, config);
            continue;
        }
        n = *(const size_t *)(base + block->count);
        for (size_t k = 0; k < n; k++)
            print_block(&s, block, k,
                        *(const char *const *)(base + block->list) +
                            k * block->size);
    }
    config_free(&config);
    return CLI_OK;
}

static const struct cli_option options[] = {
    { "all", NULL, false, "Also show what was not written and is default." },
    { "origin", NULL, false, "Say where each setting stands." },
    { NULL, NULL, false, NULL },
};

const struct cli_command cli_config_show = {
    .name = "config show",
    .arguments = "",
    .summary = "Print the configuration as it is understood",
    .details = "Prints what was set, in the grammar of the file: includes "
               "resolved, paths absolute, numbers in their simplest form. "
               "What is printed can be read again. Secrets are in files of "
               "their own and never printed.",
    .examples = "    postseal config show -c postseal.conf --all --origin\n",
    .options = options,
    .run = run_show,
};
