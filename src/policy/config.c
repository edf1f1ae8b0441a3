/* SPDX-License-Identifier: Apache-2.0 */
/* From words to struct config, by the schema. */
#include "policy/config.h"

#include "base/panic.h"
#include "policy/config_check.h"
#include "policy/rules.h"
#include "policy/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    INCLUDE_DEPTH_MAX = 8,
    FILES_MAX = 64,
    BLOCKS_MAX = 10000, /* of one name */
};

struct reading {
    struct config *config;
    struct config_errors *errors;
    struct arena scratch;
    unsigned files;
    bool cut; /* a file could not be read to its end as words */
};

/* One file being read; an included one has its own. */
struct source {
    struct reading *reading;
    struct str file, folder;
    const struct token *tokens;
    size_t at;
    unsigned depth;
    bool cut;
};

static void complain(struct source *s, const struct token *t, struct str why)
{
    config_complain(s->reading->errors, s->file, t->line, t->column, why);
}

static const struct token *peek(const struct source *s)
{
    return &s->tokens[s->at];
}

static const struct token *take(struct source *s)
{
    const struct token *t = &s->tokens[s->at];

    if (t->kind != TOKEN_END)
        s->at++;
    return t;
}

static void skip_braces(struct source *s)
{
    unsigned open = 0;

    do {
        const struct token *t = take(s);

        if (t->kind == TOKEN_END)
            return;
        open += t->kind == TOKEN_OPEN;
        open -= t->kind == TOKEN_CLOSE;
    } while (open > 0);
}

/* After an error: on to the next line or name, over a whole block. */
static void skip_statement(struct source *s, const struct schema_block *block)
{
    for (;;) {
        const struct token *t = peek(s);

        if (t->kind == TOKEN_END || t->kind == TOKEN_CLOSE)
            return;
        if (t->kind == TOKEN_OPEN) {
            skip_braces(s);
            return;
        }
        if (t->first ||
            (t->kind == TOKEN_WORD && schema_key_find(block, t->text) != NULL))
            return;
        take(s);
    }
}

static void remember(struct source *s, const struct schema_block *block,
                     const struct schema_key *key, size_t index,
                     const struct token *t)
{
    struct config *config = s->reading->config;
    struct config_origin *list = (struct config_origin *)config->origins;
    size_t n = config->origins_n;

    if ((n & (n - 1)) == 0) {
        list = arena_array(&config->arena, n == 0 ? 1 : n * 2, sizeof(*list));
        if (n > 0)
            memcpy(list, config->origins, n * sizeof(*list));
        config->origins = list;
    }
    list[n] = (struct config_origin){ block,   key,     index,
                                      s->file, t->line, t->column };
    config->origins_n++;
}

static const struct config_origin *given(const struct config *config,
                                         const struct schema_block *block,
                                         const struct schema_key *key,
                                         size_t index)
{
    for (size_t i = 0; i < config->origins_n; i++) {
        const struct config_origin *o = &config->origins[i];

        if (o->block == block && o->key == key && o->index == index)
            return o;
    }
    return NULL;
}

const struct config_origin *config_origin(const struct config *config,
                                          const char *block_name,
                                          const char *key_name, size_t index)
{
    const struct schema_block *block =
        schema_block_find(str_from_cstr(block_name));
    const struct schema_key *key =
        key_name == NULL ? NULL
                         : schema_key_find(block, str_from_cstr(key_name));
    const struct config_origin *o = given(config, block, key, index);

    return o != NULL || key == NULL ? o : given(config, block, NULL, index);
}

/* --- values ------------------------------------------------------------ */

static bool is_key(const struct schema_block *block, const struct token *t)
{
    return t->kind == TOKEN_WORD && schema_key_find(block, t->text) != NULL;
}

static size_t count_list(struct source *s, const struct schema_block *block)
{
    size_t n = 0;

    for (const struct token *t = peek(s);
         token_is_value(t) && !t->first && !is_key(block, t); t++)
        n++;
    return n;
}

