/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/schema.h"

#include "policy/rules.h"
#include "policy/suggest.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NO SCHEMA_NO_SECOND
#define IN_CONFIG(field) offsetof(struct config, field)
#define IN_LISTEN(field) offsetof(struct listen_config, field)
#define IN_ROUTE(field) offsetof(struct route_config, field)
#define IN_PIN(field) offsetof(struct pin_config, field)
#define IN_DKIM(field) offsetof(struct dkim_config, field)
#define IN_EXPECT(field) offsetof(struct expect_config, field)
#define IN_RECIPIENT(field) offsetof(struct recipient_config, field)
#define IN_RULE(field) offsetof(struct rule, field)

enum {
    SECOND = 1000,
    MINUTE = 60 * SECOND,
    HOUR = 60 * MINUTE,
    DAY = 24 * HOUR,
};
#define YEARS(n) ((n)*366ull * DAY)

static const struct schema_word starttls_words[] = {
    { "offered", LISTEN_TLS_OFFERED },
    { "required", LISTEN_TLS_REQUIRED },
    { NULL, 0 },
};
static const struct schema_word implicit_words[] = {
    { "implicit", LISTEN_TLS_IMPLICIT },
    { NULL, 0 },
};
static const struct schema_word auth_words[] = {
    { "off", LISTEN_AUTH_OFF },
    { "offered", LISTEN_AUTH_OFFERED },
    { "required", LISTEN_AUTH_REQUIRED },
    { NULL, 0 },
};
static const struct schema_word clear_path_words[] = {
    { "pin", CLEAR_PATH_PIN },
    { "code", CLEAR_PATH_CODE },
    { NULL, 0 },
};
static const struct schema_word keys_words[] = {
    { "approved", RULE_KEYS_APPROVED },
    { "candidates", RULE_KEYS_CANDIDATES },
    { NULL, 0 },
};
static const struct schema_word level_words[] = {
    { "debug", LOG_DEBUG },   { "info", LOG_INFO },
    { "notice", LOG_NOTICE }, { "warning", LOG_WARNING },
    { "error", LOG_ERROR },   { NULL, 0 },
};
static const struct schema_word format_words[] = {
    { "text", LOG_TEXT },
    { "json", LOG_JSON },
    { NULL, 0 },
};

/* name, type, place, second, default, least, most, words, required, help */
static const struct schema_key file_keys[] = {
    { "hostname", TYPE_HOSTNAME, IN_CONFIG(hostname), NO, NULL, 0, 0, NULL,
      true,
      "Full name of this host: in greetings, EHLO, Received and "
      "Message-ID. Receivers expect it to resolve to the address mail "
      "comes from, and back." },
    { "data", TYPE_PATH, IN_CONFIG(data_dir), NO, NULL, 0, 0, NULL, true,
      "Folder of the store and the keys, made by *postseal init*." },
    { "keep-records", TYPE_TIME, IN_CONFIG(keep_records_ms), NO, "6y", DAY,
      YEARS(100), NULL, false,
      "How long what is known about a message (never its content) is kept." },
};

static const struct schema_key tls_keys[] = {
    { "certificate", TYPE_PATH, IN_CONFIG(tls_certificate_file), NO, NULL, 0, 0,
      NULL, true, "PEM file: the certificate of this host, then its chain." },
    { "key", TYPE_PATH, IN_CONFIG(tls_key_file), NO, NULL, 0, 0, NULL, true,
      "PEM file with its private key; closed to others (chmod 600)." },
};

static const struct schema_key dns_keys[] = {
    { "resolver", TYPE_RESOLVER, IN_CONFIG(dns_resolver), NO, NULL, 0, 0, NULL,
      false,
      "Resolver to ask, as address or address@port. Default: those of "
      "/etc/resolv.conf. Answers are validated here in any case." },
    { "trust-anchor", TYPE_PATH, IN_CONFIG(dns_trust_anchor_file), NO, NULL, 0,
      0, NULL, false,
      "File with the DNSSEC trust anchor. Default: the system's." },
};

static const struct schema_key listen_label = { "ADDRESS:PORT",
                                                TYPE_LISTEN,
                                                IN_LISTEN(address),
                                                IN_LISTEN(name),
                                                NULL,
                                                0,
                                                0,
                                                NULL,
                                                true,
                                                "Where mail is handed in." };
