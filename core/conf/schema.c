/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The option rows of core's own blocks. The tables of postern.conf(5) are
 * printed from them. Constants.
 */
#include "conf/walk.h"
#include "log/log.h"

/* "2.2 years": the longest time that an option may ask for. */
#define LONGEST ((int64_t)800 * 86400000)

static const char *const processes[] = {"workers", "single", NULL};
static const char *const levels[] = {"error", "warning", "info", "debug", NULL};
static const char *const log_targets[] = {"auto",   "stderr",   "file",
                                          "syslog", "journald", NULL};
static const char *const log_formats[] = {"text", "json", NULL};
static const char *const sandbox[] = {"on", "off", NULL};
static const char *const modes[] = {"none", "explicit", "implicit", NULL};
static const char *const requires[] = {"never", "auth", "always", NULL};
static const char *const versions[] = {"1.0", "1.1", "1.2", "1.3", NULL};
static const char *const clients[] = {"none", "request", "require", NULL};
static const char *const ocsp[] = {"off", "file", "fetch", NULL};
static const char *const key_types[] = {
    "p256", "p384", "rsa2048", "rsa3072", "rsa4096", "ed25519", NULL};

/* In the order of enum ptn_tls_key_type and of the other enums. */
_Static_assert(PTN_KEY_ED25519 == 5, "key_types");
_Static_assert(PTN_LOG_DEBUG == 3, "levels");
_Static_assert(PTN_OCSP_FETCH == 2, "ocsp");
_Static_assert(PTN_TLS_PEER_REQUIRED == 2, "clients");
_Static_assert(PTN_LOG_TO_JOURNALD == 3, "log_targets, without auto");
_Static_assert(PTN_LOG_AS_JSON == 1, "log_formats");
_Static_assert(PTN_SANDBOX_OFF == 1, "sandbox");
_Static_assert(PTN_TLS_IMPLICIT == 2, "modes");
_Static_assert(PTN_REQUIRE_ALWAYS == 2, "requires");

const char *const ptn_conf_core_blocks[] = {
    "server", "load",         "auth",      "limits", "policies",
    "groups", "certificates", "listeners", "envoy",  NULL};