static bool joins(const struct token *t)
{
    return t->kind == TOKEN_LEFT_ROUND ||
           (t->kind == TOKEN_WORD &&
            (str_eq(t->text, STR("and")) || str_eq(t->text, STR("or")) ||
             str_eq(t->text, STR("not"))));
}

/* A condition may go on over lines while it is plainly not at its end. */
static size_t count_when(struct source *s, const struct schema_block *block)
{
    const struct token *from = peek(s), *t = from;

    while (token_is_value(t) || t->kind == TOKEN_LEFT_ROUND ||
           t->kind == TOKEN_RIGHT_ROUND) {
        bool goes_on = joins(t) || t->kind == TOKEN_RIGHT_ROUND ||
                       (t > from && joins(t - 1));

        if (is_key(block, t) || (t->first && t > from && !goes_on))
            break;
        t++;
    }
    return (size_t)(t - from);
}

static size_t count_values(struct source *s, const struct schema_block *block,
                           const struct schema_key *key)
{
    const struct token *t = peek(s);
    bool value = token_is_value(t) && !t->first;

    switch (schema_many(key->type)) {
    case SCHEMA_LIST:
        return count_list(s, block);
    case SCHEMA_WHEN:
        return count_when(s, block);
    case SCHEMA_MAYBE:
        return value && !is_key(block, t) ? 1 : 0;
    case SCHEMA_TWO:
        return !value ? 0 : token_is_value(t + 1) && !t[1].first ? 2 : 1;
    case SCHEMA_ONE:
        return value ? 1 : 0;
    }
    return 0;
}

static size_t values_wanted(const struct schema_key *key)
{
    switch (schema_many(key->type)) {
    case SCHEMA_TWO:
        return 2;
    case SCHEMA_MAYBE:
        return 0;
    default:
        return 1;
    }
}

static bool read_values(struct source *s, const struct schema_block *block,
                        const struct schema_key *key, void *element,
                        const struct token *name)
{
    struct reading *reading = s->reading;
    struct schema_read r = {
        .key = key,
        .values = peek(s),
        .n = count_values(s, block, key),
        .folder = s->folder,
        .arena = &reading->config->arena,
        .errors = &reading->errors->arena,
        .element = element,
    };
    struct buf wanted = { 0 };

    if (r.n < values_wanted(key) && s->cut && r.values[r.n].kind == TOKEN_END)
        return false; /* the fault itself is told */
    if (r.n < values_wanted(key)) {
        schema_value_name(key, &wanted);
        complain(s, name,
                 arena_printf(r.errors, "%.*s needs a value: %.*s",
                              STR_ARG(name->text), STR_ARG(buf_str(&wanted))));
        buf_free(&wanted);
        return false;
    }
    s->at += r.n;
    if (schema_read_value(&r))
        return true;
    complain(s, r.at != NULL ? r.at : name,
             r.at == name ? r.why
                          : arena_printf(r.errors, "%.*s: %.*s",
                                         STR_ARG(name->text), STR_ARG(r.why)));
    return false;
}

static void complain_twice(struct source *s, const struct token *name,
                           const struct config_origin *before)
{
    complain(s, name,
             arena_printf(&s->reading->errors->arena,
                          "%.*s is given twice (the first is on line %u)",
                          STR_ARG(name->text), before->line));
}

static void read_key(struct source *s, const struct schema_block *block,
                     const struct schema_key *key, size_t index, void *element)
{
    const struct token *name = take(s);
    const struct config_origin *before =
        given(s->reading->config, block, key, index);

    if (before != NULL && !schema_appends(key->type))
        complain_twice(s, name, before);
    else if (before == NULL)
        remember(s, block, key, index, name);
    if (!read_values(s, block, key, element, name))
        skip_statement(s, block);
}

/* --- blocks ------------------------------------------------------------ */

/* The block that knows a name which is out of place here, or NULL. */
static const struct schema_block *home_of(struct str name)
{
    for (size_t i = 0; i < schema_blocks_n; i++)
        if (schema_key_find(&schema_blocks[i], name) != NULL)
            return &schema_blocks[i];
    return NULL;
}