static const struct schema_key listen_keys[] = {
    { "accept-from", TYPE_RANGES, IN_LISTEN(accept_from),
      IN_LISTEN(accept_from_n), NULL, 0, 0, NULL, false,
      "Addresses of clients that may hand in mail without logging in. Of a "
      "range that others share (a mail provider's), also name *senders*." },
    { "senders", TYPE_PATTERNS, IN_LISTEN(senders), IN_LISTEN(senders_n), NULL,
      0, 0, NULL, false, "Only mail from these envelope senders is taken." },
    { "auth", TYPE_ENUM, IN_LISTEN(auth), NO, "off", 0, 0, auth_words, false,
      "Whether clients log in (only ever inside TLS)." },
    { "starttls", TYPE_ENUM, IN_LISTEN(tls), NO, "offered", 0, 0,
      starttls_words, false,
      "Whether clients must start TLS before anything else." },
    { "tls", TYPE_ENUM, IN_LISTEN(tls), NO, NULL, 0, 0, implicit_words, false,
      "*implicit*: TLS from the first octet (port 465)." },
    { "fix-line-ends", TYPE_RANGES, IN_LISTEN(normalise),
      IN_LISTEN(normalise_n), NULL, 0, 0, NULL, false,
      "Clients whose bare line feeds are mended. All others are refused for "
      "them, because bare line feeds are how mail is smuggled." },
};

static const struct schema_key route_label = {
    "DOMAIN",
    TYPE_DOMAIN,
    IN_ROUTE(domain),
    NO,
    NULL,
    0,
    0,
    NULL,
    true,
    "Domain, *.domain, or * for the rest."
};
static const struct schema_key route_keys[] = {
    { "to", TYPE_HOST_PORT, IN_ROUTE(host), IN_ROUTE(port), NULL, 0, 0, NULL,
      true, "The next hop instead of the domain's MX hosts." },
    { "floor", TYPE_FLOOR, IN_ROUTE(floor), IN_ROUTE(has_floor), NULL, 0, 0,
      NULL, false,
      "What the connection to this hop must be at least, instead of the "
      "message's floor. *open* is for a hop inside your own protected "
      "network." },
    { "auth", TYPE_LOGIN, IN_ROUTE(auth_user), IN_ROUTE(auth_secret_file), NULL,
      0, 0, NULL, false,
      "Account and file with its password, used inside checked TLS only. The "
      "hop must then be *verified* whatever the message's floor is." },
    { "tls", TYPE_ENUM, IN_ROUTE(tls), NO, NULL, 0, 0, implicit_words, false,
      "*implicit*: TLS from the first octet, as always on port 465. Without "
      "it: STARTTLS." },
};

static const struct schema_key pin_label = {
    "DOMAIN", TYPE_DOMAIN, IN_PIN(domain), NO,   NULL,
    0,        0,           NULL,           true, "Domain or *.domain."
};
static const struct schema_key pin_keys[] = {
    { "floor", TYPE_FLOOR, IN_PIN(floor), IN_PIN(has_floor), NULL, 0, 0, NULL,
      false,
      "No message to this domain goes below this floor, whatever rule "
      "decides." },
    { "public-key", TYPE_KEYS, IN_PIN(spki_sha256), IN_PIN(spki_n), NULL, 0, 0,
      NULL, false,
      "SHA-256 of the public keys (SubjectPublicKeyInfo) its servers may "
      "show. Then nothing else proves them." },
};

static const struct schema_key dkim_keys[] = {
    { "domain", TYPE_DOMAIN, IN_DKIM(domain), NO, NULL, 0, 0, NULL, true,
      "Domain that signs; mail from it and its subdomains is signed." },
    { "selector", TYPE_TEXT, IN_DKIM(selector), NO, NULL, 0, 0, NULL, true,
      "Selector its public key is published under." },
    { "key", TYPE_PATH, IN_DKIM(key_file), NO, NULL, 0, 0, NULL, true,
      "PEM file with the private key, RSA or Ed25519." },
};