#define ROW(field, ...) PTN_OPTION(struct ptn_server_conf, field, __VA_ARGS__)
const struct ptn_option ptn_conf_server_rows[] = {
    ROW(hostname, .type = PTN_OPT_STRING,
        .doc = "the server's own name, in greetings and certificates; the "
               "default is what the system calls itself"),
    ROW(domains, .type = PTN_OPT_STRINGS, .preset = "",
        .doc = "the domains that are local"),
    ROW(state, .type = PTN_OPT_PATH, .preset = PTN_STATEDIR,
        .flags = PTN_OPT_EXACT,
        .doc = "the folder of all that the server keeps"),
    ROW(processes, .type = PTN_OPT_CHOICE, .preset = "workers",
        .choices = processes, .flags = PTN_OPT_EXACT,
        .doc = "a supervisor with workers, or a single process"),
    ROW(workers, .type = PTN_OPT_INT, .preset = "0", .min = 0, .max = 256,
        .doc = "worker processes; 0: one a core"),
    ROW(connections, .type = PTN_OPT_INT, .preset = "0", .min = 0,
        .max = INT32_MAX,
        .doc = "connections that all workers hold at once, of all listeners; "
               "0: no bound beside those of each listener"),
    ROW(user, .type = PTN_OPT_STRING, .flags = PTN_OPT_EXACT,
        .doc = "the user that workers become after the ports are open, when "
               "started by root"),
    ROW(warden_user, .type = PTN_OPT_STRING, .flags = PTN_OPT_EXACT,
        .doc = "the user that the warden becomes, who alone needs to read "
               "private keys and secrets; the default is user, and a single "
               "process has no other"),
    ROW(log_to, .type = PTN_OPT_CHOICE, .preset = "auto",
        .choices = log_targets,
        .doc = "where the log goes; auto: to log_file when that is set, or "
               "else to standard error"),
    ROW(log_file, .type = PTN_OPT_PATH,
        .doc = "the file to which it is appended; opened again on SIGUSR1"),
    ROW(log_socket, .type = PTN_OPT_PATH,
        .doc = "the socket of syslog or journald; the default is the "
               "system's own"),
    ROW(log_format, .type = PTN_OPT_CHOICE, .preset = "text",
        .choices = log_formats,
        .doc = "lines of key=value, or JSON objects; journald gets fields, "
               "whichever it is"),
    ROW(log_facility, .type = PTN_OPT_CHOICE, .preset = "daemon",
        .choices = ptn_conf_facilities, .doc = "as what syslog sorts it"),
    ROW(log_level, .type = PTN_OPT_CHOICE, .preset = "info", .choices = levels,
        .doc = "the least important events that are logged"),
    ROW(disk_threads, .type = PTN_OPT_INT, .preset = "4", .min = 1, .max = 256,
        .doc = "threads of a worker for files"),
    ROW(slow_threads, .type = PTN_OPT_INT, .preset = "2", .min = 1, .max = 256,
        .doc = "threads of a worker for what is slow by design: password "
               "hashes, name lookups"),
    ROW(lane_depth, .type = PTN_OPT_INT, .preset = "1024", .min = 1,
        .max = 1000000,
        .doc = "jobs that may wait for the threads of either kind"),
    ROW(drain_timeout, .type = PTN_OPT_DURATION, .preset = "30s", .min = 0,
        .max = LONGEST, .doc = "what sessions get to end after SIGTERM"),
    ROW(reload_timeout, .type = PTN_OPT_DURATION, .preset = "1h", .min = 0,
        .max = LONGEST, .flags = PTN_OPT_LIVE,
        .doc = "what sessions get to end by themselves after a reload that "
               "has replaced their worker; then they are told to; 0: all the "
               "time they want"),
    ROW(watchdog, .type = PTN_OPT_DURATION, .preset = "30s", .min = 0,
        .max = LONGEST, .flags = PTN_OPT_LIVE,
        .doc = "a worker that does not answer its supervisor for so long is "
               "killed and replaced; 0: never"),
    ROW(sandbox, .type = PTN_OPT_CHOICE, .preset = "on", .choices = sandbox,
        .flags = PTN_OPT_EXACT,
        .doc = "whether each process gives up what it does not need: system "
               "calls, files, ports (posternd(8) tells)"),
    ROW(expiry_warnings, .type = PTN_OPT_STRINGS, .preset = "30d 14d 7d 3d 1d",
        .flags = PTN_OPT_LIVE,
        .doc = "how long before a certificate in use expires the log warns of "
               "it: once each; and when it has expired"),
    ROW(module_path, .type = PTN_OPT_PATH, .preset = PTN_MODULEDIR,
        .flags = PTN_OPT_EXACT, .doc = "the folder of modules and plugins"),
    ROW(pid_file, .type = PTN_OPT_PATH, .flags = PTN_OPT_EXACT,
        .doc = "gets the process number; the default is none"),
    ROW(control, .type = PTN_OPT_PATH, .flags = PTN_OPT_EXACT,
        .doc = "the socket of posternctl(8); the default is run/control in "
               "the state folder"),
    PTN_OPTION_END,
};
#undef ROW

