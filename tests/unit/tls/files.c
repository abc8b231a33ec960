/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files of keys and certificates: openssl(1) makes every kind that there is,
 * and each provider reads it; each provider makes some, and openssl(1) judges
 * them.
 */
#include "fixture.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/postern-files-XXXXXX";

/* An authority, four kinds of key with a certificate by it, and files. */
static const char recipe[] =
    "set -e; exec >log 2>&1\n"
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
    "-keyout ca.key -out ca.crt -subj '/CN=Test CA' -days 30\n"
    "one() { n=$1; shift; openssl genpkey \"$@\" -out $n.key\n"
    " openssl req -new -key $n.key -subj /CN=$n.example -out $n.csr\n"
    " printf 'subjectAltName=DNS:%s.example\\n' $n >ext\n"
    " openssl x509 -req -in $n.csr -CA ca.crt -CAkey ca.key -days 20 "
    "-CAcreateserial -extfile ext -out $n.crt\n"
    " openssl pkey -in $n.key -pubout -outform DER -out $n.pub; }\n"
    "one rsa -algorithm RSA -pkeyopt rsa_keygen_bits:2048\n"
    "one ec -algorithm EC -pkeyopt ec_paramgen_curve:P-256\n"
    "one ec384 -algorithm EC -pkeyopt ec_paramgen_curve:P-384\n"
    "one ed -algorithm ED25519\n"
    "for n in rsa ec ec384 ed; do\n"
    " openssl x509 -in $n.crt -outform DER -out $n.crt.der\n"
    " openssl req -in $n.csr -outform DER -out $n.csr.der\n"
    " openssl pkcs8 -topk8 -nocrypt -in $n.key -outform DER -out $n.p8.der\n"
    " cat $n.crt ca.crt $n.key >$n.all; cat $n.key $n.crt >$n.pair\n"
    " openssl crl2pkcs7 -nocrl -certfile $n.crt -certfile ca.crt -out $n.p7\n"
    " openssl crl2pkcs7 -nocrl -certfile $n.crt -certfile ca.crt "
    "-outform DER -out $n.p7.der\n"
    " openssl pkcs8 -topk8 -in $n.key -v2 aes-256-cbc -passout pass:right "
    "-out $n.e256\n"
    " openssl pkcs8 -topk8 -in $n.key -v2 aes-128-cbc -v2prf hmacWithSHA1 "
    "-passout pass:right -outform DER -out $n.e128.der\n"
    " openssl pkcs8 -topk8 -in $n.key -v2 des3 -v2prf hmacWithSHA512 "
    "-passout pass:right -out $n.e3\n"
    " openssl pkcs8 -topk8 -in $n.key -v1 PBE-SHA1-3DES -passout pass:right "
    "-out $n.v1\n"
    " openssl pkcs8 -topk8 -in $n.key -v1 PBE-SHA1-RC2-40 -provider legacy "
    "-provider default -passout pass:right -out $n.v1rc2\n"
    " openssl pkcs12 -export -in $n.crt -inkey $n.key -certfile ca.crt "
    "-passout pass:right -name 'a name' -out $n.p12\n"
    " openssl pkcs12 -export -legacy -in $n.crt -inkey $n.key -certfile ca.crt "
    "-passout pass:right -out $n.old.p12\n"
    " openssl pkcs12 -export -legacy -in $n.crt -inkey $n.key -certfile ca.crt "
    "-certpbe PBE-SHA1-RC2-128 -keypbe PBE-SHA1-2DES -macalg sha512 "
    "-passout pass:right -out $n.odd.p12\n"
    " openssl pkcs12 -export -in $n.crt -inkey $n.key -certfile ca.crt "
    "-keypbe AES-256-CBC -certpbe AES-256-CBC -macalg sha256 -iter 2000 "
    "-passout pass:right -out $n.new.p12\n"
    " openssl pkcs12 -export -in $n.crt -inkey $n.key -certfile ca.crt "
    "-keypbe NONE -certpbe NONE -passout pass:right -out $n.bare.p12\n"
    " openssl pkcs12 -export -in $n.crt -inkey $n.key -certfile ca.crt "
    "-nomac -passout pass:right -out $n.nomac.p12\n"
    " openssl pkcs12 -export -in $n.crt -inkey $n.key -certfile ca.crt "
    "-passout pass: -out $n.empty.p12\n"
    " openssl pkcs12 -in $n.p12 -passin pass:right -nodes -out $n.bags\n"
    "done\n"
    "openssl pkcs12 -export -in ec.crt -inkey ec.key "
    "-passout 'pass:p\303\244\303\237\342\202\254\360\237\224\221' "
    "-out utf8.p12\n"
    "openssl rsa -in rsa.key -traditional -out rsa.p1\n"
    "openssl rsa -in rsa.key -traditional -outform DER -out rsa.p1.der\n"
    "openssl ec -in ec.key -out ec.sec1\n"
    "openssl ec -in ec.key -outform DER -out ec.sec1.der\n"
    "openssl ec -in ec.key -no_public -out ec.nopub\n"
    "openssl ecparam -name prime256v1 -out ec.param\n"
    "cat ec.param ec.sec1 >ec.two\n"
    "for c in aes128 aes192 aes256 des3; do\n"
    " openssl rsa -in rsa.key -traditional -$c -passout pass:right "
    "-out rsa.$c\n"
    " openssl ec -in ec.key -$c -passout pass:right -out ec.$c\n"
    "done\n"
    "sed 's/$/\\r/' ec.all >ec.crlf\n"
    "{ echo '0 s:CN = ec'; cat ec.crt; } >ec.zero\n"
    "openssl x509 -in ec.crt -trustout -addtrust serverAuth -out ec.trust\n"
    "openssl pkcs8 -topk8 -in ec.key -scrypt -passout pass:right -out scrypt\n"
    "openssl pkcs8 -topk8 -in rsa.key -v1 PBE-MD5-DES -provider legacy "
    "-provider default -passout pass:right -out md5des\n"
    "printf '"
    "\\060\\137\\060\\113\\006\\011\\052\\206\\110\\206\\367\\015\\001\\005\\01"
    "5"
    "\\060\\076\\060\\035\\006\\011\\052\\206\\110\\206\\367\\015\\001\\005\\01"
    "4"
    "\\060\\020\\004\\010\\163\\141\\154\\164\\163\\141\\154\\164\\002\\004\\17"
    "7"
    "\\377\\377\\377\\060\\035\\006\\011\\140\\206\\110\\001\\145\\003\\004\\00"
    "1"
    "\\052\\004\\020\\151\\151\\151\\151\\151\\151\\151\\151\\151\\151\\151\\15"
    "1"
    "\\151\\151\\151\\151\\004\\020\\170\\170\\170\\170\\170\\170\\170\\170\\17"
    "0"
    "\\170\\170\\170\\170\\170\\170\\170"
    "' >rounds\n"
    "openssl genpkey -algorithm X25519 -out x25519\n"
    "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1 "
    "-out koblitz\n"
    "openssl dsaparam -genkey 1024 | openssl dsa -out dsa\n"
    "cat ec.key rsa.key >twokeys; cat ec.key ec.sec1 >samekey\n"
    "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out weak\n";

