/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Names in DER: a subject out of the text that an operator writes (RFC 4514),
 * and the subjectAltName (RFC 5280 section 4.2.1.6).
 */
#include "inner.h"

#include <arpa/inet.h>

enum {
    COMMON_NAME_MAX = 64, /* RFC 5280 appendix A, ub-common-name */
    OID_MAX = 32,
    ALT_MAIL = 0x81, /* GeneralName [1], [2], [7] */
    ALT_DNS = 0x82,
    ALT_IP = 0x87
};

/* RFC 4514 section 3 and what certificates have besides; limits of RFC 5280
 * appendix A. */
static const struct attribute {
    const char *name;
    struct ptn_slice oid;
    uint8_t tag;
    size_t max;
} attributes[] = {
    {"CN", {"\x55\x04\x03", 3}, DER_UTF8, COMMON_NAME_MAX},
    {"serialNumber", {"\x55\x04\x05", 3}, DER_PRINTABLE, 64},
    {"C", {"\x55\x04\x06", 3}, DER_PRINTABLE, 2},
    {"L", {"\x55\x04\x07", 3}, DER_UTF8, 128},
    {"ST", {"\x55\x04\x08", 3}, DER_UTF8, 128},
    {"STREET", {"\x55\x04\x09", 3}, DER_UTF8, 128},
    {"O", {"\x55\x04\x0a", 3}, DER_UTF8, 64},
    {"OU", {"\x55\x04\x0b", 3}, DER_UTF8, 64},
    {"UID", {"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01", 10}, DER_UTF8, 256},
    {"DC", {"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", 10}, DER_IA5, 63},
    {"emailAddress", {"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", 9}, DER_IA5, 255},
};

/* A reading position in the subject, and what became of it. */
struct text {
    const char *at;
    struct ptn_buf value;
    struct ptn_error *err;
    bool common; /* a CN came by */
};

static int
complain(struct text *t, const char *what)
{
    return ptn_error_set(t->err, PTN_ERR_INVALID,
                         "the subject %s at \"%.40s\": write it like "
                         "\"O=Example, C=DE\"",
                         what, t->at);
}

static void
skip_blanks(struct text *t)
{
    while (*t->at == ' ')
        t->at++;
}

/* A component of a dotted identifier, base 128. */
static void
add_component(struct ptn_buf *out, uint32_t value)
{
    for (int shift = 28; shift > 0; shift -= 7)
        if (value >> shift)
            ptn_buf_addc(out, (char)(0x80 | (value >> shift & 127)));
    ptn_buf_addc(out, (char)(value & 127));
}

static bool
read_oid(const char *at, size_t len, struct ptn_buf *out)
{
    uint32_t first = 0, value = 0;
    size_t parts = 0, digits = 0;
    for (size_t i = 0; i <= len; i++) {
        if (i < len && at[i] >= '0' && at[i] <= '9' && ++digits <= 9) {
            value = value * 10 + (uint32_t)(at[i] - '0');
            continue;
        }
        if (digits == 0 || (i < len && at[i] != '.'))
            return false;
        if (parts == 0)
            first = value;
        else
            add_component(out, parts == 1 ? first * 40 + value : value);
        if ((parts == 0 && value > 2) ||
            (parts == 1 && first < 2 && value > 39))
            return false;
        parts++;
        value = 0;
        digits = 0;
    }
    return parts > 2 && out->len <= OID_MAX;
}

/* The type, up to "=". */
static int
read_type(struct text *t, struct ptn_buf *oid, struct attribute *out)
{
    skip_blanks(t);
    size_t len = strcspn(t->at, "=,+;\\\" ");
    struct ptn_slice name = {t->at, len};
    *out = (struct attribute){NULL, {NULL, 0}, DER_UTF8, 255};
    for (size_t i = 0; i < PTN_COUNT(attributes); i++)
        if (ptn_slice_caseeq(name, ptn_slice_of(attributes[i].name)))
            *out = attributes[i];
    if (!out->name) {
        if (!read_oid(t->at, len, oid))
            return complain(t, "has an attribute that is not known");
        out->oid = ptn_buf_slice(oid);
    }
    t->common |= ptn_slice_eq(out->oid, ptn_oid_body(PTN_OID_COMMON_NAME));
    t->at += len;
    skip_blanks(t);
    if (*t->at != '=')
        return complain(t, "lacks a \"=\"");
    t->at++;
    skip_blanks(t);
    return 0;
}

static int
hex_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

/* RFC 4514 section 3: a special character, or two hexadecimal digits. */
static int
read_escape(struct text *t)
{
    int high = hex_of(t->at[1]);
    int low = high < 0 ? -1 : hex_of(t->at[2]);
    if (low >= 0) {
        ptn_buf_addc(&t->value, (char)(high << 4 | low));
        t->at += 3;
        return 0;
    }
    if (t->at[1] == '\0' || !strchr(" \"#+,;<=>\\", t->at[1]))
        return complain(t, "has a stray backslash");
    ptn_buf_addc(&t->value, t->at[1]);
    t->at += 2;
    return 0;
}

/* Up to "," or "+"; blanks before those do not count. */
static int
read_value(struct text *t)
{
    size_t solid = 0;
    t->value.len = 0;
    if (*t->at == '#')
        return complain(t, "has a value in hexadecimal, which is not taken,");
    while (*t->at != '\0' && *t->at != ',' && *t->at != '+') {
        if (strchr("\"<>;", *t->at))
            return complain(t, "has a character that needs a backslash");
        bool blank = *t->at == ' ';
        if (*t->at == '\\') {
            if (read_escape(t) < 0)
                return -1;
        } else {
            ptn_buf_addc(&t->value, *t->at++);
        }
        if (!blank)
            solid = t->value.len;
    }
    t->value.len = solid;
    return 0;
}