#define ROW(field, ...) PTN_OPTION(struct ptn_limits_conf, field, __VA_ARGS__)
const struct ptn_option ptn_conf_limits_rows[] = {
    ROW(connections, .type = PTN_OPT_INT, .preset = "10000", .min = 1,
        .max = INT32_MAX, .doc = "connections that one worker holds at once"),
    ROW(connections_per_address, .type = PTN_OPT_INT, .preset = "100", .min = 1,
        .max = INT32_MAX,
        .doc = "the same, from one address; from a /64 network with IPv6"),
    ROW(connections_per_network, .type = PTN_OPT_INT, .preset = "0", .min = 0,
        .max = INT32_MAX,
        .doc = "the same, from one network of 256 addresses; from a /48 with "
               "IPv6; 0: ten times connections_per_address"),
    ROW(max_line, .type = PTN_OPT_SIZE, .preset = "8k", .min = 512,
        .max = 16 << 20, .doc = "octets of a line, without its end"),
    ROW(max_errors, .type = PTN_OPT_INT, .preset = "20", .min = 1,
        .max = INT32_MAX, .doc = "errors of the peer that end a session"),
    ROW(idle_timeout, .type = PTN_OPT_DURATION, .preset = "5m", .min = 100,
        .max = LONGEST, .doc = "silence of the peer that ends a session"),
    ROW(login_timeout, .type = PTN_OPT_DURATION, .preset = "2m", .min = 100,
        .max = LONGEST,
        .doc = "what a session gets to authenticate, where it has to"),
    ROW(handshake_timeout, .type = PTN_OPT_DURATION, .preset = "30s",
        .min = 100, .max = LONGEST,
        .doc = "what a TLS handshake gets, and a proxy's header before it"),
    ROW(command_timeout, .type = PTN_OPT_DURATION, .preset = "2m", .min = 100,
        .max = LONGEST,
        .doc = "what the peer gets to finish a line that it has begun"),
    ROW(output_high, .type = PTN_OPT_SIZE, .preset = "256k", .min = 4096,
        .max = 1 << 30,
        .doc = "output that waits for a slow peer before commands wait, too"),
    ROW(output_low, .type = PTN_OPT_SIZE, .preset = "64k", .min = 1024,
        .max = 1 << 30, .doc = "output at which they go on"),
    ROW(auth_attempts, .type = PTN_OPT_INT, .preset = "3", .min = 1,
        .max = 1000, .doc = "failed authentications that end a session"),
    PTN_OPTION_END,
};
#undef ROW

#define ROW(field, ...) PTN_OPTION(struct ptn_auth_conf, field, __VA_ARGS__)
const struct ptn_option ptn_conf_auth_rows[] = {
    ROW(mechanisms, .type = PTN_OPT_STRINGS, .preset = "",
        .doc = "the SASL mechanisms that may be used; the default is all that "
               "the server knows but those with -PLUS, which some clients "
               "choose and then cannot do"),
    ROW(free_failures, .type = PTN_OPT_INT, .preset = "10", .min = 1,
        .max = 1000000,
        .doc = "attempts of a network (an address, or a /64), and with a "
               "name, that may fail before more have to wait"),
    ROW(delay, .type = PTN_OPT_DURATION, .preset = "250ms", .min = 1,
        .max = 60000,
        .doc = "how long a failure is held back, and then the next attempt; "
               "each failure doubles it"),
    ROW(max_delay, .type = PTN_OPT_DURATION, .preset = "4s", .min = 1,
        .max = 600000, .doc = "the longest that it gets"),
    ROW(forget, .type = PTN_OPT_DURATION, .preset = "10m", .min = 1000,
        .max = LONGEST,
        .doc = "failures are forgotten so long after the last "
               "attempt"),
    ROW(remember, .type = PTN_OPT_INT, .preset = "10000", .min = 16,
        .max = 10000000,
        .doc = "networks, and names, that are remembered at once; 200 octets "
               "each"),
    PTN_OPTION_END,
};
#undef ROW

#define ROW(field, ...) PTN_OPTION(struct ptn_cert_conf, field, __VA_ARGS__)
const struct ptn_option ptn_conf_cert_rows[] = {
    ROW(names, .type = PTN_OPT_STRINGS, .preset = "",
        .doc = "the host names it is for; the default is server.hostname"),
    ROW(cert_file, .type = PTN_OPT_PATH,
        .doc = "the certificate and its intermediates, PEM, leaf first; the "
               "default is a self-signed one in the state folder, made on "
               "first start"),
    ROW(key_file, .type = PTN_OPT_PATH,
        .doc = "its private key, PEM; required with cert_file; to be read by "
               "server.warden_user and not by everybody"),
    ROW(passphrase_file, .type = PTN_OPT_PATH,
        .doc = "the passphrase of an encrypted key, in the first line; to be "
               "read by server.warden_user and not by everybody"),
    ROW(passphrase_command, .type = PTN_OPT_STRINGS, .preset = "",
        .doc = "a program and its arguments, run as server.warden_user; the "
               "first line that it prints is the passphrase"),
    ROW(key_type, .type = PTN_OPT_CHOICE, .preset = "p256",
        .choices = key_types, .doc = "of a key that is made"),
    ROW(days, .type = PTN_OPT_INT, .preset = "397", .min = 1, .max = 36500,
        .doc = "validity of a self-signed certificate"),
    ROW(expiry_warnings, .type = PTN_OPT_STRINGS, .preset = "",
        .flags = PTN_OPT_LIVE,
        .doc = "how long before it expires the log warns of it; the default "
               "is server.expiry_warnings"),
    ROW(source, .type = PTN_OPT_STRING,
        .doc = "where it comes from: file: cert_file and key_file; "
               "self-signed; or the name of a module that obtains it: "
               "until it has, a self-signed one stands in; the default "
               "is file where there are files, else self-signed"),
    ROW(reuse_key, .type = PTN_OPT_BOOL, .preset = "false",
        .doc = "a module that renews it keeps its key; else each has a new "
               "one"),
    ROW(ocsp, .type = PTN_OPT_CHOICE, .preset = "off", .choices = ocsp,
        .doc = "stapling: off; file: the response in ocsp_file; fetch: of the "
               "authority, where it has OCSP; see postern-ocsp(5)"),
    ROW(ocsp_file, .type = PTN_OPT_PATH,
        .doc = "an OCSP response, DER, which others keep fresh; required with "
               "ocsp = \"file\""),
    PTN_OPTION_END,
};
#undef ROW