static int
make_files(void **state)
{
    char script[300];
    if (!mkdtemp(folder) || fixture_setup(state) != 0)
        return -1;
    snprintf(script, sizeof(script), "%s/recipe", folder);
    FILE *f = fopen(script, "w");
    if (!f)
        return -1;
    fputs(recipe, f);
    fclose(f);
    snprintf(script, sizeof(script),
             "cd %s && { sh recipe || { sed 's/^/# /' log; exit 1; }; }",
             folder);
    return system(script);
}

static int
remove_files(void **state)
{
    char line[300];
    (void)state;
    snprintf(line, sizeof(line), "rm -r %s", folder);
    return system(line);
}

static struct ptn_buf
load(const char *name)
{
    struct ptn_buf b = PTN_BUF_INIT;
    char path[300];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("no file %s", path);
    for (size_t n = 1; n > 0; b.len += n)
        n = fread(ptn_buf_reserve(&b, 4096), 1, 4096, f);
    fclose(f);
    return b;
}

static void
release(struct ptn_tls_parsed_file *file)
{
    ptn_buf_free(&file->key);
    ptn_buf_free(&file->certs);
    ptn_buf_free(&file->csr);
}

/* A copy of exactly this size, so that a run-time checker sees every step
 * over its end. */
static enum ptn_tls_parsed
parse(const struct provider *p, struct ptn_slice file, const char *passphrase,
      struct ptn_tls_parsed_file *out, struct ptn_error *err)
{
    char *copy = malloc(file.len > 0 ? file.len : 1);
    *out = (struct ptn_tls_parsed_file){.size = sizeof(*out)};
    if (file.len > 0)
        memcpy(copy, file.data, file.len);
    enum ptn_tls_parsed got =
        p->ops->parse(p->instance, (struct ptn_slice){copy, file.len},
                      ptn_slice_of(passphrase), out, err);
    free(copy);
    return got;
}

