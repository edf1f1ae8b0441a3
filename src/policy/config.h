/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole configuration as one constant value. config_load() reads and
 * checks everything and reports every error at once; nothing changes a loaded
 * configuration (a reload loads a new one). All slices and C strings belong to
 * the config. Times are milliseconds, sizes bytes.
 */
#ifndef POSTSEAL_POLICY_CONFIG_H
#define POSTSEAL_POLICY_CONFIG_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "policy/floor.h"

#include <netinet/in.h>
#include <sys/socket.h>

struct address_range { /* 10.0.0.0/8, 2001:db8::/32 */
    uint8_t family;    /* AF_INET or AF_INET6 */
    uint8_t bits;
    uint8_t octets[16];
};

enum listen_tls {
    LISTEN_TLS_OFFERED,
    LISTEN_TLS_REQUIRED,
    LISTEN_TLS_IMPLICIT
};

enum listen_auth { LISTEN_AUTH_OFF, LISTEN_AUTH_OFFERED, LISTEN_AUTH_REQUIRED };

struct listen_config {
    struct str name; /* as written: "127.0.0.1:2525" */
    struct sockaddr_storage address;
    enum listen_tls tls;
    enum listen_auth auth; /* as written; the two below follow from it */
    bool auth_required;
    bool auth_offered;
    bool requires_senders; /* senders given: others are refused */
    const struct address_range *accept_from;
    size_t accept_from_n;
    const struct str *senders; /* patterns: *@clinic.example */
    size_t senders_n;
    const struct address_range *normalise; /* bare LF is mended for these */
    size_t normalise_n;
    uint32_t line;
};

struct route_config { /* first match wins; domain "*" is the rest */
    struct str domain;
    struct str host; /* name or address text */
    uint16_t port;
    bool has_floor;   /* floor open written in the route */
    enum floor floor; /* the trust given to this hop: see docs/policy.md */
    struct str auth_user;
    struct str auth_secret_file; /* absolute path; read at start */
    enum listen_tls tls;         /* implicit: always so on port 465 */
    uint32_t line;
};

struct pin_config {    /* static rule for a domain, strongest authority */
    struct str domain; /* "partner.example", "*.partner.example" */
    bool has_floor;
    enum floor floor;
    const struct str *spki_sha256; /* 32 raw bytes each */
    size_t spki_n;
    uint32_t line;
};

struct dkim_config {
    struct str domain, selector, key_file; /* RSA or Ed25519 by the key */
    uint32_t line;
};

struct expect_config { /* expect from .. to .. subject .. gives portal */
    struct str from, to, subject, gives, header;
    struct str user, listener;
    uint64_t size_bytes;
    bool has_floor; /* floor F: the floor is demanded too */
    enum floor floor;
    struct str rule; /* rule NAME: this rule must have decided, or "" */
    uint32_t line;
};

struct limits_config {
    uint32_t connections, connections_per_source;
    uint32_t recipients; /* per message, at least 100 */
    uint64_t message_bytes;
    uint32_t errors_per_session;
    int64_t command_ms, data_ms, transaction_ms;
    uint32_t received_max; /* loop guard: 100 */
};

struct delivery_config {
    uint16_t port, sts_port, wkd_port;
    struct str ca_file;                        /* "" = the system's store */
    const struct address_range *allow_private; /* where MX may lead inside */
    size_t allow_private_n;
    int64_t connect_timeout_ms, command_timeout_ms, data_timeout_ms;
    const int64_t *retry_ms;
    size_t retry_n;
    int64_t give_up_after_ms, delay_notice_after_ms;
    uint32_t connections; /* in all */
    uint32_t connections_per_destination;
    int64_t lease_ms;
};

struct check_config { /* domains looked at from outside, again and again */
    const struct str *watch;
    size_t watch_n;
    int64_t every_ms;
};