static void complain_unknown(struct source *s, const struct schema_block *block,
                             const struct token *t)
{
    struct arena *arena = &s->reading->errors->arena;
    const char *meant = schema_suggest(block, t->text);
    const struct schema_block *home = home_of(t->text);
    struct str hint = STR("");

    if (meant != NULL)
        hint = arena_printf(arena, "; did you mean '%s'?", meant);
    else if (home != NULL && home->name[0] != '\0')
        hint = arena_printf(arena, "; it belongs into %s { }", home->name);
    else if (home != NULL || schema_block_find(t->text) != NULL)
        hint = STR("; it belongs outside of all braces");
    complain(s, t,
             arena_printf(arena, "unknown setting '%.*s'%s%s%.*s",
                          STR_ARG(t->text),
                          block->name[0] == '\0' ? "" : " in ", block->name,
                          STR_ARG(hint)));
}

static void read_unknown(struct source *s, const struct schema_block *block)
{
    const struct token *t = take(s);

    if (t->kind == TOKEN_WORD)
        complain_unknown(s, block, t);
    else
        complain(s, t,
                 arena_printf(&s->reading->errors->arena,
                              "'%.*s' stands where a setting should",
                              STR_ARG(t->text)));
    skip_statement(s, block);
}

static void read_line_keys(struct source *s, const struct schema_block *block,
                           size_t index, void *element)
{
    while (token_is_value(peek(s)) && !peek(s)->first) {
        const struct schema_key *key = schema_key_find(block, peek(s)->text);

        if (key != NULL)
            read_key(s, block, key, index, element);
        else
            read_unknown(s, block);
    }
}

static void read_braces(struct source *s, const struct schema_block *block,
                        size_t index, void *element)
{
    const struct token *open = take(s);

    for (;;) {
        const struct token *t = peek(s);
        const struct schema_key *key = schema_key_find(block, t->text);

        if (t->kind == TOKEN_END && s->cut)
            return;
        if (t->kind == TOKEN_END) {
            complain(s, open, STR("this brace is not closed"));
            return;
        }
        if (t->kind == TOKEN_CLOSE) {
            take(s);
            return;
        }
        if (t->kind == TOKEN_WORD && key != NULL)
            read_key(s, block, key, index, element);
        else
            read_unknown(s, block);
    }
}

static void set_default(struct config *config, const struct schema_key *key,
                        void *element)
{
    struct arena scratch = { 0 };
    struct syntax_fault fault;
    struct schema_read r = { .key = key,
                             .arena = &config->arena,
                             .errors = &scratch,
                             .element = element };
    size_t n;

    if (key->initial == NULL)
        return;
    r.values = syntax_read(str_from_cstr(key->initial), &syntax_limits_default,
                           &config->arena, &n, &fault);
    r.n = n - 1;
    if (!schema_read_value(&r))
        panic("schema: default of %s: %.*s", key->name, STR_ARG(r.why));
    arena_free(&scratch);
}

static void set_defaults(struct config *config,
                         const struct schema_block *block, void *element)
{
    for (size_t i = 0; i < block->keys_n; i++)
        set_default(config, &block->keys[i], element);
}

static void check_required(struct source *s, const struct schema_block *block,
                           size_t index, const struct token *name)
{
    for (size_t i = 0; i < block->keys_n; i++) {
        const struct schema_key *key = &block->keys[i];

        if (!key->required ||
            given(s->reading->config, block, key, index) != NULL)
            continue;
        complain(s, name,
                 arena_printf(&s->reading->errors->arena, "%s needs %s",
                              block->name, key->name));
    }
}

/* A new element behind those of its name; NULL when there are too many. */
static void *new_element(struct config *config,
                         const struct schema_block *block, size_t *index)
{
    void **list = (void **)((char *)config + block->list);
    size_t *count = (size_t *)((char *)config + block->count), n = *count;

    if (n == BLOCKS_MAX)
        return NULL;
    if ((n & (n - 1)) == 0) {
        char *more =
            arena_array(&config->arena, n == 0 ? 1 : n * 2, block->size);

        if (n > 0)
            memcpy(more, *list, n * block->size);
        *list = more;
    }
    *index = n;
    *count = n + 1;
    set_defaults(config, block, (char *)*list + n * block->size);
    return (char *)*list + n * block->size;
}