static size_t
count(const struct ptn_buf *pem)
{
    static const char mark[] = "-----BEGIN CERTIFICATE-----\n";
    size_t n = 0;
    const char *at = pem->data, *end = pem->data + pem->len;
    while (at && (at = memmem(at, (size_t)(end - at), mark,
                              sizeof(mark) - 1)) != NULL) {
        at++;
        n++;
    }
    return n;
}

/* What `parse` made of `name` holds that key, so many certificates, leaf
 * first, and maybe a request. */
struct want {
    const char *file, *key;
    size_t certs;
    bool csr;
};

static void
check_public(const struct provider *p, const struct ptn_tls_parsed_file *got,
             const struct want *want)
{
    struct ptn_buf key = PTN_BUF_INIT, cert = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;
    char name[64];
    snprintf(name, sizeof(name), "%s.pub", want->key);
    struct ptn_buf pub = load(name);
    if (got->key.len > 0) {
        if (p->ops->key_public(p->instance, ptn_buf_slice(&got->key), &key,
                               &err) != 0)
            fail_msg("%s: %s", want->file, err.text);
        assert_true(ptn_slice_eq(ptn_buf_slice(&key), ptn_buf_slice(&pub)));
        assert_non_null(strstr(ptn_buf_cstr((struct ptn_buf *)&got->key),
                               "-----BEGIN PRIVATE KEY-----\n"));
    }
    if (got->certs.len > 0) {
        assert_int_equal(p->ops->cert_public(p->instance,
                                             ptn_buf_slice(&got->certs), &cert,
                                             &err),
                         0);
        assert_true(ptn_slice_eq(ptn_buf_slice(&cert), ptn_buf_slice(&pub)));
    }
    ptn_buf_free(&pub);
    ptn_buf_free(&key);
    ptn_buf_free(&cert);
}

static void
expect(const struct provider *p, const struct want *want,
       const char *passphrase)
{
    struct ptn_buf file = load(want->file);
    struct ptn_tls_parsed_file got;
    struct ptn_error err = PTN_ERROR_INIT;
    if (parse(p, ptn_buf_slice(&file), passphrase, &got, &err) !=
        PTN_TLS_PARSED_GOOD)
        fail_msg("%s: %s: %s", p->name, want->file, err.text);
    if (count(&got.certs) != want->certs)
        fail_msg("%s: %s: %zu certificates", p->name, want->file,
                 count(&got.certs));
    check_public(p, &got, want);
    assert_int_equal(got.csr.len > 0, want->csr);
    assert_int_equal(err.code, PTN_ERR_NONE);
    release(&got);
    ptn_buf_free(&file);
}

