/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A client whose warden is OpenSSL, in a folder of its own. There is no
 * authority.
 */
#ifndef TESTS_ACME_FIXTURE_H
#define TESTS_ACME_FIXTURE_H

#include "inner.h"
#include "state.h"
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct fixture {
    char folder[64];
    struct acme_settings settings;
    struct acme *client;
    EVP_PKEY *account;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);

/* A self-signed certificate for `name` with a validity of `days` from
 * `from`, PEM; with an authority's key identifier and an issuer of another
 * name unless `own`. */
void fixture_certificate(const char *name, int64_t from, int days, bool own,
                         struct ptn_buf *pem);

#endif
