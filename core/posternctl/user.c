/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Accounts, by whatever module provides postern.directory and
 * postern.directory.edit. The modules are loaded here, not started; a
 * running server notices the change by itself.
 */
#include "conf/unit.h"
#include "posternctl/ctl.h"
#include "proc/admin.h"
#include <postern/directory.h>
#include <stdlib.h>

struct editor {
    struct ptn_admin *admin;
    const struct ptn_directory_edit_ops *ops;
    void *instance;
};

static int
open_editor(const struct ctl *ctl, struct editor *e)
{
    const void *ops;

    e->admin = ptn_admin_open(ctl->config, stderr);
    if (!e->admin)
        return CTL_CONFIG;
    if (!ptn_admin_find(e->admin, PTN_DIRECTORY_EDIT_CONTRACT,
                        PTN_DIRECTORY_EDIT_VERSION, &ops, &e->instance)) {
        fputs("posternctl: no module in \"load\" has accounts that can be "
              "changed here\n",
              stderr);
    } else if (ptn_admin_make_folders(e->admin) == 0) {
        e->ops = ops;
        return CTL_OK;
    }
    ptn_admin_close(e->admin);
    return CTL_CONFIG;
}

/* Closes the editor and says what went wrong. */
static int
conclude(struct editor *e, enum ptn_status status, const struct ptn_error *err)
{
    ptn_admin_close(e->admin);
    if (status == PTN_OK)
        return CTL_OK;
    if (err->text[0])
        fprintf(stderr, "posternctl: %s\n", err->text);
    else
        fprintf(stderr, "posternctl: %s\n",
                status == PTN_UNSUPPORTED
                    ? "this directory cannot do that"
                    : "the directory did not take the change");
    return CTL_FAILED;
}

static int
parse_quota(const char *text, uint64_t *out)
{
    *out = 0;
    if (!text || ptn_unit_size(text, out))
        return 0;
    fprintf(stderr,
            "posternctl: \"%s\" is not a size; write it as \"500M\" or "
            "\"2G\", or 0 for none\n",
            text);
    return -1;
}

static int
user_add(const struct ctl *ctl)
{
    struct ptn_error err = PTN_ERROR_INIT;
    char password[CTL_PASSWORD_MAX];
    enum ptn_status status;
    struct editor e;
    uint64_t quota;
    int result;

    if (parse_quota(ctl_option(ctl, "quota"), &quota) != 0)
        return CTL_USAGE;
    result = open_editor(ctl, &e);
    if (result != CTL_OK)
        return result;
    if (ctl_read_password(true, password) != 0) {
        ptn_admin_close(e.admin);
        return CTL_USAGE;
    }
    status = e.ops->add(e.instance, ptn_slice_of(ctl->words[0]),
                        ptn_slice_of(password), quota, &err);
    ptn_wipe(password, sizeof password);
    return conclude(&e, status, &err);
}

static int
user_password(const struct ctl *ctl)
{
    struct ptn_error err = PTN_ERROR_INIT;
    char password[CTL_PASSWORD_MAX];
    enum ptn_status status;
    struct editor e;
    int result = open_editor(ctl, &e);

    if (result != CTL_OK)
        return result;
    if (ctl_read_password(true, password) != 0) {
        ptn_admin_close(e.admin);
        return CTL_USAGE;
    }
    status = e.ops->set_password(e.instance, ptn_slice_of(ctl->words[0]),
                                 ptn_slice_of(password), &err);
    ptn_wipe(password, sizeof password);
    return conclude(&e, status, &err);
}

static int
user_delete(const struct ctl *ctl)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct editor e;
    int result = open_editor(ctl, &e);

    if (result != CTL_OK)
        return result;
    return conclude(
        &e, e.ops->remove(e.instance, ptn_slice_of(ctl->words[0]), &err), &err);
}

static int
user_quota(const struct ctl *ctl)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct editor e;
    uint64_t quota;
    int result;

    if (parse_quota(ctl->words[1], &quota) != 0)
        return CTL_USAGE;
    result = open_editor(ctl, &e);
    if (result != CTL_OK)
        return result;
    return conclude(
        &e,
        e.ops->set_quota(e.instance, ptn_slice_of(ctl->words[0]), quota, &err),
        &err);
}

static int
user_convert(const struct ctl *ctl)
{
    struct ptn_error err = PTN_ERROR_INIT;
    enum ptn_status status = PTN_UNSUPPORTED;
    struct editor e;
    uint64_t count = 0;
    int result = open_editor(ctl, &e);

    if (result != CTL_OK)
        return result;
    if (PTN_HAS(e.ops, struct ptn_directory_edit_ops, convert) &&
        e.ops->convert)
        status = e.ops->convert(e.instance, &count, &err);
    if (status == PTN_OK)
        printf("%llu accounts converted\n", (unsigned long long)count);
    return conclude(&e, status, &err);
}