static void
expect_no(const struct provider *p, const char *name, const char *passphrase,
          enum ptn_tls_parsed want, const char *words)
{
    struct ptn_buf file = load(name);
    struct ptn_tls_parsed_file got;
    struct ptn_error err = PTN_ERROR_INIT;
    enum ptn_tls_parsed is =
        parse(p, ptn_buf_slice(&file), passphrase, &got, &err);
    if (is != want || !strstr(err.text, words))
        fail_msg("%s: %s: is %d: \"%s\"", p->name, name, (int)is, err.text);
    release(&got);
    ptn_buf_free(&file);
}

static const char *const kinds[] = {"rsa", "ec", "ec384", "ed"};

static void
reads_what_is_not_encrypted(void **state)
{
    static const struct {
        const char *end;
        bool key, csr;
        size_t certs;
    } rows[] = {
        {"key", true, false, 0},  {"p8.der", true, false, 0},
        {"crt", false, false, 1}, {"crt.der", false, false, 1},
        {"csr", false, true, 0},  {"csr.der", false, true, 0},
        {"all", true, false, 2},  {"pair", true, false, 1},
        {"p7", false, false, 2},  {"p7.der", false, false, 2},
        {"bags", true, false, 2}, {"empty.p12", true, false, 2},
    };
    for (size_t k = 0; k < PTN_COUNT(kinds); k++) {
        for (size_t i = 0; i < PTN_COUNT(rows); i++) {
            char name[64];
            snprintf(name, sizeof(name), "%s.%s", kinds[k], rows[i].end);
            const struct want want = {name, kinds[k], rows[i].certs,
                                      rows[i].csr};
            expect(*state, &want, NULL);
            expect(*state, &want, i < 11 ? "nobody asks for it" : "");
        }
    }
}

static void
reads_other_forms(void **state)
{
    static const struct want rows[] = {
        {"rsa.p1", "rsa", 0, false},  {"rsa.p1.der", "rsa", 0, false},
        {"ec.sec1", "ec", 0, false},  {"ec.sec1.der", "ec", 0, false},
        {"ec.nopub", "ec", 0, false}, {"ec.two", "ec", 0, false},
        {"ec.crlf", "ec", 2, false},  {"ec.zero", "ec", 1, false},
        {"ec.trust", "ec", 1, false}, {"samekey", "ec", 0, false},
    };
    for (size_t i = 0; i < PTN_COUNT(rows); i++)
        expect(*state, &rows[i], NULL);
}

/* Right, wrong and none are told apart. */
static void
passphrases(const struct provider *p, const struct want *want)
{
    expect(p, want, "right");
    expect_no(p, want->file, "wrong", PTN_TLS_PARSED_WRONG_PASSPHRASE,
              "the passphrase is wrong");
    expect_no(p, want->file, NULL, PTN_TLS_PARSED_NEEDS_PASSPHRASE,
              "a passphrase is needed");
    expect_no(p, want->file, "", PTN_TLS_PARSED_NEEDS_PASSPHRASE,
              "a passphrase is needed");
}

static void
reads_encrypted_keys(void **state)
{
    static const char *const ends[] = {"e256", "e128.der", "e3", "v1", "v1rc2"};
    static const char *const old[] = {"aes128", "aes192", "aes256", "des3"};
    char name[64];
    for (size_t k = 0; k < PTN_COUNT(kinds); k++) {
        for (size_t i = 0; i < PTN_COUNT(ends); i++) {
            snprintf(name, sizeof(name), "%s.%s", kinds[k], ends[i]);
            passphrases(*state, &(struct want){name, kinds[k], 0, false});
        }
    }
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < PTN_COUNT(old); i++) {
            snprintf(name, sizeof(name), "%s.%s", kinds[k], old[i]);
            passphrases(*state, &(struct want){name, kinds[k], 0, false});
        }
    }
}

