/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * DER (X.690), read and written, as far as keys and certificates need it:
 * tags of one octet, definite lengths of at most four. What is read is
 * borrowed from the input. Internal to core/x509.
 */
#ifndef CORE_X509_DER_H
#define CORE_X509_DER_H

#include <postern/buf.h>

enum {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTETS = 0x04,
    DER_NULL = 0x05,
    DER_OID = 0x06,
    DER_UTF8 = 0x0c,
    DER_PRINTABLE = 0x13,
    DER_IA5 = 0x16,
    DER_UTC_TIME = 0x17,
    DER_TIME = 0x18,
    DER_BMP = 0x1e,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
    DER_CONTEXT = 0x80,     /* [0], primitive */
    DER_CONTEXT_CONS = 0xa0 /* [0], constructed */
};

struct ptn_der {
    uint8_t tag;
    struct ptn_slice body;
    struct ptn_slice whole; /* tag and length, too */
};

/* Takes the next element from the front of `rest`. False: there is none that
 * is whole. Lengths that BER allows and DER does not are refused. */
bool ptn_der_next(struct ptn_slice *rest, struct ptn_der *out);
/* The same for an element that must have this tag. */
bool ptn_der_get(struct ptn_slice *rest, uint8_t tag, struct ptn_slice *body);
/* Passes over an element that may be there. */
void ptn_der_skip(struct ptn_slice *rest, uint8_t tag);
/* An INTEGER from 0 to 2^31 - 1. */
bool ptn_der_number(struct ptn_slice *rest, uint32_t *out);
/* The tag of what comes next; 0: nothing. */
uint8_t ptn_der_peek(struct ptn_slice rest);

void ptn_der_add(struct ptn_buf *out, uint8_t tag, struct ptn_slice body);
/* A non-negative INTEGER from its octets, the highest first. */
void ptn_der_add_number(struct ptn_buf *out, uint32_t value);
/* What `out` has got since it was `from` octets long becomes the body of an
 * element. `out` holds secrets? Then reserve room for all of it first. */
void ptn_der_close(struct ptn_buf *out, size_t from, uint8_t tag);

/* BER as some programs write it, of indefinite lengths and strings in pieces,
 * becomes DER as far as reading needs it. False: malformed, or nested deeper
 * than anybody does. `out` has the input's size reserved at once. */
bool ptn_ber_to_der(struct ptn_slice in, struct ptn_buf *out);

/* Wipes, then frees. */
void ptn_x509_wipe(struct ptn_buf *b);

#endif
