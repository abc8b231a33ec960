/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The table of `posternctl cert`: certificates from their making to their
 * end. Each command is in a file named for what it does.
 */
#include "posternctl/cert.h"

static const struct ctl_option create_options[] = {
    {"names", "NAMES",
     "host names, addresses, with commas; the config's by default"},
    {"type", "ecdsa-p256|ecdsa-p384|rsa-2048|rsa-3072|rsa-4096|ed25519",
     "of the key"},
    {"days", "DAYS", "how long it is valid"},
    {"subject", "SUBJECT", "who it is for, such as \"O=Example, C=DE\""},
    {"encrypt", NULL, "keep the key behind a passphrase"},
    {"passphrase-file", "FILE", "whose first line that is; else it is asked"},
    {"wait", "SECONDS", "until a running server shows it; else 10"},
    {NULL, NULL, NULL},
};

static const struct ctl_option csr_options[] = {
    {"new-key", NULL, "for a new key; the old one serves until then"},
    {"der", NULL, "in DER, not PEM"},
    {"passphrase-file", "FILE", "whose first line opens an encrypted key"},
    {NULL, NULL, NULL},
};

static const struct ctl_option import_options[] = {
    {"cert", "FILE", "the certificate, or all in one; - for standard input"},
    {"key", "FILE", "its key, unless it was made here"},
    {"chain", "FILE", "its intermediates, unless they are with it"},
    {"passphrase-file", "FILE",
     "whose first line opens them; else it is asked"},
    {"encrypt", NULL, "keep the key behind a passphrase"},
    {"replace", NULL, "also a certificate of other names"},
    {"wait", "SECONDS", "until a running server shows it; else 10"},
    {NULL, NULL, NULL},
};

static const struct ctl_option export_options[] = {
    {"key", NULL, "and the private key before it"},
    {"format", "pem|der|pkcs12", "of the file; der has one certificate"},
    {"passphrase-file", "FILE", "whose first line protects the key in it"},
    {NULL, NULL, NULL},
};

static const struct ctl_option unlock_options[] = {
    {"passphrase-file", "FILE",
     "whose first line that is, - for standard input; else it is asked"},
    {NULL, NULL, NULL},
};

static const struct ctl_option renew_options[] = {
    {"passphrase-file", "FILE", "whose first line opens an encrypted key"},
    {"force", NULL, "ask an authority within its rate limit, too"},
    {"wait", "SECONDS", "until a running server shows it; else 10"},
    {NULL, NULL, NULL},
};

const struct ctl_command ctl_cert_commands[] = {
    {.words = "cert",
     .doc = "certificates and their keys",
     .about = "They are in state/certs. A name that the configuration has is "
              "shown by the\nlisteners that name it; a running server takes "
              "changes over without a restart.",
     .exits = cert_faults},
    {.words = "cert list",
     .fn = cert_list,
     .flags = CTL_READS,
     .doc = "all there are, and who shows them",
     .exits = cert_faults,
     .example = "posternctl cert list"},
    {.words = "cert show",
     .fn = cert_show,
     .flags = CTL_READS,
     .arguments = "CERTIFICATE",
     .doc = "all about one",
     .exits = cert_faults,
     .example = "posternctl cert show default"},
    {.words = "cert create",
     .fn = cert_create,
     .flags = CTL_READS,
     .arguments = "NAME",
     .doc = "make a key, a signing request and a self-signed certificate",
     .options = create_options,
     .exits = cert_faults,
     .example = "posternctl cert create shop --names mail.shop.example"},
    {.words = "cert unlock",
     .fn = cert_unlock,
     .arguments = "CERTIFICATE",
     .doc = "tell the server the passphrase of an encrypted key",
     .about = "Until then the listeners stay closed that have no other "
              "certificate. The\nserver keeps it in memory: through reloads "
              "and upgrades, not through a restart.",
     .options = unlock_options,
     .exits = cert_faults,
     .example = "posternctl cert unlock shop"},
    {.words = "cert csr",
     .fn = cert_csr,
     .flags = CTL_READS,
     .arguments = "CERTIFICATE",
     .doc = "print a signing request for an authority",
     .options = csr_options,
     .exits = cert_faults,
     .example = "posternctl cert csr shop --new-key > shop.csr"},
    {.words = "cert import",
     .fn = cert_import,
     .flags = CTL_READS,
     .arguments = "NAME",
     .doc = "take in a certificate, with its key or as answer to a request",
     .options = import_options,
     .exits = cert_faults,
     .example = "posternctl cert import shop --cert answer.pem"},
    {.words = "cert export",
     .fn = cert_export,
     .flags = CTL_READS,
     .arguments = "CERTIFICATE",
     .doc = "print the chain, and the key if asked to",
     .options = export_options,
     .exits = cert_faults,
     .example = "posternctl cert export shop > shop.pem"},
    {.words = "cert renew",
     .fn = cert_renew,
     .flags = CTL_READS,
     .arguments = "CERTIFICATE",
     .doc = "sign a self-signed one anew, or have an authority do it",
     .options = renew_options,
     .exits = cert_faults,
     .example = "posternctl cert renew default"},
    {.words = "cert history",
     .fn = cert_history,
     .flags = CTL_READS,
     .arguments = "CERTIFICATE",
     .doc = "the versions before",
     .exits = cert_faults,
     .example = "posternctl cert history shop"},
    {.words = "cert rollback",
     .fn = cert_rollback,
     .flags = CTL_READS,
     .arguments = "CERTIFICATE",
     .doc = "go back to the version before",
     .options =
         (const struct ctl_option[]){
             {"version", "NUMBER", "one of the history"},
             {"wait", "SECONDS", "until a running server shows it; else 10"},
             {NULL, NULL, NULL}},
     .exits = cert_faults,
     .example = "posternctl cert rollback shop"},
    {.words = "cert rename",
     .fn = cert_rename,
     .flags = CTL_READS,
     .arguments = "CERTIFICATE NAME",
     .doc = "give it another name",
     .exits = cert_faults,
     .example = "posternctl cert rename shop store"},
    {.words = "cert remove",
     .fn = cert_remove,
     .flags = CTL_READS,
     .arguments = "CERTIFICATE",
     .doc = "forget it, its key and its history",
     .exits = cert_faults,
     .example = "posternctl cert remove shop"},
    {.words = "cert bind",
     .fn = cert_bind,
     .flags = CTL_READS,
     .arguments = "CERTIFICATE LISTENER",
     .doc = "say how a listener gets it",
     .about = "Prints the line for the listener's tls group, and changes "
              "nothing. With --write it\nputs the line into a file of its "
              "own, certificates.d/LISTENER.conf beside the\nconfiguration, "
              "for the group to include; and a name that the configuration "
              "lacks\ninto certificates.d/names.conf, for the group "
              "certificates.",
     .options = (const struct ctl_option[]){{"write", NULL, "write that file"},
                                            {NULL, NULL, NULL}},
     .exits = cert_faults,
     .example = "posternctl cert bind shop front"},
    {.words = NULL},
};