static void read_block(struct source *s, const struct schema_block *block)
{
    const struct token *name = take(s);
    struct config *config = s->reading->config;
    size_t index = 0;
    void *element = config;

    if (block->size > 0)
        element = new_element(config, block, &index);
    if (element == NULL) {
        complain(s, name, STR("there are too many of these"));
        skip_statement(s, block);
        return;
    }
    if (given(config, block, NULL, index) == NULL)
        remember(s, block, NULL, index, name);
    if (block->line != SCHEMA_NO_SECOND && block->size > 0)
        *(uint32_t *)((char *)element + block->line) = name->line;
    if (block->label != NULL &&
        !read_values(s, block, block->label, element, name) &&
        peek(s)->kind != TOKEN_OPEN)
        skip_statement(s, block);
    if (!block->braces)
        read_line_keys(s, block, index, element);
    else if (peek(s)->kind == TOKEN_OPEN)
        read_braces(s, block, index, element);
    else
        complain(s, name,
                 arena_printf(&s->reading->errors->arena,
                              "%s needs braces: { ... }", block->name));
    if (block->size > 0)
        check_required(s, block, index, name);
}

/* --- files ------------------------------------------------------------- */

static void read_text(struct reading *reading, struct str text, struct str file,
                      struct str path, unsigned depth);
static const char *read_file(const char *path, struct arena *arena,
                             struct str *out);

static struct str folder_of(struct arena *arena, struct str path)
{
    size_t slash = path.n;

    while (slash > 0 && path.p[slash - 1] != '/')
        slash--;
    if (slash == 0)
        return STR(".");
    return slash == 1 ? STR("") : str_keep(arena, str_first(path, slash - 1));
}

static void read_include(struct source *s)
{
    const struct token *name = take(s), *what = peek(s);
    struct config *config = s->reading->config;
    struct arena *arena = &s->reading->errors->arena;
    struct str path, text;
    const char *fault;

    if (!token_is_value(what) || what->first) {
        complain(s, name, STR("include needs a value: FILE"));
        return;
    }
    take(s);
    path = what->text.n > 0 && what->text.p[0] == '/'
               ? str_keep(&config->arena, what->text)
               : arena_printf(&config->arena, "%.*s/%.*s", STR_ARG(s->folder),
                              STR_ARG(what->text));
    if (s->depth == INCLUDE_DEPTH_MAX || ++s->reading->files > FILES_MAX) {
        complain(s, what, STR("files include each other too deeply"));
        return;
    }
    fault = read_file(str_keep_cstr(&s->reading->scratch, path), &config->arena,
                      &text);
    if (fault != NULL)
        complain(
            s, what,
            arena_printf(arena, "cannot read %.*s: %s", STR_ARG(path), fault));
    else
        read_text(s->reading, text, path, path, s->depth + 1);
}

static void read_statement(struct source *s)
{
    const struct schema_block *file = &schema_blocks[0], *block;
    const struct schema_key *key;
    const struct token *t = peek(s);

    if (t->kind != TOKEN_WORD || t->text.n == 0) {
        read_unknown(s, file);
        return;
    }
    key = schema_key_find(file, t->text);
    block = schema_block_find(t->text);
    if (key != NULL)
        read_key(s, file, key, 0, s->reading->config);
    else if (block != NULL)
        read_block(s, block);
    else if (str_eq(t->text, STR("include")))
        read_include(s);
    else
        read_unknown(s, file);
}

static void read_text(struct reading *reading, struct str text, struct str file,
                      struct str path, unsigned depth)
{
    struct config *config = reading->config;
    struct source s = { .reading = reading,
                        .file = file,
                        .depth = depth,
                        .folder = folder_of(&config->arena, path) };
    struct syntax_fault fault;
    size_t n;

