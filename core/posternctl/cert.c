/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `posternctl cert`: certificates from their making to their end. The work
 * is done by pki/manage.c; here are arguments, files and answers.
 */
#include "posternctl/cert.h"
#include "proc/control.h"
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAMES_MAX 100 /* of one certificate, as authorities have it */

/* --- what all share --- */

int
cert_open(const struct ctl *ctl, struct cert_office *o)
{
    struct ptn_error err = PTN_ERROR_INIT;
    const struct passwd *pw;
    const struct ptn_conf *conf;
    const void *ops;

    *o = (struct cert_office){.admin = ptn_admin_open(ctl->config, stderr)};
    if (!o->admin)
        return CTL_CONFIG;
    conf = o->manage.conf = ptn_admin_conf(o->admin);
    if (!ptn_admin_find(o->admin, PTN_TLS_CONTRACT, PTN_TLS_VERSION, &ops,
                        &o->manage.instance)) {
        fputs("posternctl: no module in \"load\" provides TLS\n", stderr);
    } else if (ptn_admin_make_folders(o->admin) == 0) {
        o->manage.ops = ops;
        pw = conf->server.warden_user ? getpwnam(conf->server.warden_user)
                                      : NULL;
        o->manage.repository =
            ptn_repository_open(conf->server.state, pw ? pw->pw_uid : (uid_t)-1,
                                pw ? pw->pw_gid : (gid_t)-1, &err);
        if (o->manage.repository)
            return CTL_OK;
        fprintf(stderr, "posternctl: %s\n", err.text);
    }
    cert_close(o);
    return CTL_CONFIG;
}

void
cert_close(struct cert_office *o)
{
    ptn_repository_close(o->manage.repository);
    ptn_admin_close(o->admin);
}

int
cert_conclude(enum ptn_cert_fault fault, const struct ptn_error *err)
{
    if (fault != PTN_CERT_GOOD)
        fprintf(stderr, "posternctl: %s\n", err->text);
    return (int)fault;
}

int
cert_put_live(const struct ctl *ctl, struct cert_office *o, const char *name)
{
    struct ptn_buf users = PTN_BUF_INIT, path = PTN_BUF_INIT,
                   answer = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;
    int result = CTL_OK;

    ptn_manage_users(&o->manage, name, &users);
    if (users.len == 0) {
        fprintf(stderr,
                "no listener shows \"%s\" yet; see `posternctl cert bind`\n",
                name);
    } else if (ptn_admin_control(ctl->config, &path, stderr) != 0 ||
               access(ptn_buf_cstr(&path), F_OK) != 0) {
        fputs("the server does not run; it will show it when it does\n",
              stderr);
    } else if (ptn_control_ask(ptn_buf_cstr(&path), "reload", &answer, &err) !=
               0) {
        fprintf(stderr, "posternctl: the server did not take it over: %s\n",
                err.text);
        result = CTL_FAILED;
    } else {
        fprintf(stderr, "the running server shows it (%s)\n",
                ptn_buf_cstr(&users));
    }
    ptn_buf_free(&users);
    ptn_buf_free(&path);
    ptn_buf_free(&answer);
    return result;
}

/* --- arguments --- */

static const struct {
    const char *word;
    enum ptn_tls_key_type type;
} types[] = {
    {"ecdsa-p256", PTN_KEY_ECDSA_P256}, {"ecdsa-p384", PTN_KEY_ECDSA_P384},
    {"rsa-2048", PTN_KEY_RSA_2048},     {"rsa-3072", PTN_KEY_RSA_3072},
    {"rsa-4096", PTN_KEY_RSA_4096},     {"ed25519", PTN_KEY_ED25519},
};

