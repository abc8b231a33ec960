/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A passwd plugin in a folder of its own, made as core makes it: through
 * its descriptor.
 */
#ifndef TESTS_UNIT_PASSWD_FIXTURE_H
#define TESTS_UNIT_PASSWD_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "module/registry.h"
#include "plugins/passwd/passwd.h"
#include <fcntl.h>
#include <postern/arena.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define S(text) PTN_SLICE(text)

extern const struct ptn_module passwd_LTX_postern_module;

struct fixture {
    char folder[64], users[96], secrets[96], aliases[96];
    struct ptn_conf conf;
    struct ptn_modules modules;
    struct ptn_host host;
    struct passwd_options options;
    struct passwd *passwd;
    const struct ptn_directory_ops *directory;
    const struct ptn_directory_edit_ops *edit;
};

static const char *const fixture_domains[] = {"example.test", "other.example"};

static inline void
fixture_write(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fchmod(fileno(f), 0600), 0);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static inline const void *
fixture_find(struct fixture *f, const char *contract)
{
    for (size_t i = 0; i < f->modules.provided_count; i++)
        if (strcmp(f->modules.provided[i].contract, contract) == 0)
            return f->modules.provided[i].ops;
    return NULL;
}

static inline void
fixture_start(struct fixture *f)
{
    struct ptn_error err = PTN_ERROR_INIT;
    void *instance = NULL;
    assert_int_equal(
        passwd_LTX_postern_module.init(&f->host, &f->options, &instance, &err),
        0);
    f->passwd = instance;
    f->directory = fixture_find(f, PTN_DIRECTORY_CONTRACT);
    f->edit = fixture_find(f, PTN_DIRECTORY_EDIT_CONTRACT);
    assert_non_null(f->directory);
    assert_non_null(f->edit);
    assert_int_equal(passwd_LTX_postern_module.start(instance, &err), 0);
    pthread_join(f->passwd->loader, NULL);
    f->passwd->is_loading = false;
}

static inline void
fixture_stop(struct fixture *f)
{
    passwd_LTX_postern_module.stop(f->passwd);
    for (size_t i = 0; i < f->modules.path_count; i++)
        ptn_free(f->modules.paths[i].path);
    ptn_free(f->modules.paths);
    f->modules.paths = NULL;
    f->modules.path_count = 0;
    ptn_free(f->modules.provided);
    f->modules.provided = NULL;
    f->modules.provided_count = 0;
}

/* Starts the plugin on two files with these texts; NULL: no such file. */
static inline void
fixture_open(struct fixture *f, const char *users, const char *aliases)
{
    memset(f, 0, sizeof(*f));
    strcpy(f->folder, "/tmp/postern-passwd-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->users, sizeof(f->users), "%s/passwd", f->folder);
    assert_int_equal(mkdir(f->users, 0700), 0);
    snprintf(f->users, sizeof(f->users), "%s/passwd/users", f->folder);
    snprintf(f->secrets, sizeof(f->secrets), "%s/secrets/passwd", f->folder);
    snprintf(f->aliases, sizeof(f->aliases), "%s/passwd/aliases", f->folder);
    if (users)
        fixture_write(f->users, users);
    if (aliases)
        fixture_write(f->aliases, aliases);
    f->conf.server.state = f->folder;
    f->conf.server.domains = (struct ptn_strings){fixture_domains, 2};
    f->modules.conf = &f->conf;
    f->modules.role = PTN_ROLE_SINGLE;
    f->host.all = &f->modules;
    f->host.module = &passwd_LTX_postern_module;
    f->options.delimiter = "+";
    f->options.scram_iterations = PASSWD_ITERATIONS_MIN;
    fixture_start(f);
}

static inline void
fixture_close(struct fixture *f)
{
    char command[128];
    fixture_stop(f);
    snprintf(command, sizeof(command), "rm -r %s", f->folder);
    assert_int_equal(system(command), 0);
}

static inline void
fixture_due_one(struct passwd_file *file)
{
    pthread_mutex_lock(&file->lock);
    file->checked = 0;
    pthread_mutex_unlock(&file->lock);
}

/* Lets the next call look at the files again. */
static inline void
fixture_due(struct fixture *f)
{
    fixture_due_one(&f->passwd->users);
    fixture_due_one(&f->passwd->secrets);
    fixture_due_one(&f->passwd->aliases);
}

#endif