struct portal_config {
    bool on;
    struct str url; /* https://host[:port], no trailing slash */
    struct sockaddr_storage address;
    int64_t expire_after_ms;
    struct str organisation;               /* shown to readers */
    struct str from;                       /* sender of notices and codes */
    struct str template_dir;               /* "" = built in */
    struct str certificate_file, key_file; /* default: those of tls */
    int64_t idle_ms, session_ms;
    bool behind_proxy; /* plain HTTP on loopback behind nginx */
};

struct seal_config {       /* how messages are locked */
    uint32_t readers;      /* processes of the sealer; 0: one a processor */
    uint64_t memory_bytes; /* of one of them, beyond what it begins with */
    int64_t cpu_ms;        /* of one errand, processor time */
    bool headers;          /* header protection (RFC 9788) */
    bool hide_key_ids;
    struct str subject; /* what everybody may read instead */
    struct str ca_file; /* authorities for found certificates; "" = none */
};

struct recipient_config { /* readers who need it otherwise; first match wins */
    struct str who;       /* address pattern */
    bool headers, hide_key_ids;
    uint32_t line;
};

struct role_user { /* who a role runs as when started as root */
    uint32_t uid, gid;
};

struct rule; /* rules.h */
struct schema_block;
struct schema_key;

/* Where a setting stands; key NULL: the block as a whole. */
struct config_origin {
    const struct schema_block *block;
    const struct schema_key *key;
    size_t index;    /* of the block among those of its name */
    struct str file; /* as in config_error */
    uint32_t line, column;
};

struct config {
    struct arena arena;
    struct str file; /* absolute path it was read from */
    struct str hostname;
    struct str data_dir;                           /* absolute */
    struct str tls_certificate_file, tls_key_file; /* "" = no TLS */
    struct str dns_resolver; /* "127.0.0.1@5353" or "" = system's */
    struct str dns_trust_anchor_file;
    struct listen_config *listens;
    size_t listens_n;
    struct route_config *routes;
    size_t routes_n;
    struct pin_config *pins;
    size_t pins_n;
    struct dkim_config *dkims;
    size_t dkims_n;
    struct rule *rules;
    size_t rules_n;
    struct expect_config *expects;
    size_t expects_n;
    struct limits_config limits;
    struct delivery_config delivery;
    struct check_config check;
    struct portal_config portal;
    struct seal_config seal;
    struct recipient_config *recipients;
    size_t recipients_n;
    bool metrics_on;
    struct sockaddr_storage metrics_address;
    int64_t keep_records_ms;
    struct role_user user_intake, user_dispatch, user_portal, user_console,
        user_sealer;
    enum log_level log_level;
    enum log_format log_format;
    const struct config_origin *origins; /* in the order of reading */
    size_t origins_n;
};

/* One complaint; the text says what to do. */
struct config_error {
    struct str file;       /* the file it stands in, as it was named */
    uint32_t line, column; /* 1-based; 0: the file as a whole */
    struct str message;
};

struct config_errors {
    struct config_error *list;
    size_t n;
    struct arena arena;
};

/*
 * Reads and checks a file. NULL when there is any error; errors then holds all
 * of them in the order of the file. The files it names must be there and, where
 * they hold secrets, closed to others; their content is not read here. Free the
 * result with config_free(), the errors with config_errors_free().
 */
struct config *config_load(const char *path, struct config_errors *errors);
/* The same from memory and without a look at the files it names (includes are
 * read); path is only for messages and relative names. */
struct config *config_parse(struct str text, const char *path,
                            struct config_errors *errors);
void config_free(struct config **config);
void config_errors_free(struct config_errors *errors);
/* "file:line:column: message" a line, for every error. */
void config_errors_write(const struct config_errors *errors, struct buf *out);

/* Static lookups used by delivery; NULL when nothing is configured. */
const struct route_config *config_route(const struct config *config,
                                        struct str domain);
const struct pin_config *config_pin(const struct config *config,
                                    struct str domain);
const struct recipient_config *config_recipient(const struct config *config,
                                                struct str address);

#endif