static int
parse_type(const char *word, enum ptn_tls_key_type *out)
{
    for (size_t i = 0; word && i < PTN_COUNT(types); i++)
        if (strcmp(types[i].word, word) == 0) {
            *out = types[i].type;
            return CTL_OK;
        }
    if (!word)
        return CTL_OK;
    if (strncmp(word, "rsa-", 4) == 0 && atoi(word + 4) < 2048) {
        fputs("posternctl: RSA below 2048 bits can be broken, and clients "
              "refuse it; choose rsa-2048 or more, or ecdsa-p256\n",
              stderr);
        return PTN_CERT_WEAK;
    }
    fputs("posternctl: --type is ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072, "
          "rsa-4096 or ed25519\n",
          stderr);
    return CTL_USAGE;
}

/* "a,b" into `items`, cut in place. */
static int
parse_names(char *text, const char **items, struct ptn_strings *out)
{
    char *save = NULL;
    size_t count = 0;

    if (!text)
        return CTL_OK;
    for (char *one = strtok_r(text, ", ", &save); one && count < NAMES_MAX;
         one = strtok_r(NULL, ", ", &save))
        items[count++] = one;
    *out = (struct ptn_strings){items, count};
    if (count > 0)
        return CTL_OK;
    fputs("posternctl: --names needs at least one name\n", stderr);
    return CTL_USAGE;
}

static int
parse_days(const char *text, uint32_t *out)
{
    uint64_t days;

    if (!text)
        return CTL_OK;
    if (!ptn_slice_to_u64(ptn_slice_of(text), 36500, &days) || days == 0) {
        fputs("posternctl: --days is a number from 1 to 36500\n", stderr);
        return CTL_USAGE;
    }
    *out = (uint32_t)days;
    return CTL_OK;
}

/* A file, or standard input for "-". */
static int
read_file(const char *path, struct ptn_buf *out)
{
    int fd = strcmp(path, "-") == 0 ? dup(0) : open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = -1;

    while (fd >= 0 && out->len <= PTN_REPOSITORY_FILE_MAX &&
           (n = read(fd, ptn_buf_reserve(out, 4096), 4096)) > 0)
        out->len += (size_t)n;
    if (fd >= 0)
        close(fd);
    if (n == 0)
        return 0;
    fprintf(stderr, "posternctl: %s: %s\n", path,
            out->len > PTN_REPOSITORY_FILE_MAX ? "too long to be one"
                                               : strerror(errno));
    return -1;
}

/* --- the commands --- */

static int
cert_create(const struct ctl *ctl)
{
    const char *given = ctl_option(ctl, "names"), *name = ctl->words[0];
    const char *items[NAMES_MAX];
    char *names = given ? ptn_strdup(given) : NULL;
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_cert_order order;
    struct cert_office o;
    int result = cert_open(ctl, &o);

    if (result == CTL_OK) {
        order = ptn_manage_preset(&o.manage, name);
        result = parse_names(names, items, &order.names);
        if (result == CTL_OK)
            result = parse_type(ctl_option(ctl, "type"), &order.type);
        if (result == CTL_OK)
            result = parse_days(ctl_option(ctl, "days"), &order.days);
        if (result == CTL_OK)
            result = cert_conclude(
                ptn_manage_create(&o.manage, name, &order, &err), &err);
        if (result == CTL_OK)
            result = cert_put_live(ctl, &o, name);
        cert_close(&o);
    }
    ptn_free(names);
    return result;
}

static int
cert_csr(const struct ctl *ctl)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_buf csr = PTN_BUF_INIT;
    struct cert_office o;
    int result = cert_open(ctl, &o);

    if (result != CTL_OK)
        return result;
    result = cert_conclude(
        ptn_manage_request(&o.manage, ctl->words[0],
                           ctl_option(ctl, "new-key") != NULL, &csr, &err),
        &err);
    if (result == CTL_OK)
        fputs(ptn_buf_cstr(&csr), stdout);
    ptn_buf_free(&csr);
    cert_close(&o);
    return result;
}