static const struct schema_key expect_keys[] = {
    { "from", TYPE_PATTERN, IN_EXPECT(from), NO, NULL, 0, 0, NULL, true,
      "Envelope sender." },
    { "to", TYPE_PATTERN, IN_EXPECT(to), NO, NULL, 0, 0, NULL, true,
      "Recipient." },
    { "subject", TYPE_TEXT, IN_EXPECT(subject), NO, NULL, 0, 0, NULL, false,
      "Subject of the message." },
    { "header", TYPE_TEXT, IN_EXPECT(header), NO, NULL, 0, 0, NULL, false,
      "One header field: \"X-Class: secret\"." },
    { "size", TYPE_SIZE, IN_EXPECT(size_bytes), NO, "0", 0, 0, NULL, false,
      "Size of the message." },
    { "user", TYPE_TEXT, IN_EXPECT(user), NO, NULL, 0, 0, NULL, false,
      "Account it was handed in by." },
    { "listener", TYPE_TEXT, IN_EXPECT(listener), NO, NULL, 0, 0, NULL, false,
      "Listener it came in by." },
    { "gives", TYPE_METHODS, IN_EXPECT(gives), NO, NULL, 0, 0, NULL, true,
      "The method that must be tried first, or the whole ladder, or "
      "*nothing*." },
    { "floor", TYPE_FLOOR, IN_EXPECT(floor), IN_EXPECT(has_floor), NULL, 0, 0,
      NULL, false, "The floor it must have." },
    { "rule", TYPE_TEXT, IN_EXPECT(rule), NO, NULL, 0, 0, NULL, false,
      "The rule that must decide." },
};

static const struct schema_key limits_keys[] = {
    { "connections", TYPE_COUNT, IN_CONFIG(limits.connections), NO, "2000", 1,
      100000, NULL, false, "Clients connected at one time, in all." },
    { "connections-per-source", TYPE_COUNT,
      IN_CONFIG(limits.connections_per_source), NO, "50", 1, 100000, NULL,
      false, "The same, from one address (IPv6: one /64)." },
    { "recipients", TYPE_COUNT, IN_CONFIG(limits.recipients), NO, "1000", 100,
      100000, NULL, false, "Recipients of one message." },
    { "message", TYPE_SIZE, IN_CONFIG(limits.message_bytes), NO, "100M", 65536,
      4ull << 30, NULL, false, "Size of one message." },
    { "errors", TYPE_COUNT, IN_CONFIG(limits.errors_per_session), NO, "20", 1,
      10000, NULL, false, "Refused commands before a client is cut off." },
    { "command-timeout", TYPE_TIME, IN_CONFIG(limits.command_ms), NO, "5m",
      SECOND, HOUR, NULL, false, "Wait for a client's next command." },
    { "data-timeout", TYPE_TIME, IN_CONFIG(limits.data_ms), NO, "5m", SECOND,
      HOUR, NULL, false, "Wait for the next piece of a message." },
    { "transaction-timeout", TYPE_TIME, IN_CONFIG(limits.transaction_ms), NO,
      "1h", SECOND, DAY, NULL, false, "Time of a whole transaction." },
    { "received", TYPE_COUNT, IN_CONFIG(limits.received_max), NO, "100", 10,
      1000, NULL, false,
      "Received lines in a message after which it is taken for a loop." },
};

static const struct schema_key delivery_keys[] = {
    { "port", TYPE_PORT, IN_CONFIG(delivery.port), NO, "25", 1, 65535, NULL,
      false, "Port of MX hosts." },
    { "ca", TYPE_CA, IN_CONFIG(delivery.ca_file), NO, "system", 0, 0, NULL,
      false, "PEM file of the public CAs, or *system*." },
    { "allow-private", TYPE_RANGES, IN_CONFIG(delivery.allow_private),
      IN_CONFIG(delivery.allow_private_n), NULL, 0, 0, NULL, false,
      "Private addresses to which MX records and policy hosts may lead. All "
      "others (RFC 1918, loopback and the like) are refused on the public "
      "ports 25 and 443, so that no domain can point us at doors inside. A "
      "*route* is not asked." },
    { "mta-sts-port", TYPE_PORT, IN_CONFIG(delivery.sts_port), NO, "443", 1,
      65535, NULL, false, "Port of MTA-STS policy hosts." },
    { "wkd-port", TYPE_PORT, IN_CONFIG(delivery.wkd_port), NO, "443", 1, 65535,
      NULL, false, "Port of Web Key Directories." },
    { "connect-timeout", TYPE_TIME, IN_CONFIG(delivery.connect_timeout_ms), NO,
      "30s", SECOND, 10 * MINUTE, NULL, false, "Wait for a connection." },
    { "command-timeout", TYPE_TIME, IN_CONFIG(delivery.command_timeout_ms), NO,
      "5m", SECOND, HOUR, NULL, false, "Wait for the reply to a command." },
    { "data-timeout", TYPE_TIME, IN_CONFIG(delivery.data_timeout_ms), NO, "10m",
      SECOND, HOUR, NULL, false, "Wait for the reply to a whole message." },
    { "retry", TYPE_TIMES, IN_CONFIG(delivery.retry_ms),
      IN_CONFIG(delivery.retry_n), "5m 15m 30m 1h 2h 4h", SECOND, 7 * DAY, NULL,
      false, "Waits between tries; the last one repeats." },
    { "give-up-after", TYPE_TIME, IN_CONFIG(delivery.give_up_after_ms), NO,
      "5d", MINUTE, 30ull * DAY, NULL, false,
      "When a message that cannot be delivered goes back." },
    { "delay-notice-after", TYPE_TIME,
      IN_CONFIG(delivery.delay_notice_after_ms), NO, "4h", MINUTE, 30ull * DAY,
      NULL, false, "When the sender hears that it is still waiting." },
    { "connections", TYPE_COUNT, IN_CONFIG(delivery.connections), NO, "200", 1,
      10000, NULL, false, "Connections out at one time, in all." },
    { "connections-per-destination", TYPE_COUNT,
      IN_CONFIG(delivery.connections_per_destination), NO, "20", 1, 1000, NULL,
      false, "The same, to one destination, at most." },
    { "lease", TYPE_TIME, IN_CONFIG(delivery.lease_ms), NO, "10m", 10 * SECOND,
      DAY, NULL, false,
      "How long one process keeps a delivery to itself without a word." },
};