static void
reads_pkcs12(void **state)
{
    static const char *const ends[] = {"p12",     "old.p12",  "odd.p12",
                                       "new.p12", "bare.p12", "nomac.p12"};
    char name[64];
    for (size_t k = 0; k < PTN_COUNT(kinds); k++) {
        for (size_t i = 0; i < PTN_COUNT(ends); i++) {
            snprintf(name, sizeof(name), "%s.%s", kinds[k], ends[i]);
            passphrases(*state, &(struct want){name, kinds[k], 2, false});
        }
    }
    expect(*state, &(struct want){"utf8.p12", "ec", 1, false},
           "p\303\244\303\237\342\202\254\360\237\224\221");
}

static void
tells_what_it_cannot_read(void **state)
{
    static const struct {
        const char *file, *passphrase;
        enum ptn_tls_parsed want;
        const char *words;
    } rows[] = {
        {"scrypt", "right", PTN_TLS_PARSED_UNSUPPORTED, "1.3.6.1.4.1.11591"},
        {"md5des", "right", PTN_TLS_PARSED_UNSUPPORTED, "1.2.840.113549.1.5.3"},
        {"rounds", "right", PTN_TLS_PARSED_UNSUPPORTED, "rounds"},
        {"x25519", NULL, PTN_TLS_PARSED_UNSUPPORTED, "1.3.101.110"},
        {"koblitz", NULL, PTN_TLS_PARSED_UNSUPPORTED, "1.3.132.0.10"},
        {"dsa", NULL, PTN_TLS_PARSED_UNSUPPORTED, "DSA PRIVATE KEY"},
        {"twokeys", NULL, PTN_TLS_PARSED_UNSUPPORTED, "two different"},
        {"ec.param", NULL, PTN_TLS_PARSED_BROKEN, "no key"},
        {"recipe", NULL, PTN_TLS_PARSED_BROKEN, "no file of keys"},
        {"ec.pub", NULL, PTN_TLS_PARSED_BROKEN, "nothing"},
    };
    for (size_t i = 0; i < PTN_COUNT(rows); i++)
        expect_no(*state, rows[i].file, rows[i].passphrase, rows[i].want,
                  rows[i].words);
}

/* Weak keys are read: whoever uses them refuses them, by name. */
static void
reads_weak_keys(void **state)
{
    const struct provider *p = *state;
    struct ptn_buf file = load("weak");
    struct ptn_tls_parsed_file got;
    struct ptn_error err = PTN_ERROR_INIT;
    assert_int_equal(parse(p, ptn_buf_slice(&file), NULL, &got, &err),
                     PTN_TLS_PARSED_GOOD);
    assert_true(got.key.len > 0);
    release(&got);
    ptn_buf_free(&file);
}

static const char *const every[] = {
    "rsa.all",     "ec.all",      "ed.p8.der", "ec.sec1.der", "rsa.p1.der",
    "ec.csr.der",  "ec.crt.der",  "ec.p7",     "ec.p7.der",   "ec.new.p12",
    "ec.bare.p12", "ec.e128.der", "ec.aes256",
};

/* Cut anywhere, it is broken, but where a whole part is left. */
static void
survives_truncation(void **state)
{
    const struct provider *p = *state;
    for (size_t i = 0; i < PTN_COUNT(every); i++) {
        struct ptn_buf file = load(every[i]);
        bool pem = file.data[0] == '-';
        for (size_t cut = 0; cut < file.len; cut += pem ? 13 : 3) {
            struct ptn_tls_parsed_file got;
            struct ptn_error err = PTN_ERROR_INIT;
            enum ptn_tls_parsed is = parse(
                p, (struct ptn_slice){file.data, cut}, "right", &got, &err);
            if (!pem && is != PTN_TLS_PARSED_BROKEN)
                fail_msg("%s cut at %zu: %d", every[i], cut, (int)is);
            if (is != PTN_TLS_PARSED_GOOD)
                assert_true(strlen(err.text) > 10);
            release(&got);
        }
        ptn_buf_free(&file);
    }
}