/* The files of the options, one behind the other: a chain may be in two. */
static int
read_options(const struct ctl *ctl, struct ptn_buf *chain, struct ptn_buf *key)
{
    const char *files[] = {ctl_option(ctl, "cert"), ctl_option(ctl, "chain")};
    const char *key_file = ctl_option(ctl, "key");

    if (!files[0]) {
        fputs("posternctl: --cert FILE is needed\n", stderr);
        return CTL_USAGE;
    }
    for (size_t i = 0; i < PTN_COUNT(files); i++) {
        if (files[i] && read_file(files[i], chain) != 0)
            return CTL_FAILED;
        ptn_buf_addc(chain, '\n');
    }
    return key_file && read_file(key_file, key) != 0 ? CTL_FAILED : CTL_OK;
}

/* A combined file has the key beside the certificates: its block alone. */
static void
take_combined_key(struct ptn_buf *chain, struct ptn_buf *key)
{
    static const char begin_mark[] = "-----BEGIN ", end_mark[] = "-----END ";
    static const char key_mark[] = "PRIVATE KEY-----";
    const char *text = ptn_buf_cstr(chain), *begin = text, *label, *end;

    while (key->len == 0 && (begin = strstr(begin, begin_mark))) {
        label = strstr(begin, key_mark);
        end = strstr(begin, end_mark);
        if (!end)
            return;
        if (label && label < end && (label = strstr(end, key_mark))) {
            ptn_buf_add(key, begin,
                        (size_t)(label - begin) + sizeof key_mark - 1);
            ptn_buf_addc(key, '\n');
        }
        begin = end + 1;
    }
}

static int
cert_import(const struct ctl *ctl)
{
    struct ptn_buf chain = PTN_BUF_INIT, key = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;
    struct cert_office o;
    int result = cert_open(ctl, &o);

    if (result != CTL_OK)
        return result;
    result = read_options(ctl, &chain, &key);
    if (result == CTL_OK) {
        take_combined_key(&chain, &key);
        result = cert_conclude(ptn_manage_import(&o.manage, ctl->words[0],
                                                 ptn_buf_slice(&chain),
                                                 ptn_buf_slice(&key), &err),
                               &err);
    }
    if (result == CTL_OK)
        result = cert_put_live(ctl, &o, ctl->words[0]);
    if (key.cap)
        ptn_wipe(key.data, key.cap);
    if (chain.cap)
        ptn_wipe(chain.data, chain.cap);
    ptn_buf_free(&key);
    ptn_buf_free(&chain);
    cert_close(&o);
    return result;
}

static int
cert_export(const struct ctl *ctl)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_parts parts = {0};
    struct cert_office o;
    int result = cert_open(ctl, &o);

    if (result != CTL_OK)
        return result;
    if (ptn_repository_is_name(ctl->words[0]) &&
        ptn_repository_read(o.manage.repository, ctl->words[0], &parts, &err) !=
            0)
        result = cert_conclude(PTN_CERT_FAILED, &err);
    if (result == CTL_OK && parts.part[PTN_PART_CRT].len == 0) {
        fprintf(stderr, "posternctl: there is no certificate \"%s\"\n",
                ctl->words[0]);
        result = PTN_CERT_UNKNOWN;
    }
    if (result == CTL_OK) {
        if (ctl_option(ctl, "key"))
            fputs(ptn_buf_cstr(&parts.part[PTN_PART_KEY]), stdout);
        fputs(ptn_buf_cstr(&parts.part[PTN_PART_CRT]), stdout);
    }
    ptn_parts_free(&parts);
    cert_close(&o);
    return result;
}

/* Opens the office, makes one change, and tells how it went; after one of
 * what is shown, a running server takes it over. */
static int
change(const struct ctl *ctl, bool live,
       enum ptn_cert_fault (*fn)(const struct ctl *ctl,
                                 const struct ptn_manage *m,
                                 struct ptn_error *err))
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct cert_office o;
    int result = cert_open(ctl, &o);

    if (result != CTL_OK)
        return result;
    result = cert_conclude(fn(ctl, &o.manage, &err), &err);
    if (result == CTL_OK && live)
        result = cert_put_live(ctl, &o, ctl->words[0]);
    cert_close(&o);
    return result;
}