    s.tokens =
        syntax_read(text, &syntax_limits_default, &config->arena, &n, &fault);
    s.cut = fault.why != NULL;
    reading->cut |= s.cut;
    while (peek(&s)->kind != TOKEN_END) {
        if (peek(&s)->kind == TOKEN_CLOSE)
            complain(&s, take(&s), STR("this brace closes nothing"));
        else
            read_statement(&s);
    }
    if (fault.why != NULL)
        config_complain(reading->errors, file, fault.line, fault.column,
                        str_from_cstr(fault.why));
}

static void check_file_required(struct reading *reading)
{
    const struct schema_block *file = &schema_blocks[0];

    for (size_t i = 0; i < file->keys_n; i++)
        if (file->keys[i].required &&
            given(reading->config, file, &file->keys[i], 0) == NULL)
            config_complain(reading->errors, reading->config->file, 0, 0,
                            arena_printf(&reading->errors->arena,
                                         "%s is missing", file->keys[i].name));
    for (size_t i = 1; i < schema_blocks_n; i++) {
        const struct schema_block *block = &schema_blocks[i];
        const struct config_origin *o = given(reading->config, block, NULL, 0);

        for (size_t k = 0; block->size == 0 && o != NULL && k < block->keys_n;
             k++)
            if (block->keys[k].required &&
                given(reading->config, block, &block->keys[k], 0) == NULL)
                config_complain(reading->errors, o->file, o->line, o->column,
                                arena_printf(&reading->errors->arena,
                                             "%s needs %s", block->name,
                                             block->keys[k].name));
    }
}

static struct config *parse(struct str text, const char *path, bool with_files,
                            struct config_errors *errors)
{
    struct config *config = calloc(1, sizeof(*config));
    struct reading reading = { .config = config, .errors = errors };

    if (config == NULL)
        panic("out of memory");
    config->file = str_keep(&config->arena, str_from_cstr(path));
    for (size_t i = 0; i < schema_blocks_n; i++)
        if (schema_blocks[i].size == 0)
            set_defaults(config, &schema_blocks[i], config);
    read_text(&reading, str_keep(&config->arena, text), config->file,
              config->file, 0);
    config_finish(config);
    /* What is missing may stand behind the cut. */
    if (!reading.cut) {
        check_file_required(&reading);
        config_check(config, errors);
    }
    if (with_files)
        config_check_files(config, errors);
    config_errors_sort(errors);
    arena_free(&reading.scratch);
    if (errors->n > 0)
        config_free(&config);
    return config;
}

struct config *config_parse(struct str text, const char *path,
                            struct config_errors *errors)
{
    return parse(text, path, false, errors);
}

/* NULL, or why not. Only plain files: a pipe or device could block or never
 * end. */
static const char *read_file(const char *path, struct arena *arena,
                             struct str *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    size_t n = 0, size;
    char *text;

    if (fd < 0)
        return strerror(errno);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
        st.st_size > (off_t)syntax_limits_default.text_bytes) {
        close(fd);
        return "not a file of a sensible size";
    }
    size = (size_t)st.st_size;
    text = arena_alloc(arena, size + 1);
    while (n < size) {
        ssize_t got = read(fd, text + n, size - n);

        if (got <= 0)
            break;
        n += (size_t)got;
    }
    close(fd);
    *out = str_of(text, n);
    return NULL;
}

struct config *config_load(const char *path, struct config_errors *errors)
{
    char absolute[PATH_MAX];
    struct arena arena = { 0 };
    struct config *config = NULL;
    const char *fault = NULL;
    struct str text;

    if (realpath(path, absolute) == NULL)
        fault = strerror(errno);
    else
        fault = read_file(absolute, &arena, &text);
    if (fault != NULL)
        config_complain(
            errors, str_keep(&errors->arena, str_from_cstr(path)), 0, 0,
            arena_printf(&errors->arena, "cannot read it: %s", fault));
    else
        config = parse(text, absolute, true, errors);
    arena_free(&arena);
    return config;
}

void config_free(struct config **config)
{
    struct arena arena;

    if (*config == NULL)
        return;
    arena = (*config)->arena;
    free(*config);
    arena_free(&arena);
    *config = NULL;
}