static void
survives_wrong_octets(void **state)
{
    static const char wrong[] = {0, 1, 0x30, (char)0x80, (char)0xff};
    for (size_t i = 0; i < PTN_COUNT(every); i++) {
        struct ptn_buf file = load(every[i]);
        for (size_t at = 0; at < file.len; at += 1 + file.len / 60) {
            char right = file.data[at];
            for (size_t w = 0; w < sizeof(wrong); w++) {
                struct ptn_tls_parsed_file got;
                struct ptn_error err = PTN_ERROR_INIT;
                file.data[at] = wrong[w];
                (void)parse(*state, ptn_buf_slice(&file), "right", &got, &err);
                release(&got);
            }
            file.data[at] = right;
        }
        ptn_buf_free(&file);
    }
}

/* --- what providers make --- */

static void
encrypts_keys(void **state)
{
    const struct provider *p = *state;
    for (size_t k = 0; k < PTN_COUNT(kinds); k++) {
        char name[64];
        struct ptn_buf sealed = PTN_BUF_INIT;
        struct ptn_error err = PTN_ERROR_INIT;
        struct ptn_tls_parsed_file got;
        snprintf(name, sizeof(name), "%s.key", kinds[k]);
        struct ptn_buf key = load(name);
        if (p->ops->key_encrypt(p->instance, ptn_buf_slice(&key),
                                PTN_SLICE("a pass phrase"), &sealed, &err) != 0)
            fail_msg("%s", err.text);
        assert_true(judged_by(
            "openssl pkey -in k -outform DER -pubout -out p1 && "
            "openssl pkey -in c -passin 'pass:a pass phrase' -outform DER "
            "-pubout -out p2 && cmp p1 p2 && ! openssl pkey -in c -passin "
            "pass:other -noout && head -1 c | grep -qxe "
            "'-----BEGIN ENCRYPTED PRIVATE KEY-----' && openssl asn1parse -in "
            "c | grep -q ':0927C0'",
            ptn_buf_slice(&key), ptn_buf_slice(&sealed)));
        assert_int_equal(
            parse(p, ptn_buf_slice(&sealed), "a pass phrase", &got, &err),
            PTN_TLS_PARSED_GOOD);
        release(&got);
        ptn_buf_free(&sealed);
        ptn_buf_free(&key);
    }
}

static void
refuses_to_encrypt(void **state)
{
    const struct provider *p = *state;
    struct ptn_buf key = load("ec.key"), crt = load("ec.crt"),
                   out = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;
    assert_int_equal(p->ops->key_encrypt(p->instance, ptn_buf_slice(&key),
                                         PTN_SLICE(""), &out, &err),
                     -1);
    assert_non_null(strstr(err.text, "passphrase"));
    assert_int_equal(p->ops->key_encrypt(p->instance, ptn_buf_slice(&crt),
                                         PTN_SLICE("x"), &out, &err),
                     -1);
    assert_non_null(strstr(err.text, "not a key"));
    assert_int_equal(out.len, 0);
    ptn_buf_free(&key);
    ptn_buf_free(&crt);
}

