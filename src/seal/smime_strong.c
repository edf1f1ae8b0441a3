/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What locks the content of an enveloped message, read with a walk of our own
 * over its outermost structure (RFC 5652, 6.1; RFC 5083, 2.1). Elements that
 * must be stepped over have a definite length, as every writer makes them.
 */
#include "seal/smime_inner.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <string.h>

enum { TAG_LEAST = 12 };

/* Into the constructed element at the front: *in becomes its content, or, when
 * it says no length, all that is behind its head. */
static bool enter(struct str *in, int tag, int class)
{
    const unsigned char *p = (const unsigned char *)in->p;
    int got_tag, got_class;
    long n;
    int how = ASN1_get_object(&p, &n, &got_tag, &got_class, (long)in->n);
    size_t head = (size_t)((const char *)p - in->p);

    if ((how & 0x80) || !(how & V_ASN1_CONSTRUCTED) || got_tag != tag ||
        got_class != class)
        return false;
    *in = str_from(*in, head);
    if (!(how & 1))
        *in = str_first(*in, (size_t)n);
    return true;
}

/* The element at the front, of definite length, moved past. */
static bool take(struct str *in, int *tag, struct str *whole,
                 struct str *content)
{
    const unsigned char *p = (const unsigned char *)in->p;
    int class;
    long n;
    int how = ASN1_get_object(&p, &n, tag, &class, (long)in->n);
    size_t head = (size_t)((const char *)p - in->p);

    if ((how & 0x80) || (how & 1))
        return false;
    *content = str_first(str_from(*in, head), (size_t)n);
    *whole = str_first(*in, head + (size_t)n);
    *in = str_from(*in, head + (size_t)n);
    return true;
}

static int nid_of(struct str whole)
{
    const unsigned char *p = (const unsigned char *)whole.p;
    ASN1_OBJECT *object = d2i_ASN1_OBJECT(NULL, &p, (long)whole.n);
    int nid = object == NULL ? NID_undef : OBJ_obj2nid(object);

    ASN1_OBJECT_free(object);
    return nid;
}

/* GCMParameters: nonce, and the tag's length, 12 when it is not said
 * (RFC 5084, 3.2). */
static bool is_long_tag(struct str parameters)
{
    struct str whole, content;
    int tag;

    if (!enter(&parameters, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL) ||
        !take(&parameters, &tag, &whole, &content) ||
        tag != V_ASN1_OCTET_STRING)
        return false;
    if (parameters.n == 0)
        return true;
    return take(&parameters, &tag, &whole, &content) && tag == V_ASN1_INTEGER &&
           content.n == 1 && content.p[0] >= TAG_LEAST && content.p[0] <= 16;
}

static bool is_strong_algorithm(struct str algorithm)
{
    struct str oid, content;
    int tag;

    if (!enter(&algorithm, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL) ||
        !take(&algorithm, &tag, &oid, &content) || tag != V_ASN1_OBJECT)
        return false;
    switch (nid_of(oid)) {
    case NID_aes_128_cbc:
    case NID_aes_192_cbc:
    case NID_aes_256_cbc:
        return true;
    case NID_aes_128_gcm:
    case NID_aes_192_gcm:
    case NID_aes_256_gcm:
        return is_long_tag(algorithm);
    default:
        return false;
    }
}

/* To the algorithm: version, [0] originator info, recipient infos, and then
 * the encrypted content's own type. */
static bool find_algorithm(struct str *in)
{
    struct str whole, content;
    int tag = -1;

    if (!enter(in, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL) ||
        !take(in, &tag, &whole, &content) || tag != V_ASN1_OBJECT ||
        !enter(in, 0, V_ASN1_CONTEXT_SPECIFIC) ||
        !enter(in, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL) ||
        !take(in, &tag, &whole, &content) || tag != V_ASN1_INTEGER)
        return false;
    for (int i = 0; i < 2 && tag != V_ASN1_SET; i++)
        if (!take(in, &tag, &whole, &content))
            return false;
    return tag == V_ASN1_SET && enter(in, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL) &&
           take(in, &tag, &whole, &content) && tag == V_ASN1_OBJECT;
}

bool smime_is_strong(struct str in)
{
    bool strong = find_algorithm(&in) && is_strong_algorithm(in);

    ERR_clear_error();
    return strong;
}