static const struct schema_key check_keys[] = {
    { "watch", TYPE_DOMAINS, IN_CONFIG(check.watch), IN_CONFIG(check.watch_n),
      NULL, 0, 0, NULL, false,
      "Domains that are checked again and again, as *postseal check* does. "
      "What changes is written to the log (event *domain.changed*)." },
    { "every", TYPE_TIME, IN_CONFIG(check.every_ms), NO, "1d", SECOND,
      30ull * DAY, NULL, false,
      "How often; the checks are spread evenly over this time." },
};

static const struct schema_key portal_keys[] = {
    { "url", TYPE_URL, IN_CONFIG(portal.url), NO, NULL, 0, 0, NULL, true,
      "The address readers see, with https." },
    { "listen", TYPE_ADDRESS, IN_CONFIG(portal.address), NO, NULL, 0, 0, NULL,
      true, "Where the portal answers." },
    { "expire-after", TYPE_TIME, IN_CONFIG(portal.expire_after_ms), NO, "30d",
      HOUR, YEARS(2), NULL, false, "How long a message waits there." },
    { "organisation", TYPE_TEXT, IN_CONFIG(portal.organisation), NO, NULL, 0, 0,
      NULL, false, "Name shown to readers. Default: the hostname." },
    { "from", TYPE_MAILBOX, IN_CONFIG(portal.from), NO, NULL, 0, 0, NULL, false,
      "Sender of notices and codes. Default: postseal@ and the hostname." },
    { "templates", TYPE_PATH, IN_CONFIG(portal.template_dir), NO, NULL, 0, 0,
      NULL, false, "Folder of templates that replace the built-in ones." },
    { "certificate", TYPE_PATH, IN_CONFIG(portal.certificate_file), NO, NULL, 0,
      0, NULL, false,
      "Certificate and chain of the portal. Default: those of *tls*." },
    { "key", TYPE_PATH, IN_CONFIG(portal.key_file), NO, NULL, 0, 0, NULL, false,
      "Its private key." },
    { "idle-timeout", TYPE_TIME, IN_CONFIG(portal.idle_ms), NO, "15m", MINUTE,
      DAY, NULL, false, "When an idle reader has to ask for a new code." },
    { "session-timeout", TYPE_TIME, IN_CONFIG(portal.session_ms), NO, "4h",
      MINUTE, 7 * DAY, NULL, false, "When any reader has to." },
    { "behind-proxy", TYPE_YES, IN_CONFIG(portal.behind_proxy), NO, "no", 0, 0,
      NULL, false,
      "Plain HTTP, on loopback only, behind a proxy that does the TLS." },
};