static void
makes_pkcs12(void **state)
{
    const struct provider *p = *state;
    const char *const names[] = {"ten lettrs", "B\303\274ro \360\237\224\221",
                                 NULL};
    for (size_t i = 0; i < PTN_COUNT(names); i++) {
        char file[64];
        struct ptn_buf out = PTN_BUF_INIT;
        struct ptn_error err = PTN_ERROR_INIT;
        struct ptn_tls_parsed_file got;
        snprintf(file, sizeof(file), "%s.all", kinds[i % PTN_COUNT(kinds)]);
        struct ptn_buf all = load(file);
        if (p->ops->pkcs12_make(p->instance, ptn_buf_slice(&all),
                                ptn_buf_slice(&all), PTN_SLICE("p\303\244ss"),
                                names[i], &out, &err) != 0)
            fail_msg("%s", err.text);
        assert_true(judged_by(
            "openssl pkcs12 -in c -passin 'pass:p\303\244ss' -nodes -info -out "
            "t 2>i && grep -q 'sha256, Iteration 250000' i && grep -q 'PBES2, "
            "PBKDF2, AES-256-CBC, Iteration 250000, PRF hmacWithSHA256' i && "
            "test $(grep -c 'BEGIN CERT' t) = 2 && test $(grep -c 'localKeyID' "
            "t) = 2 && openssl pkey -in k -outform DER -out k1 && openssl pkey "
            "-in t -outform DER -out k2 && cmp k1 k2 && openssl x509 -in k "
            "-out c1 && openssl x509 -in t -out c2 && cmp c1 c2 && "
            "! openssl pkcs12 -in c -passin pass:no -noout",
            ptn_buf_slice(&all), ptn_buf_slice(&out)));
        assert_int_equal(
            parse(p, ptn_buf_slice(&out), "p\303\244ss", &got, &err),
            PTN_TLS_PARSED_GOOD);
        assert_int_equal(count(&got.certs), 2);
        release(&got);
        ptn_buf_free(&out);
        ptn_buf_free(&all);
    }
}

static void
refuses_to_bundle(void **state)
{
    const struct provider *p = *state;
    struct ptn_buf ec = load("ec.all"), rsa = load("rsa.all"),
                   out = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;
    assert_int_equal(p->ops->pkcs12_make(p->instance, ptn_buf_slice(&ec),
                                         ptn_buf_slice(&rsa), PTN_SLICE("x"),
                                         NULL, &out, &err),
                     -1);
    assert_non_null(strstr(err.text, "do not match"));
    assert_int_equal(p->ops->pkcs12_make(p->instance, PTN_SLICE("none"),
                                         ptn_buf_slice(&rsa), PTN_SLICE("x"),
                                         NULL, &out, &err),
                     -1);
    assert_non_null(strstr(err.text, "not a certificate"));
    assert_int_equal(out.len, 0);
    ptn_buf_free(&ec);
    ptn_buf_free(&rsa);
}

static void
knows_the_issuer(void **state)
{
    const struct provider *p = *state;
    struct ptn_buf ca = load("ca.crt"), none = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;
    assert_int_equal(p->ops->cert_issued(p->instance, ptn_buf_slice(&ca),
                                         ptn_buf_slice(&ca), &err),
                     0);
    for (size_t k = 0; k < PTN_COUNT(kinds); k++) {
        char name[64];
        snprintf(name, sizeof(name), "%s.crt", kinds[k]);
        struct ptn_buf cert = load(name);
        assert_int_equal(p->ops->cert_issued(p->instance, ptn_buf_slice(&cert),
                                             ptn_buf_slice(&ca), &err),
                         0);
        assert_int_equal(p->ops->cert_issued(p->instance, ptn_buf_slice(&cert),
                                             ptn_buf_slice(&cert), &err),
                         -1);
        assert_non_null(strstr(err.text, "not issued"));
        assert_int_equal(p->ops->cert_issued(p->instance, ptn_buf_slice(&cert),
                                             ptn_buf_slice(&none), &err),
                         -1);
        assert_non_null(strstr(err.text, "not a certificate"));
        ptn_buf_free(&cert);
    }
    ptn_buf_free(&ca);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(reads_what_is_not_encrypted),
        BOTH(reads_other_forms),
        BOTH(reads_encrypted_keys),
        BOTH(reads_pkcs12),
        BOTH(tells_what_it_cannot_read),
        BOTH(reads_weak_keys),
        BOTH(survives_truncation),
        BOTH(survives_wrong_octets),
        BOTH(encrypts_keys),
        BOTH(refuses_to_encrypt),
        BOTH(makes_pkcs12),
        BOTH(refuses_to_bundle),
        BOTH(knows_the_issuer),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
