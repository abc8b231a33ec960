/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The sign channel between a worker and the warden: a pair of sockets that
 * keep message boundaries. The worker asks, the warden answers, one after the
 * other. Both are the same program, so numbers have the machine's order; but
 * the warden trusts no length, name or number that a worker sends.
 *
 *   request  head, then by `op`:
 *     SIGN     the leaf's fingerprint, then the input
 *     LOAD     the certificate's name in the config
 *     CHALLENGE a host name
 *     STAPLE   the leaf's fingerprint, then the certificate's name
 *     SETTLE   nothing: `round` is that of the answers it has settled on.
 *              There is no answer
 *   answer   head with the request's id, then
 *     GOOD     the signature, or a piece of the chain or of the staple;
 *              `more` follow it
 *     others   a text for people
 */
#ifndef PTN_WARDEN_WIRE_H
#define PTN_WARDEN_WIRE_H

#include "pki/keyring.h"

enum ptn_warden_op {
    PTN_WARDEN_SIGN = 1,
    PTN_WARDEN_LOAD,
    PTN_WARDEN_SETTLE,
    PTN_WARDEN_CHALLENGE,
    PTN_WARDEN_STAPLE,
};

struct ptn_warden_head {
    uint32_t id;
    uint16_t op;    /* enum ptn_warden_op, or enum ptn_keyring_result */
    uint16_t extra; /* of SIGN the scheme; of an answer: 1 if more follows */
    uint64_t round; /* how often the warden had read its files */
};

enum {
    PTN_WARDEN_INPUT_MAX = 512, /* octets to sign: RFC 8446 section 4.4.3 and
                                   RFC 8422 section 5.4 need fewer */
    PTN_WARDEN_NAME_MAX = 255,
    PTN_WARDEN_REQUEST_MAX = sizeof(struct ptn_warden_head) +
                             PTN_FINGERPRINT_SIZE + PTN_WARDEN_INPUT_MAX,
    PTN_WARDEN_ANSWER_MAX = 8192, /* octets of one packet */
    PTN_WARDEN_PIECE_MAX =
        PTN_WARDEN_ANSWER_MAX - sizeof(struct ptn_warden_head),
};

#endif