#define ROW(field, ...) PTN_OPTION(struct ptn_envoy_conf, field, __VA_ARGS__)
const struct ptn_option ptn_conf_envoy_rows[] = {
    ROW(hook, .type = PTN_OPT_PATH,
        .doc = "a program that publishes DNS records, for authorities that "
               "want them as proof (dns-01); see below"),
    ROW(hook_user, .type = PTN_OPT_STRING,
        .doc = "the user that it is run as, when the server was started by "
               "root; the default is server.user"),
    ROW(hook_timeout, .type = PTN_OPT_DURATION, .preset = "2m", .min = 1000,
        .max = 3600000, .doc = "what it gets; then it is killed"),
    PTN_OPTION_END,
};
#undef ROW

#define ROW(field, ...) PTN_OPTION(struct ptn_listener_conf, field, __VA_ARGS__)
const struct ptn_option ptn_conf_listener_rows[] = {
    {.name = "protocol",
     .offset = offsetof(struct ptn_listener_conf, protocol_name),
     .type = PTN_OPT_STRING,
     .flags = PTN_OPT_REQUIRED,
     .doc = "what is spoken; a loaded module provides it"},
    ROW(listen, .type = PTN_OPT_STRINGS, .preset = "*",
        .doc = "addresses: \"*:25\", \"192.0.2.1:25\", \"[2001:db8::1]:25\"; "
               "without a port, the protocol's own is taken"),
    ROW(group, .type = PTN_OPT_STRING, .preset = PTN_GROUP_MAIN,
        .doc = "the workers that serve it: a block of groups"),
    ROW(memory, .type = PTN_OPT_SIZE, .preset = "0", .min = 0,
        .max = INT64_C(1) << 40,
        .doc = "what its sessions may hold in all, messages on their way in "
               "included, shared evenly by the workers; over it, new ones "
               "are refused; 0: no bound"),
    ROW(proxy_from, .type = PTN_OPT_STRINGS, .preset = "",
        .doc = "addresses and networks of proxies; who connects from there "
               "begins with a PROXY header (version 1 or 2) that names the "
               "client"),
    PTN_OPTION_END,
};
#undef ROW

#define ROW(field, ...) PTN_OPTION(struct ptn_group_conf, field, __VA_ARGS__)
const struct ptn_option ptn_conf_group_rows[] = {
    ROW(workers, .type = PTN_OPT_INT, .preset = "1", .min = 0, .max = 256,
        .doc = "worker processes; 0: one a core. Those of the group main are "
               "server.workers"),
    ROW(memory, .type = PTN_OPT_SIZE, .min = 16 << 20, .max = INT64_C(1) << 40,
        .doc = "what each of them may use for data; one that wants more ends "
               "and is replaced; the default is no limit"),
    {.name = "nice",
     .offset = offsetof(struct ptn_group_conf, niceness),
     .type = PTN_OPT_INT,
     .preset = "0",
     .min = 0,
     .max = 19,
     .doc = "how much they leave to others, as nice(1)"},
    PTN_OPTION_END,
};
#undef ROW