/* RFC 3629 section 4, and no control characters. */
static bool
is_text(struct ptn_slice s)
{
    const uint8_t *at = (const uint8_t *)s.data, *end = at + s.len;
    while (at < end) {
        uint8_t c = *at++;
        size_t more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
        if (c < ' ' || c == 127 || (c >= 0x80 && (c < 0xc2 || c > 0xf4)) ||
            more > (size_t)(end - at))
            return false;
        if ((c == 0xe0 && *at < 0xa0) || (c == 0xed && *at > 0x9f) ||
            (c == 0xf0 && *at < 0x90) || (c == 0xf4 && *at > 0x8f))
            return false;
        for (; more > 0; more--)
            if ((*at++ & 0xc0) != 0x80)
                return false;
    }
    return true;
}

/* X.680 section 41.4. */
static bool
is_printable(struct ptn_slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     (c >= '0' && c <= '9');
        if (!alnum && (c == '\0' || !strchr(" '()+,-./:=?", c)))
            return false;
    }
    return true;
}

static bool
is_ascii(struct ptn_slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((uint8_t)s.data[i] >= 128)
            return false;
    return true;
}

static int
check_value(struct text *t, const struct attribute *a)
{
    struct ptn_slice s = ptn_buf_slice(&t->value);
    if (s.len == 0)
        return complain(t, "has an empty value");
    if (!is_text(s))
        return complain(t, "is not UTF-8 text");
    if (s.len > a->max)
        return complain(t, "has a value that is too long");
    if (a->tag == DER_PRINTABLE && a->max == 2 && s.len != 2)
        return complain(t, "has a country that is not two letters");
    if ((a->tag == DER_PRINTABLE && !is_printable(s)) ||
        (a->tag == DER_IA5 && !is_ascii(s)))
        return complain(t, "has a letter that this attribute cannot have");
    return 0;
}

static void
add_pair(struct ptn_buf *out, struct ptn_slice oid, uint8_t tag,
         struct ptn_slice value)
{
    size_t from = out->len;
    ptn_der_add(out, DER_OID, oid);
    ptn_der_add(out, tag, value);
    ptn_der_close(out, from, DER_SEQUENCE);
}

static int
read_pair(struct text *t, struct ptn_buf *out)
{
    struct ptn_buf oid = PTN_BUF_INIT;
    struct attribute a;
    int rc = read_type(t, &oid, &a);
    if (rc == 0)
        rc = read_value(t);
    if (rc == 0)
        rc = check_value(t, &a);
    if (rc == 0)
        add_pair(out, a.oid, a.tag, ptn_buf_slice(&t->value));
    ptn_buf_free(&oid);
    return rc;
}

/* A relative name of several attributes would be a SET OF, which DER sorts;
 * nobody wants one, so "+" is told. */
static int
read_subject(struct text *t, struct ptn_buf *out)
{
    for (;;) {
        size_t from = out->len;
        if (read_pair(t, out) < 0)
            return -1;
        ptn_der_close(out, from, DER_SET);
        if (*t->at == '+')
            return complain(t, "joins attributes with \"+\", which is not "
                               "taken,");
        if (*t->at == '\0')
            return 0;
        t->at++;
    }
}

static const char *
common_of(const struct ptn_strings *names)
{
    for (size_t i = 0; i < names->count; i++)
        if (strlen(names->items[i]) <= COMMON_NAME_MAX)
            return names->items[i];
    return NULL;
}

int
ptn_x509_add_subject(struct ptn_buf *out, const struct ptn_tls_subject *subject,
                     struct ptn_error *err)
{
    struct text t = {.at = subject->subject, .err = err};
    const char *common = common_of(&subject->names);
    size_t from = out->len;

    if (!t.at && !common)
        return ptn_error_set(err, PTN_ERR_TLS,
                             "a certificate needs a name of at most %d octets",
                             COMMON_NAME_MAX);
    int rc = t.at ? read_subject(&t, out) : 0;
    ptn_buf_free(&t.value);
    if (rc < 0)
        return -1;
    if (!t.common && common) {
        size_t set = out->len;
        add_pair(out, ptn_oid_body(PTN_OID_COMMON_NAME), DER_UTF8,
                 ptn_slice_of(common));
        ptn_der_close(out, set, DER_SET);
    }
    ptn_der_close(out, from, DER_SEQUENCE);
    return 0;
}

void
ptn_x509_add_alt_names(struct ptn_buf *out, const struct ptn_strings *names)
{
    size_t from = out->len;
    for (size_t i = 0; i < names->count; i++) {
        const char *name = names->items[i];
        uint8_t ip[16];
        if (inet_pton(AF_INET, name, ip) == 1)
            ptn_der_add(out, ALT_IP, (struct ptn_slice){(char *)ip, 4});
        else if (inet_pton(AF_INET6, name, ip) == 1)
            ptn_der_add(out, ALT_IP, (struct ptn_slice){(char *)ip, 16});
        else
            ptn_der_add(out, strchr(name, '@') ? ALT_MAIL : ALT_DNS,
                        ptn_slice_of(name));
    }
    ptn_der_close(out, from, DER_SEQUENCE);
}
