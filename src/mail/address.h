/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mail addresses as the envelope has them (RFC 5321, 4.1.2; RFC 6531), parsed
 * once into one normal form that everything else uses: local part as it is
 * meant, domain as A-label in lower case. Refused: source routes that are not
 * ones, encoded words (they are only text), comments, control characters,
 * names DNS cannot have. Pure.
 */
#ifndef POSTSEAL_MAIL_ADDRESS_H
#define POSTSEAL_MAIL_ADDRESS_H

#include "base/arena.h"

enum {
    ADDRESS_LOCAL_MAX = 64,   /* RFC 5321, 4.5.3.1.1 */
    ADDRESS_DOMAIN_MAX = 253, /* RFC 1035, 2.3.4, as text */
    ADDRESS_MAX = 2 * ADDRESS_LOCAL_MAX + 3 + ADDRESS_DOMAIN_MAX,
};

struct address {
    struct str text;   /* local@domain, quoted only where it has to be */
    struct str local;  /* without quotes: what is meant */
    struct str domain; /* A-label, lower case; or "[192.0.2.1]" */
    bool utf8;         /* the local part is not ASCII: needs SMTPUTF8 */
    bool literal;      /* the domain is an address literal */
};

/*
 * The whole of s as local@domain. A domain in U-labels is turned into A-labels
 * (IDNA 2008, UTS 46 non-transitional). False when it is none.
 */
bool address_parse(struct str s, struct arena *arena, struct address *out);

/*
 * "<local@domain>" or "<>" at the front of s; a source route is dropped
 * (RFC 5321, appendix C). *empty says it was the null path. *used counts the
 * octets read. False when there is none.
 */
bool address_path(struct str s, struct arena *arena, struct address *out,
                  bool *empty, size_t *used);

/* A domain in A-label form, lower case, without a dot at its end; false when
 * it is no host name and no literal. */
bool address_domain(struct str s, struct arena *arena, struct str *out);

/* The address (text form) fits a pattern: *@domain, *@*.domain, *.domain,
 * domain, local*@domain. Case does not matter. The null sender fits none. */
bool address_matches(struct str address, struct str pattern);

#endif