#define ROW(field, ...) PTN_OPTION(struct ptn_tls_conf, field, __VA_ARGS__)
const struct ptn_option ptn_conf_tls_rows[] = {
    ROW(mode, .type = PTN_OPT_CHOICE, .choices = modes,
        .flags = PTN_OPT_REQUIRED,
        .doc = "none; explicit: the peer asks for TLS in the protocol; "
               "implicit: TLS from the first octet. There is no default"),
    ROW(require, .type = PTN_OPT_CHOICE, .preset = "auth", .choices = requires,
        .doc = "with explicit: what has to wait until TLS: nothing, "
               "credentials, everything"),
    ROW(certificates, .type = PTN_OPT_STRINGS, .preset = "default",
        .doc = "their names; a client gets the one for the server name that "
               "it asks for, or else the first"),
    ROW(policy, .type = PTN_OPT_STRING, .preset = PTN_POLICY_DEFAULT,
        .doc = "modern, intermediate, legacy, or a block of policies: for "
               "what is not said here"),
    PTN_OPTION_END,
};

const struct ptn_option ptn_conf_policy_rows[] = {
    ROW(min_version, .type = PTN_OPT_CHOICE, .preset = "1.2",
        .choices = versions, .doc = "the oldest TLS that is spoken"),
    ROW(max_version, .type = PTN_OPT_CHOICE, .preset = "1.3",
        .choices = versions, .doc = "the newest TLS that is spoken"),
    ROW(ciphers, .type = PTN_OPT_STRING,
        .doc = "cipher suites up to TLS 1.2, as the TLS library names them"),
    ROW(suites, .type = PTN_OPT_STRING,
        .doc = "cipher suites of TLS 1.3, by their registered names"),
    ROW(groups, .type = PTN_OPT_STRING,
        .doc = "key exchange groups, the preferred first"),
    ROW(alpn_strict, .type = PTN_OPT_BOOL, .preset = "false",
        .doc = "refuse a client that asks for other protocols only (ALPN)"),
    ROW(tickets, .type = PTN_OPT_BOOL, .preset = "true",
        .doc = "let clients resume sessions; never so where client "
               "certificates are asked for"),
    ROW(client, .type = PTN_OPT_CHOICE, .preset = "none", .choices = clients,
        .doc = "certificates of clients: none; request: who has a good one "
               "may log in with it (SASL EXTERNAL), others as ever; require: "
               "nobody else is let in"),
    ROW(client_ca, .type = PTN_OPT_PATH,
        .doc = "the authorities whose client certificates are good, PEM; "
               "required with client"),
    ROW(client_crl, .type = PTN_OPT_PATH,
        .doc = "their revocation lists, PEM: one of each authority in a "
               "client's chain, or the certificate is no good"),
    ROW(client_map, .type = PTN_OPT_PATH,
        .doc = "which user a certificate is: lines of a name, or sha256: and "
               "a fingerprint, and the user; without the file, its first "
               "rfc822Name or else its common name is the user"),
    PTN_OPTION_END,
};
#undef ROW

#define ROW(field, ...) PTN_OPTION(struct ptn_policy_conf, field, __VA_ARGS__)
const struct ptn_option ptn_conf_based_on_rows[] = {
    ROW(based_on, .type = PTN_OPT_STRING, .preset = PTN_POLICY_DEFAULT,
        .doc = "modern, intermediate or legacy: for what the policy does not "
               "say"),
    PTN_OPTION_END,
};
#undef ROW

#define ROW(field, ...)                                                        \
    PTN_OPTION(struct ptn_tls_legacy_conf, field, __VA_ARGS__)
const struct ptn_option ptn_conf_legacy_rows[] = {
    ROW(versions, .type = PTN_OPT_STRINGS, .flags = PTN_OPT_REQUIRED,
        .doc = "older versions than min_version: TLSv1.0, TLSv1.1, TLSv1.2"),
    ROW(networks, .type = PTN_OPT_STRINGS, .flags = PTN_OPT_REQUIRED,
        .doc = "addresses and networks whose clients may use them; with a "
               "PROXY header, the client that it names"),
    ROW(until, .type = PTN_OPT_STRING, .flags = PTN_OPT_REQUIRED,
        .doc = "the last day, \"2027-01-31\", or the moment when it ends, "
               "\"2027-01-31T12:00:00Z\"; in UTC"),
    PTN_OPTION_END,
};
#undef ROW