static const struct schema_key seal_keys[] = {
    { "header-protection", TYPE_YES, IN_CONFIG(seal.headers), NO, "yes", 0, 0,
      NULL, false,
      "Lock the subject with the message (RFC 9788) and send a harmless one "
      "outside." },
    { "subject", TYPE_TEXT, IN_CONFIG(seal.subject), NO, "[...]", 0, 0, NULL,
      false, "The harmless subject." },
    { "hide-key-ids", TYPE_YES, IN_CONFIG(seal.hide_key_ids), NO, "no", 0, 0,
      NULL, false,
      "Do not name the recipient's OpenPGP key in the message. Some readers "
      "then have to try all their keys." },
    { "ca", TYPE_PATH, IN_CONFIG(seal.ca_file), NO, NULL, 0, 0, NULL, false,
      "PEM file of the authorities that S/MIME certificates must come from. "
      "Without it each certificate stands for itself." },
    { "processes", TYPE_COUNT, IN_CONFIG(seal.readers), NO, "0", 0, 32, NULL,
      false, "Processes that read and lock; 0: one for each processor." },
    { "memory", TYPE_SIZE, IN_CONFIG(seal.memory_bytes), NO, "512M", 64 << 20,
      16ull << 30, NULL, false, "What one message may take of memory." },
    { "cpu-time", TYPE_TIME, IN_CONFIG(seal.cpu_ms), NO, "60s", SECOND, HOUR,
      NULL, false, "What one message may take of processor time." },
};

static const struct schema_key recipient_label = {
    "PATTERN",
    TYPE_PATTERN,
    IN_RECIPIENT(who),
    NO,
    NULL,
    0,
    0,
    NULL,
    true,
    "Who: an address or a pattern such as *@old.example"
};
static const struct schema_key recipient_keys[] = {
    { "header-protection", TYPE_YES, IN_RECIPIENT(headers), NO, "yes", 0, 0,
      NULL, false, "As in *seal*, for these readers." },
    { "hide-key-ids", TYPE_YES, IN_RECIPIENT(hide_key_ids), NO, "no", 0, 0,
      NULL, false, "As in *seal*, for these readers." },
};

static const struct schema_key metrics_keys[] = {
    { "listen", TYPE_ADDRESS, IN_CONFIG(metrics_address), IN_CONFIG(metrics_on),
      NULL, 0, 0, NULL, true,
      "Where /metrics, /healthz and /readyz answer; not for outsiders." },
};

static const struct schema_key run_as_keys[] = {
    { "intake", TYPE_ROLE_USER, IN_CONFIG(user_intake), NO, NULL, 0, 0, NULL,
      false, "User of the process that takes mail in." },
    { "dispatch", TYPE_ROLE_USER, IN_CONFIG(user_dispatch), NO, NULL, 0, 0,
      NULL, false, "User of the process that sends." },
    { "portal", TYPE_ROLE_USER, IN_CONFIG(user_portal), NO, NULL, 0, 0, NULL,
      false, "User of the process readers talk to." },
    { "console", TYPE_ROLE_USER, IN_CONFIG(user_console), NO, NULL, 0, 0, NULL,
      false, "User of the process administrators talk to." },
    { "sealer", TYPE_ROLE_USER, IN_CONFIG(user_sealer), NO, NULL, 0, 0, NULL,
      false, "User of the process that reads keys and locks messages." },
};

static const struct schema_key log_keys[] = {
    { "level", TYPE_ENUM, IN_CONFIG(log_level), NO, "info", 0, 0, level_words,
      false, "Least level that is written." },
    { "format", TYPE_ENUM, IN_CONFIG(log_format), NO, "text", 0, 0,
      format_words, false, "Lines for people, or one JSON object a line." },
};

static const struct schema_key rule_label = {
    "NAME",
    TYPE_TEXT,
    IN_RULE(name),
    NO,
    NULL,
    0,
    0,
    NULL,
    true,
    "Name shown wherever the rule decided."
};
static const struct schema_key rule_keys[] = {
    { "when", TYPE_WHEN, IN_RULE(when), NO, NULL, 0, 0, NULL, false,
      "When the rule decides; without it: always." },
    { "floor", TYPE_FLOOR, IN_RULE(floor), NO, "verified", 0, 0, NULL, false,
      "How strong the protection must be." },
    { "ladder", TYPE_LADDER, IN_RULE(ladder), NO, "tls portal", 0, 0, NULL,
      false, "Methods in the order they are tried: tls, pgp, smime, portal." },
    { "switch-after", TYPE_TIME, IN_RULE(switch_after_ms), NO, "15m", SECOND,
      30ull * DAY, NULL, false,
      "How long a method whose fault may pass is retried before the next one "
      "is taken. A lasting fault takes the next one at once." },
    { "tell-sender", TYPE_YES, IN_RULE(tell_sender), NO, "no", 0, 0, NULL,
      false, "The sender hears when another method than the first was used." },
    { "sender-may-lower", TYPE_YES, IN_RULE(sender_may_lower), NO, "no", 0, 0,
      NULL, false,
      "The header X-Postseal-Floor may ask for less; that is put on record." },
    { "clear-path", TYPE_ENUM, IN_RULE(clear_path), NO, "pin", 0, 0,
      clear_path_words, false,
      "What a reader whose mail host has no TLS needs beside the link: a PIN "
      "the sender passes on, or only the code." },
    { "keys", TYPE_ENUM, IN_RULE(keys), NO, "approved", 0, 0, keys_words, false,
      "Which keys of a recipient may be used: those an administrator approved, "
      "or also candidates, found and not yet looked at by anybody." },
    { "strip-subject-marker", TYPE_MARKER, IN_RULE(strip_marker),
      IN_RULE(strip), NULL, 0, 0, NULL, false,
      "Text taken out of the subject of what is sent; without a text, that of "
      "the rule's own *subject contains*." },
};