static enum ptn_cert_fault
renew(const struct ctl *ctl, const struct ptn_manage *m, struct ptn_error *err)
{
    return ptn_manage_renew(m, ctl->words[0], err);
}

static int
cert_renew(const struct ctl *ctl)
{
    return change(ctl, true, renew);
}

/* 0, the version before, when none is given. */
static bool
parse_version(const struct ctl *ctl, uint64_t *version)
{
    const char *text = ctl_option(ctl, "version");

    *version = 0;
    return !text || ptn_slice_to_u64(ptn_slice_of(text), UINT32_MAX, version);
}

static enum ptn_cert_fault
roll_back(const struct ctl *ctl, const struct ptn_manage *m,
          struct ptn_error *err)
{
    uint64_t version;

    (void)parse_version(ctl, &version);
    return ptn_manage_rollback(m, ctl->words[0], (unsigned)version, err);
}

static int
cert_rollback(const struct ctl *ctl)
{
    uint64_t version;

    if (parse_version(ctl, &version))
        return change(ctl, true, roll_back);
    fputs("posternctl: --version is a number of `posternctl cert history`\n",
          stderr);
    return CTL_USAGE;
}

static enum ptn_cert_fault
forget(const struct ctl *ctl, const struct ptn_manage *m, struct ptn_error *err)
{
    return ptn_manage_remove(m, ctl->words[0], err);
}

static int
cert_remove(const struct ctl *ctl)
{
    return change(ctl, false, forget);
}

static enum ptn_cert_fault
give_name(const struct ctl *ctl, const struct ptn_manage *m,
          struct ptn_error *err)
{
    return ptn_manage_rename(m, ctl->words[0], ctl->words[1], err);
}

static int
cert_rename(const struct ctl *ctl)
{
    return change(ctl, false, give_name);
}

static const struct ctl_exit faults[] = {
    {PTN_CERT_MISMATCH, "key and certificate are no pair"},
    {PTN_CERT_EXPIRED, "the certificate has expired"},
    {PTN_CERT_NOT_YET_VALID, "it is not valid yet"},
    {PTN_CERT_TRUNCATED, "a file is cut off, or no certificate or key"},
    {PTN_CERT_UNSUPPORTED, "a type of key or file that is not supported"},
    {PTN_CERT_WEAK, "a key that is too weak"},
    {PTN_CERT_INCOMPLETE, "the chain is incomplete"},
    {PTN_CERT_DUPLICATE, "the name exists"},
    {PTN_CERT_UNKNOWN, "the name does not exist"},
    {PTN_CERT_IN_USE, "a listener shows it"},
    {0, NULL},
};

static const struct ctl_option create_options[] = {
    {"names", "NAMES", "host names, with commas; the config's by default"},
    {"type", "ecdsa-p256|ecdsa-p384|rsa-2048|rsa-3072|rsa-4096|ed25519",
     "of the key"},
    {"days", "DAYS", "how long it is valid"},
    {NULL, NULL, NULL},
};

static const struct ctl_option import_options[] = {
    {"cert", "FILE", "the certificate, or all in one; - for standard input"},
    {"key", "FILE", "its key, unless it was made here"},
    {"chain", "FILE", "its intermediates, unless they are with it"},
    {NULL, NULL, NULL},
};

