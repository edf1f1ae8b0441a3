/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one table of settings: name, type, place in struct config, default,
 * bounds and help. Reading, checking, `config show`, and the reference part of
 * postseal.conf(5) are all made from it.
 */
#ifndef POSTSEAL_POLICY_SCHEMA_H
#define POSTSEAL_POLICY_SCHEMA_H

#include "policy/config.h"
#include "policy/syntax.h"

enum schema_type {
    TYPE_TEXT,      /* struct str */
    TYPE_HOSTNAME,  /* struct str */
    TYPE_DOMAIN,    /* struct str */
    TYPE_PATH,      /* struct str, absolute */
    TYPE_CA,        /* struct str: "" for system, else absolute path */
    TYPE_URL,       /* struct str without trailing slash */
    TYPE_MAILBOX,   /* struct str local@domain */
    TYPE_PATTERN,   /* struct str, an address for expectations */
    TYPE_RESOLVER,  /* struct str */
    TYPE_ADDRESS,   /* struct sockaddr_storage; second: bool "given" */
    TYPE_LISTEN,    /* struct sockaddr_storage; second: struct str as written */
    TYPE_HOST_PORT, /* struct str; second: uint16_t */
    TYPE_LOGIN,     /* struct str user; second: struct str path */
    TYPE_PORT,      /* uint16_t */
    TYPE_COUNT,     /* uint32_t */
    TYPE_SIZE,      /* uint64_t */
    TYPE_TIME,      /* int64_t */
    TYPE_TIMES,     /* const int64_t *; second: size_t */
    TYPE_YES,       /* bool; the name alone means yes */
    TYPE_ENUM,      /* enum, by words */
    TYPE_FLOOR,     /* enum floor; second: bool "given" */
    TYPE_LADDER,    /* struct ladder */
    TYPE_RANGES,    /* const struct address_range *; second: size_t */
    TYPE_PATTERNS,  /* const struct str *; second: size_t */
    TYPE_DOMAINS,   /* const struct str *, lower case; second: size_t */
    TYPE_KEYS,      /* const struct str * of 32 octets; second: size_t */
    TYPE_ROLE_USER, /* struct role_user */
    TYPE_MARKER,    /* struct str; second: bool "given", alone: by when */
    TYPE_METHODS,   /* struct str, method names */
    TYPE_WHEN,      /* struct rule_condition */
};

enum schema_many {
    SCHEMA_ONE,   /* one value on the line */
    SCHEMA_TWO,   /* two values */
    SCHEMA_LIST,  /* values to the end of the line or the next name */
    SCHEMA_MAYBE, /* one value or none */
    SCHEMA_WHEN,  /* a condition */
};

enum { SCHEMA_NO_SECOND = 0xffff };

struct schema_word {
    const char *name;
    unsigned value;
};

struct schema_key {
    const char *name;
    enum schema_type type;
    size_t place;         /* offsetof */
    size_t second;        /* offsetof or SCHEMA_NO_SECOND */
    const char *initial;  /* default as one would write it; NULL: none */
    uint64_t least, most; /* for numbers, times and sizes; most 0: no bound */
    const struct schema_word *words; /* for TYPE_ENUM, ends with NULL */
    bool required;
    const char *help;
};

struct schema_block {
    const char *name;               /* "" = the file itself */
    const struct schema_key *label; /* what follows the name, or NULL */
    const struct schema_key *keys;
    size_t keys_n;
    /* Blocks that may come many times are elements of an array: */
    size_t size;        /* of one element; 0: the block is part of config */
    size_t list, count; /* offsetof in struct config */
    size_t line;        /* offsetof in the element or SCHEMA_NO_SECOND */
    bool braces;        /* false: its keys stand on the line itself */
    const char *help;
};

extern const struct schema_block schema_blocks[];
extern const size_t schema_blocks_n;

/* How many values a type takes. */
enum schema_many schema_many(enum schema_type type);
/* What people write for a value: "TIME", "yes|no" ... */
void schema_value_name(const struct schema_key *key, struct buf *out);
/* Lists that grow when their name comes again. */
bool schema_appends(enum schema_type type);

const struct schema_key *schema_key_find(const struct schema_block *block,
                                         struct str name);
const struct schema_block *schema_block_find(struct str name);
/* The nearest name a person may have meant in this block, or NULL. */
const char *schema_suggest(const struct schema_block *block, struct str name);

/* One value being read. */
struct schema_read {
    const struct schema_key *key;
    const struct token *values;
    size_t n;
    struct str folder;    /* for relative paths, no trailing slash */
    struct arena *arena;  /* of the config */
    struct arena *errors; /* for why */
    void *element;        /* what place and second count from */
    /* set on failure: */
    const struct token *at;
    struct str why;
};

/* Reads values into the element; false with at and why set. */
bool schema_read_value(struct schema_read *r);
/* Writes a value as it would stand in a file. */
void schema_write_value(const struct schema_key *key, const void *element,
                        struct buf *out);

#endif