#define SINGLE(name, keys, help)                                               \
    {                                                                          \
        name, NULL, keys, COUNT(keys), 0, 0, 0, NO, true, help                 \
    }
#define MANY(name, label, keys, type, field, braces, help)                     \
    {                                                                          \
        name, label, keys, COUNT(keys), sizeof(type), IN_CONFIG(field),        \
            IN_CONFIG(field##_n), offsetof(type, line), braces, help           \
    }

const struct schema_block schema_blocks[] = {
    SINGLE("", file_keys, "The gateway as a whole."),
    SINGLE("tls", tls_keys,
           "Certificate shown to clients, and to servers "
           "that ask for one."),
    SINGLE("dns", dns_keys, "How names are looked up."),
    MANY("listen", &listen_label, listen_keys, struct listen_config, listens,
         true, "Where mail is handed in; as many as needed."),
    SINGLE("limits", limits_keys, "What clients may ask of the gateway."),
    SINGLE("delivery", delivery_keys, "How mail goes out."),
    MANY("route", &route_label, route_keys, struct route_config, routes, true,
         "A fixed next hop for a domain; the first that fits is taken."),
    MANY("pin", &pin_label, pin_keys, struct pin_config, pins, true,
         "What is known for certain about a domain: stronger than any rule "
         "and any record."),
    MANY("dkim", NULL, dkim_keys, struct dkim_config, dkims, true,
         "A signature under outgoing mail; one block a key."),
    SINGLE("check", check_keys, "How partners' domains are kept an eye on."),
    SINGLE("portal", portal_keys,
           "Where readers pick up what could not go "
           "any other way."),
    SINGLE("seal", seal_keys, "How messages are locked (*pgp*, *smime*)."),
    MANY("recipient", &recipient_label, recipient_keys, struct recipient_config,
         recipients, true,
         "Readers whose programs need something else; the first that fits is "
         "taken, instead of what *seal* says."),
    MANY("rule", &rule_label, rule_keys, struct rule, rules, true,
         "Floor and ladder for the messages it fits; the first that fits "
         "decides."),
    MANY("expect", NULL, expect_keys, struct expect_config, expects, false,
         "What the rules must give for a message; run by *postseal policy "
         "test*."),
    SINGLE("metrics", metrics_keys, "For monitoring."),
    SINGLE("log", log_keys, "Lines on standard error."),
    SINGLE("run-as", run_as_keys,
           "Users of the roles when started as root. "
           "Default: numbers of their own."),
};
const size_t schema_blocks_n = COUNT(schema_blocks);

const struct schema_key *schema_key_find(const struct schema_block *block,
                                         struct str name)
{
    for (size_t i = 0; i < block->keys_n; i++)
        if (str_eq(name, str_from_cstr(block->keys[i].name)))
            return &block->keys[i];
    return NULL;
}

const struct schema_block *schema_block_find(struct str name)
{
    for (size_t i = 0; i < schema_blocks_n; i++)
        if (str_eq(name, str_from_cstr(schema_blocks[i].name)))
            return &schema_blocks[i];
    return NULL;
}

const char *schema_suggest(const struct schema_block *block, struct str name)
{
    const char *names[64];
    size_t n = 0;

    for (size_t i = 0; i < block->keys_n; i++)
        names[n++] = block->keys[i].name;
    if (block->name[0] == '\0') {
        for (size_t i = 1; i < schema_blocks_n; i++)
            names[n++] = schema_blocks[i].name;
        names[n++] = "include";
    }
    names[n] = NULL;
    return suggest_name(name, names);
}
