/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The channel between the envoy and the warden: a pair of sockets that keep
 * message boundaries. The envoy asks and waits; each question and each answer
 * is one packet. Both are the same program, so numbers have the machine's
 * order; but the warden trusts no length, name or number that the envoy
 * sends.
 *
 *   request  head, then two texts: `first` octets of the one, and the rest
 *     ACCOUNT  the errand                answer: SubjectPublicKeyInfo, DER
 *     SIGN     the errand, the input     answer: the signature, DER
 *     REQUEST  the certificate           answer: PKCS#10, DER
 *     CHAIN    the certificate           answer: what is served, PEM
 *     STORE    the certificate, a chain  answer: nothing
 *     SHOW     the name, the digest      answer: nothing
 *     HIDE     the name                  answer: nothing
 *   answer   head with the request's id and op; `first` is 0 when it was
 *            done, else the text says why not
 */
#ifndef PTN_WARDEN_ERRAND_WIRE_H
#define PTN_WARDEN_ERRAND_WIRE_H

#include <postern/errand.h>

enum ptn_errand_op {
    PTN_ERRAND_OP_ACCOUNT = 1,
    PTN_ERRAND_OP_SIGN,
    PTN_ERRAND_OP_REQUEST,
    PTN_ERRAND_OP_CHAIN,
    PTN_ERRAND_OP_STORE,
    PTN_ERRAND_OP_SHOW,
    PTN_ERRAND_OP_HIDE,
};

struct ptn_errand_head {
    uint32_t id;
    uint16_t op;
    uint16_t first; /* octets of the first text; of an answer: 1 = refused */
};

enum {
    PTN_ERRAND_NAME_MAX = 255,
    PTN_ERRAND_REQUEST_MAX = sizeof(struct ptn_errand_head) +
                             PTN_ERRAND_NAME_MAX + PTN_ERRAND_CHAIN_MAX,
    PTN_ERRAND_ANSWER_MAX =
        sizeof(struct ptn_errand_head) + PTN_ERRAND_CHAIN_MAX,
    PTN_ERRAND_WAIT_MS = 120000, /* for an RSA key on a small device */
};

#endif
