/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The object identifiers that core/x509 knows, as the body of their DER.
 */
#ifndef CORE_X509_OID_H
#define CORE_X509_OID_H

#include <postern/types.h>

enum ptn_oid {
    PTN_OID_UNKNOWN,
    /* Keys: RFC 8017 appendix C, RFC 5480 section 2.1, RFC 8410 section 3 */
    PTN_OID_RSA,
    PTN_OID_EC,
    PTN_OID_ED25519,
    PTN_OID_P256,
    PTN_OID_P384,
    PTN_OID_P521,
    /* Signatures: RFC 8017, RFC 5758 section 3.2 */
    PTN_OID_RSA_MD2,
    PTN_OID_RSA_MD5,
    PTN_OID_RSA_SHA1,
    PTN_OID_RSA_SHA256,
    PTN_OID_RSA_SHA384,
    PTN_OID_RSA_SHA512,
    PTN_OID_ECDSA_SHA1,
    PTN_OID_ECDSA_SHA256,
    PTN_OID_ECDSA_SHA384,
    PTN_OID_ECDSA_SHA512,
    /* Digests and MACs: RFC 8018 appendix B.1 */
    PTN_OID_SHA1,
    PTN_OID_SHA224,
    PTN_OID_SHA256,
    PTN_OID_SHA384,
    PTN_OID_SHA512,
    PTN_OID_HMAC_SHA1,
    PTN_OID_HMAC_SHA224,
    PTN_OID_HMAC_SHA256,
    PTN_OID_HMAC_SHA384,
    PTN_OID_HMAC_SHA512,
    /* Encryption: RFC 8018 appendix A, B.2; RFC 7292 appendix C */
    PTN_OID_PBES2,
    PTN_OID_PBKDF2,
    PTN_OID_AES_128,
    PTN_OID_AES_192,
    PTN_OID_AES_256,
    PTN_OID_DES_EDE3,
    PTN_OID_PBE_3DES,
    PTN_OID_PBE_2DES,
    PTN_OID_PBE_RC2_128,
    PTN_OID_PBE_RC2_40,
    /* Containers: RFC 5652 section 4; RFC 7292 sections 4.2, 5.1 */
    PTN_OID_DATA,
    PTN_OID_SIGNED_DATA,
    PTN_OID_ENCRYPTED_DATA,
    PTN_OID_KEY_BAG,
    PTN_OID_SHROUDED_BAG,
    PTN_OID_CERT_BAG,
    PTN_OID_SAFE_BAG,
    PTN_OID_X509_CERT,
    PTN_OID_FRIENDLY_NAME,
    PTN_OID_LOCAL_KEY_ID,
    /* Extensions: RFC 5280 section 4.2, RFC 7633, RFC 8737 */
    PTN_OID_KEY_USAGE,
    PTN_OID_EXT_KEY_USAGE,
    PTN_OID_ALT_NAME,
    PTN_OID_SUBJECT_KEY_ID,
    PTN_OID_AUTHORITY_KEY_ID,
    PTN_OID_AUTHORITY_INFO,
    PTN_OID_OCSP,
    PTN_OID_TLS_FEATURE,
    PTN_OID_ACME,
    PTN_OID_SERVER_AUTH,
    PTN_OID_ANY_USAGE,
    PTN_OID_EXTENSION_REQUEST, /* RFC 2985 section 5.4.2 */
    PTN_OID_COMMON_NAME,       /* RFC 4519 section 2.3 */
    PTN_OIDS,
};

/* The identifier whose body this is. */
enum ptn_oid ptn_oid_of(struct ptn_slice body);
/* Its body; not of PTN_OID_UNKNOWN. */
struct ptn_slice ptn_oid_body(enum ptn_oid oid);

/* "1.2.840.113549.1.5.13", for errors; cut to what has room. */
#define PTN_OID_TEXT 64
const char *ptn_oid_text(struct ptn_slice body, char text[PTN_OID_TEXT]);

#endif
