/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of `posternctl cert` share. Each command opens an office,
 * does one thing in it through pki/manage.h, and concludes: with --json
 * standard output has one object or array, also of what went wrong; what
 * people are told beside that is on standard error.
 */
#ifndef PTN_POSTERNCTL_CERT_H
#define PTN_POSTERNCTL_CERT_H

#include "pki/manage.h"
#include "posternctl/ctl.h"
#include "proc/admin.h"

/* --- cert_office.c --- */

/* The configuration, its TLS provider and the repository. */
struct cert_office {
    const struct ctl *ctl;
    struct ptn_admin *admin;
    struct ptn_manage manage;
    struct ptn_buf notes;      /* told, but no reason to refuse: a line each */
    struct ptn_buf passphrase; /* of --passphrase-file; wiped */
};

/* Opens all three; CTL_OK, or what to exit with: why was printed. */
int cert_open(const struct ctl *ctl, struct cert_office *office);
void cert_close(struct cert_office *office);

/* Tells what went wrong; answers the exit status. */
int cert_conclude(const struct ctl *ctl, enum ptn_cert_fault fault,
                  const struct ptn_error *err);
/* The same for what no call of pki/ found: a CTL_... or an enum
 * ptn_cert_fault. */
int cert_refuse(const struct ctl *ctl, int status, const char *fmt, ...)
    PTN_PRINTF(3, 4);

/* What the exit statuses of all these commands mean. */
extern const struct ctl_exit cert_faults[];

/* Reads all there is of a name, from the files that the configuration has for
 * it or else from the repository; UNKNOWN, told, when that is nothing. */
int cert_read(const struct cert_office *office, const char *name,
              struct ptn_parts *parts);

/* After a change of `name`: tells the notes, has a running server take over
 * what listeners show (`live`), and with --json prints the certificate. */
int cert_changed(struct cert_office *office, const char *name, bool live);

/* --- cert_errand.c --- */

/* The module that obtains it; NULL: none does. */
const char *cert_errand_source(const struct cert_office *office,
                               const char *name);
/* How it stands with it, if one does: lines, or members of an object. */
void cert_errand_print(const struct cert_office *office, const char *name);
void cert_errand_json(const struct cert_office *office, const char *name,
                      struct ptn_json *json);
/* Has the running server obtain it now. */
int cert_errand_renew(const struct cert_office *office, const char *name,
                      bool force);

/* --- cert_live.c --- */

/* After a change of a certificate that listeners show: waits until a running
 * server has taken it over and looked. Appends a sentence that says how it
 * went; CTL_OK, or CTL_FAILED when it is not served. */
int cert_put_live(const struct cert_office *office, const char *name,
                  struct ptn_buf *said);

/* What is wrong with it in a running server; false: nothing is known. */
bool cert_live_trouble(const struct cert_office *office, const char *name,
                       struct ptn_buf *out);
/* How a running server serves it, if there is one: lines, or "server". */
void cert_live_print(const struct cert_office *office, const char *name);
void cert_live_json(const struct cert_office *office, const char *name,
                    struct ptn_json *json);

/* --- cert_input.c --- */

/* A file, or standard input for "-", behind what is in `out`. CTL_OK, or
 * why not was told. */
int cert_read_file(const struct ctl *ctl, const char *path,
                   struct ptn_buf *out);
/* To standard output, unless that is a terminal. */
int cert_print_binary(const struct ctl *ctl, const struct ptn_buf *data);

/* Reads --passphrase-file, if that is given; cert_open does. */
int cert_open_passphrase(struct cert_office *office);
/* ptn_manage.ask of an office: that passphrase, or what is typed on the
 * terminal. */
int cert_ask(void *office, const char *what, struct ptn_buf *out);
/* The same of a new one, which is typed twice. CTL_OK, or what to exit with,
 * told. */
int cert_ask_new(const struct cert_office *office, const char *what,
                 struct ptn_buf *out);
/* For buffers that held a key or a passphrase. */
void cert_wipe(struct ptn_buf *b);

/* --- cert_view.c --- */

/* What is known of one version of a certificate. */
struct cert_view {
    struct ptn_parts parts;
    struct ptn_tls_cert facts;
    struct ptn_error problem; /* code 0: it can be served */
    struct ptn_buf users;     /* the listeners that show it */
    bool readable;            /* facts are there */
    bool encrypted;           /* the key is */
};

/* As cert_read, with what is wrong with such files as its problem. */
int cert_read_view(const struct cert_office *office, const char *name,
                   struct cert_view *view);
/* Fills all but the parts, which are there, and a problem that is. */
void cert_look(const struct ptn_manage *m, const char *name,
               struct cert_view *view);
void cert_forget(struct cert_view *view);
/* Its members, for an object that has been begun. */
void cert_json(const char *name, const struct cert_view *view,
               struct ptn_json *json);
/* "files": where its parts are, for the version in use. */
void cert_json_files(const struct cert_office *office, const char *name,
                     const struct cert_view *view, struct ptn_json *json);
/* An array of what stands between blanks and commas. */
void cert_json_words(struct ptn_json *json, const char *key, const char *text);
const char *cert_type_word(const struct ptn_tls_cert *facts);
/* "2027-12-23 10:40" */
void cert_day(int64_t seconds, char out[32]);

/* --- the commands --- */

ctl_fn cert_create, cert_csr;                               /* cert_make.c */
ctl_fn cert_import;                                         /* cert_import.c */
ctl_fn cert_export;                                         /* cert_export.c */
ctl_fn cert_renew, cert_rollback, cert_rename, cert_remove; /* cert_change.c */
ctl_fn cert_list, cert_show, cert_history;                  /* cert_show.c */
ctl_fn cert_unlock;                                         /* cert_unlock.c */
ctl_fn cert_bind;                                           /* cert_bind.c */

#endif
