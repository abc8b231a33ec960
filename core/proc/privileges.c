/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * User and group numbers of the process. Main thread, before any other.
 */
#include "proc/privileges.h"
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int
find(const char *user, struct passwd **out, struct ptn_error *err)
{
    errno = 0;
    *out = getpwnam(user);
    if (*out)
        return 0;
    return ptn_error_set(err, PTN_ERR_CONFIG,
                         "server.user: there is no user \"%s\"", user);
}

bool
ptn_privileges_known(const char *user)
{
    return getpwnam(user) != NULL;
}

static bool
is_needed(const char *user)
{
    return user && getuid() == 0;
}

int
ptn_privileges_drop(const char *user, struct ptn_error *err)
{
    struct passwd *pw;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return ptn_error_errno(err, "prctl(PR_SET_NO_NEW_PRIVS)");
    if (!is_needed(user))
        return 0;
    if (find(user, &pw, err) != 0)
        return -1;
    if (initgroups(pw->pw_name, pw->pw_gid) != 0 ||
        setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) != 0 ||
        setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) != 0)
        return ptn_error_errno(err, "cannot become user %s", user);
    if (pw->pw_uid != 0 && setuid(0) == 0)
        return ptn_error_set(err, PTN_ERR_SYSTEM,
                             "user %s can become root again", user);
    return 0;
}

int
ptn_privileges_borrow(const char *user, struct ptn_error *err)
{
    struct passwd *pw;

    if (!is_needed(user))
        return 0;
    if (find(user, &pw, err) != 0)
        return -1;
    if (initgroups(pw->pw_name, pw->pw_gid) != 0 || setegid(pw->pw_gid) != 0 ||
        seteuid(pw->pw_uid) != 0)
        return ptn_error_errno(err, "cannot become user %s", user);
    return 0;
}

void
ptn_privileges_return(void)
{
    if (getuid() != 0)
        return;
    (void)!seteuid(0); /* cannot fail for the real user */
    (void)!setegid(0);
    (void)!initgroups("root", 0);
}

int
ptn_privileges_give(const char *path, const char *user, struct ptn_error *err)
{
    struct passwd *pw;
    struct stat st;

    if (!is_needed(user))
        return 0;
    if (find(user, &pw, err) != 0)
        return -1;
    if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != 0 ||
        pw->pw_uid == 0)
        return 0;
    if (lchown(path, pw->pw_uid, pw->pw_gid) != 0)
        return ptn_error_errno(err, "%s cannot be given to %s", path, user);
    return 0;
}
