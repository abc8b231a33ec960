/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A house with certificates of a stand-in for a TLS library, as those of
 * tests/unit/pki/pki.c: a key is "KEY number", a certificate "CERT number",
 * and what follows is padding. A signature says by which key it is, and how
 * often its handle had signed before.
 */
#ifndef TESTS_WARDEN_FIXTURE_H
#define TESTS_WARDEN_FIXTURE_H

#include "conf/conf.h"
#include "warden/keys.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>

#include <cmocka.h>

struct fixture {
    char folder[64];
    size_t count;
    struct ptn_cert_conf *certs;
    const struct ptn_cert_conf **list;
    struct ptn_listener_conf listener;
    struct ptn_conf conf;
    struct ptn_keys *keys;
};

/* Handles that are open, and how many there ever were. */
extern atomic_int fixture_open, fixture_opened;
/* Without key_open and its kin: as a provider of the first ABI. */
extern const struct ptn_tls_ops fixture_old_ops;
extern const struct ptn_tls_ops fixture_ops;

/* Certificates c0, c1, ... whose files have the numbers 0, 1, ...; not read
 * yet. */
struct fixture *fixture_new(size_t count, const struct ptn_tls_ops *ops);
void fixture_free(struct fixture *f);

/* Writes the pair of certificate `index`; the chain with so much padding. */
void fixture_put(const struct fixture *f, size_t index, int cert, int key,
                 size_t padding);

/* The fingerprint of "CERT number". */
void fixture_print(int number, uint8_t out[PTN_FINGERPRINT_SIZE]);

#endif