struct list {
    struct ptn_user *users;
    size_t count, cap;
};

static bool
remember(void *arg, const struct ptn_user *user)
{
    struct list *list = arg;

    if (list->count == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 64;
        list->users = ptn_realloc(list->users, list->cap * sizeof *user);
    }
    list->users[list->count++] = *user;
    return true;
}

static int
compare(const void *a, const void *b)
{
    return strcmp(((const struct ptn_user *)a)->name,
                  ((const struct ptn_user *)b)->name);
}

static void
print_json(const struct list *list)
{
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_json json = PTN_JSON_INIT(&out);

    ptn_json_array(&json, NULL);
    for (size_t i = 0; i < list->count; i++) {
        ptn_json_object(&json, NULL);
        ptn_json_text(&json, "name", ptn_slice_of(list->users[i].name));
        ptn_json_number(&json, "quota", (int64_t)list->users[i].quota);
        ptn_json_end_object(&json);
    }
    ptn_json_end_array(&json);
    ctl_json_print(&out);
}

static void
print_list(const struct list *list)
{
    static const char *const titles[] = {"USER", "QUOTA"};
    struct ctl_table table = {.columns = 2};

    ctl_table_row(&table, titles);
    for (size_t i = 0; i < list->count; i++) {
        const struct ptn_user *user = &list->users[i];
        struct ptn_buf quota = PTN_BUF_INIT;

        if (user->quota > 0)
            ptn_unit_add_size(&quota, user->quota);
        ctl_table_row(&table,
                      (const char *[]){user->name, user->quota > 0
                                                       ? ptn_buf_cstr(&quota)
                                                       : "-"});
        ptn_buf_free(&quota);
    }
    ctl_table_print(&table);
    ctl_table_free(&table);
}

static int
list_users(const struct ctl *ctl, const struct ptn_directory_ops *directory,
           void *instance)
{
    struct list list = {NULL, 0, 0};
    enum ptn_status status = directory->iterate(instance, remember, &list);

    if (status == PTN_OK) {
        if (list.count > 0)
            qsort(list.users, list.count, sizeof *list.users, compare);
        (ctl->json ? print_json : print_list)(&list);
    } else {
        fputs("posternctl: the directory cannot be listed\n", stderr);
    }
    ptn_free(list.users);
    return status == PTN_OK ? CTL_OK : CTL_FAILED;
}

static int
user_list(const struct ctl *ctl)
{
    struct ptn_admin *admin = ptn_admin_open(ctl->config, stderr);
    int result = CTL_CONFIG;
    const void *ops;
    void *instance;

    if (!admin)
        return CTL_CONFIG;
    if (ptn_admin_find(admin, PTN_DIRECTORY_CONTRACT, PTN_DIRECTORY_VERSION,
                       &ops, &instance))
        result = list_users(ctl, ops, instance);
    else
        fputs("posternctl: no module in \"load\" has accounts\n", stderr);
    ptn_admin_close(admin);
    return result;
}

const struct ctl_command ctl_user_commands[] = {
    {.words = "user",
     .doc = "accounts",
     .about = "They work with any module that provides accounts which can be "
              "changed, such as\npasswd. The server need not run; a running "
              "one notices. A password is asked for\non the terminal, or else "
              "is the first line of standard input."},
    {.words = "user list",
     .fn = user_list,
     .flags = CTL_READS,
     .doc = "accounts and their quotas",
     .example = "posternctl user list"},
    {.words = "user add",
     .fn = user_add,
     .flags = CTL_READS | CTL_NO_JSON,
     .arguments = "NAME",
     .doc = "make an account; asks for its password",
     .options = (const struct ctl_option[]){{"quota", "SIZE",
                                             "how much mail it may keep"},
                                            {NULL, NULL, NULL}},
     .example = "posternctl user add anna@example.org --quota 2G"},
    {.words = "user password",
     .fn = user_password,
     .flags = CTL_READS | CTL_NO_JSON,
     .arguments = "USER",
     .doc = "change a password; asks for it",
     .example = "posternctl user password anna@example.org"},
    {.words = "user quota",
     .fn = user_quota,
     .flags = CTL_READS | CTL_NO_JSON,
     .arguments = "USER SIZE",
     .doc = "change a quota; 0 for none",
     .example = "posternctl user quota anna@example.org 500M"},
    {.words = "user delete",
     .fn = user_delete,
     .flags = CTL_READS | CTL_NO_JSON,
     .arguments = "USER",
     .doc = "remove an account; its mail stays",
     .example = "posternctl user delete anna@example.org"},
    {.words = "user convert",
     .fn = user_convert,
     .flags = CTL_READS | CTL_NO_JSON,
     .doc = "bring files of earlier releases to their present form",
     .example = "posternctl user convert"},
    {.words = NULL},
};