const struct ctl_command ctl_cert_commands[] = {
    {.words = "cert",
     .doc = "certificates and their keys",
     .about = "They are in state/certs. A name that the configuration has is "
              "shown by the\nlisteners that name it; a running server takes "
              "changes over without a restart."},
    {.words = "cert list",
     .fn = cert_list,
     .flags = CTL_READS,
     .doc = "all there are, and who shows them",
     .example = "posternctl cert list"},
    {.words = "cert show",
     .fn = cert_show,
     .flags = CTL_READS,
     .arguments = "CERTIFICATE",
     .doc = "all about one",
     .exits = faults,
     .example = "posternctl cert show default"},
    {.words = "cert create",
     .fn = cert_create,
     .flags = CTL_READS | CTL_NO_JSON,
     .arguments = "NAME",
     .doc = "make a key, a signing request and a self-signed certificate",
     .options = create_options,
     .exits = faults,
     .example = "posternctl cert create shop --names mail.shop.example"},
    {.words = "cert csr",
     .fn = cert_csr,
     .flags = CTL_READS | CTL_NO_JSON,
     .arguments = "CERTIFICATE",
     .doc = "print a signing request for an authority",
     .options =
         (const struct ctl_option[]){
             {"new-key", NULL, "for a new key; the old one serves until then"},
             {NULL, NULL, NULL}},
     .exits = faults,
     .example = "posternctl cert csr shop --new-key > shop.csr"},
    {.words = "cert import",
     .fn = cert_import,
     .flags = CTL_READS | CTL_NO_JSON,
     .arguments = "NAME",
     .doc = "take in a certificate, with its key or as answer to a request",
     .options = import_options,
     .exits = faults,
     .example = "posternctl cert import shop --cert answer.pem"},
    {.words = "cert export",
     .fn = cert_export,
     .flags = CTL_READS | CTL_NO_JSON,
     .arguments = "CERTIFICATE",
     .doc = "print the chain",
     .options = (const struct ctl_option[]){{"key", NULL,
                                             "and the private key before it"},
                                            {NULL, NULL, NULL}},
     .exits = faults,
     .example = "posternctl cert export shop > shop.pem"},
    {.words = "cert renew",
     .fn = cert_renew,
     .flags = CTL_READS | CTL_NO_JSON,
     .arguments = "CERTIFICATE",
     .doc = "sign a self-signed one anew",
     .exits = faults,
     .example = "posternctl cert renew default"},
    {.words = "cert history",
     .fn = cert_history,
     .flags = CTL_READS,
     .arguments = "CERTIFICATE",
     .doc = "the versions before",
     .exits = faults,
     .example = "posternctl cert history shop"},
    {.words = "cert rollback",
     .fn = cert_rollback,
     .flags = CTL_READS | CTL_NO_JSON,
     .arguments = "CERTIFICATE",
     .doc = "go back to the version before",
     .options =
         (const struct ctl_option[]){
             {"version", "NUMBER", "one of the history"}, {NULL, NULL, NULL}},
     .exits = faults,
     .example = "posternctl cert rollback shop"},
    {.words = "cert rename",
     .fn = cert_rename,
     .flags = CTL_READS | CTL_NO_JSON,
     .arguments = "CERTIFICATE NAME",
     .doc = "give it another name",
     .exits = faults,
     .example = "posternctl cert rename shop store"},
    {.words = "cert remove",
     .fn = cert_remove,
     .flags = CTL_READS | CTL_NO_JSON,
     .arguments = "CERTIFICATE",
     .doc = "forget it, its key and its history",
     .exits = faults,
     .example = "posternctl cert remove shop"},
    {.words = "cert bind",
     .fn = cert_bind,
     .flags = CTL_READS | CTL_NO_JSON,
     .arguments = "CERTIFICATE LISTENER",
     .doc = "say how a listener gets it",
     .about = "Prints the line for the listener's tls group, and changes "
              "nothing. With --write it\nputs the line into a file of its "
              "own, certificates.d/LISTENER.conf beside the\nconfiguration, "
              "for the group to include.",
     .options = (const struct ctl_option[]){{"write", NULL, "write that file"},
                                            {NULL, NULL, NULL}},
     .exits = faults,
     .example = "posternctl cert bind shop front"},
    {.words = NULL},
};
