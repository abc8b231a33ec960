/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * See oid.h. Constant.
 */
#include "oid.h"

#include <inttypes.h>
#include <stdio.h>

#define OID(octets)                                                            \
    {                                                                          \
        (octets), sizeof(octets) - 1                                           \
    }

/* X.690 section 8.19. */
static const struct ptn_slice bodies[PTN_OIDS] = {
    [PTN_OID_RSA] = OID("\052\206\110\206\367\015\001\001\001"),
    [PTN_OID_EC] = OID("\052\206\110\316\075\002\001"),
    [PTN_OID_ED25519] = OID("\053\145\160"),
    [PTN_OID_P256] = OID("\052\206\110\316\075\003\001\007"),
    [PTN_OID_P384] = OID("\053\201\004\000\042"),
    [PTN_OID_P521] = OID("\053\201\004\000\043"),
    [PTN_OID_RSA_MD2] = OID("\052\206\110\206\367\015\001\001\002"),
    [PTN_OID_RSA_MD5] = OID("\052\206\110\206\367\015\001\001\004"),
    [PTN_OID_RSA_SHA1] = OID("\052\206\110\206\367\015\001\001\005"),
    [PTN_OID_RSA_SHA256] = OID("\052\206\110\206\367\015\001\001\013"),
    [PTN_OID_RSA_SHA384] = OID("\052\206\110\206\367\015\001\001\014"),
    [PTN_OID_RSA_SHA512] = OID("\052\206\110\206\367\015\001\001\015"),
    [PTN_OID_ECDSA_SHA1] = OID("\052\206\110\316\075\004\001"),
    [PTN_OID_ECDSA_SHA256] = OID("\052\206\110\316\075\004\003\002"),
    [PTN_OID_ECDSA_SHA384] = OID("\052\206\110\316\075\004\003\003"),
    [PTN_OID_ECDSA_SHA512] = OID("\052\206\110\316\075\004\003\004"),
    [PTN_OID_SHA1] = OID("\053\016\003\002\032"),
    [PTN_OID_SHA224] = OID("\140\206\110\001\145\003\004\002\004"),
    [PTN_OID_SHA256] = OID("\140\206\110\001\145\003\004\002\001"),
    [PTN_OID_SHA384] = OID("\140\206\110\001\145\003\004\002\002"),
    [PTN_OID_SHA512] = OID("\140\206\110\001\145\003\004\002\003"),
    [PTN_OID_HMAC_SHA1] = OID("\052\206\110\206\367\015\002\007"),
    [PTN_OID_HMAC_SHA224] = OID("\052\206\110\206\367\015\002\010"),
    [PTN_OID_HMAC_SHA256] = OID("\052\206\110\206\367\015\002\011"),
    [PTN_OID_HMAC_SHA384] = OID("\052\206\110\206\367\015\002\012"),
    [PTN_OID_HMAC_SHA512] = OID("\052\206\110\206\367\015\002\013"),
    [PTN_OID_PBES2] = OID("\052\206\110\206\367\015\001\005\015"),
    [PTN_OID_PBKDF2] = OID("\052\206\110\206\367\015\001\005\014"),
    [PTN_OID_AES_128] = OID("\140\206\110\001\145\003\004\001\002"),
    [PTN_OID_AES_192] = OID("\140\206\110\001\145\003\004\001\026"),
    [PTN_OID_AES_256] = OID("\140\206\110\001\145\003\004\001\052"),
    [PTN_OID_DES_EDE3] = OID("\052\206\110\206\367\015\003\007"),
    [PTN_OID_PBE_3DES] = OID("\052\206\110\206\367\015\001\014\001\003"),
    [PTN_OID_PBE_2DES] = OID("\052\206\110\206\367\015\001\014\001\004"),
    [PTN_OID_PBE_RC2_128] = OID("\052\206\110\206\367\015\001\014\001\005"),
    [PTN_OID_PBE_RC2_40] = OID("\052\206\110\206\367\015\001\014\001\006"),
    [PTN_OID_DATA] = OID("\052\206\110\206\367\015\001\007\001"),
    [PTN_OID_SIGNED_DATA] = OID("\052\206\110\206\367\015\001\007\002"),
    [PTN_OID_ENCRYPTED_DATA] = OID("\052\206\110\206\367\015\001\007\006"),
    [PTN_OID_KEY_BAG] = OID("\052\206\110\206\367\015\001\014\012\001\001"),
    [PTN_OID_SHROUDED_BAG] =
        OID("\052\206\110\206\367\015\001\014\012\001\002"),
    [PTN_OID_CERT_BAG] = OID("\052\206\110\206\367\015\001\014\012\001\003"),
    [PTN_OID_SAFE_BAG] = OID("\052\206\110\206\367\015\001\014\012\001\006"),
    [PTN_OID_X509_CERT] = OID("\052\206\110\206\367\015\001\011\026\001"),
    [PTN_OID_FRIENDLY_NAME] = OID("\052\206\110\206\367\015\001\011\024"),
    [PTN_OID_LOCAL_KEY_ID] = OID("\052\206\110\206\367\015\001\011\025"),
    [PTN_OID_KEY_USAGE] = OID("\125\035\017"),
    [PTN_OID_EXT_KEY_USAGE] = OID("\125\035\045"),
    [PTN_OID_ALT_NAME] = OID("\125\035\021"),
    [PTN_OID_SUBJECT_KEY_ID] = OID("\125\035\016"),
    [PTN_OID_AUTHORITY_KEY_ID] = OID("\125\035\043"),
    [PTN_OID_AUTHORITY_INFO] = OID("\053\006\001\005\005\007\001\001"),
    [PTN_OID_OCSP] = OID("\053\006\001\005\005\007\060\001"),
    [PTN_OID_TLS_FEATURE] = OID("\053\006\001\005\005\007\001\030"),
    [PTN_OID_ACME] = OID("\053\006\001\005\005\007\001\037"),
    [PTN_OID_SERVER_AUTH] = OID("\053\006\001\005\005\007\003\001"),
    [PTN_OID_ANY_USAGE] = OID("\125\035\045\000"),
    [PTN_OID_EXTENSION_REQUEST] = OID("\052\206\110\206\367\015\001\011\016"),
    [PTN_OID_COMMON_NAME] = OID("\125\004\003"),
};

enum ptn_oid
ptn_oid_of(struct ptn_slice body)
{
    for (unsigned i = PTN_OID_UNKNOWN + 1; i < PTN_OIDS; i++)
        if (ptn_slice_eq(body, bodies[i]))
            return (enum ptn_oid)i;
    return PTN_OID_UNKNOWN;
}

struct ptn_slice
ptn_oid_body(enum ptn_oid oid)
{
    return bodies[oid];
}

const char *
ptn_oid_text(struct ptn_slice body, char text[PTN_OID_TEXT])
{
    uint64_t value = 0;
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < body.len; i++) {
        value = value << 7 | ((uint8_t)body.data[i] & 127);
        if ((uint8_t)body.data[i] & 128)
            continue;
        char part[32];
        uint64_t first = value < 80 ? value / 40 : 2;
        int n = used == 0 ? snprintf(part, sizeof(part), "%" PRIu64 ".%" PRIu64,
                                     first, value - first * 40)
                          : snprintf(part, sizeof(part), ".%" PRIu64, value);
        if (n < 0 || used + (size_t)n >= PTN_OID_TEXT)
            break;
        memcpy(text + used, part, (size_t)n + 1);
        used += (size_t)n;
        value = 0;
    }
    return text;
}
