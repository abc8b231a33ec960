/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which folders each path leads through, and what happens in them. One
 * thread at a time.
 *
 * A path is walked as the kernel walks it. Each folder on the way is watched
 * for its own end; for what happens inside only where that matters: where a
 * symbolic link stands, or the file, or where something is missing. So a busy
 * /tmp on the way wakes nobody.
 *
 *   file --steps--> (folder, name) <--event-- kernel
 *
 * Invariants: a folder is watched before it is looked into, so that nothing
 * is missed in between. A need is in the map as long as a file has it, and a
 * folder is watched as long as it has a need.
 */
#include "pki/watch.h"
#include "base/map.h"
#include <errno.h>
#include <limits.h>
#include <postern/arena.h>
#include <postern/buf.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LINKS_MAX = 40, /* as many as the kernel follows */
    ITSELF = IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR,
    INSIDE = IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO |
             IN_DELETE | IN_ATTRIB,
    ROOM = 16384, /* octets of events that are read at once */
};

struct folder {
    int wd;
    char *path;
    uint32_t events;
    size_t needs;
};

/* What becomes of a name in a folder concerns some files; the name "": what
 * becomes of the folder. */
struct need {
    struct folder *folder;
    char *key; /* the path of the folder, "/", the name */
    size_t *files;
    size_t count;
};

/* What tells one state of a file from another. */
struct state {
    int error; /* errno; 0: it is there */
    dev_t device;
    ino_t inode;
    mode_t mode;
    off_t size;
    struct timespec modified, changed;
};

struct file {
    char *path;
    size_t owner;
    struct state state;
    struct need **needs;
    size_t need_count;
    bool suspect; /* to be looked at */
    bool moved;   /* its path may lead elsewhere */
    bool known;   /* it has been looked at */
};

struct ptn_file_watch {
    int fd;
    size_t most;
    struct file *files;
    size_t count;
    size_t *suspects; /* each once */
    size_t suspect_count;
    struct ptn_map by_wd;   /* -> struct folder */
    struct ptn_map by_path; /* the same */
    struct ptn_map needs;   /* by key -> struct need */
    size_t unwatched;
    int why; /* errno of the last that could not be watched */
};

struct ptn_file_watch *
ptn_file_watch_new(size_t folders)
{
    struct ptn_file_watch *w = ptn_alloc(sizeof *w);

    w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    w->why = w->fd < 0 ? errno : 0;
    w->most = folders;
    w->by_wd = w->by_path = w->needs = PTN_MAP_INIT;
    return w;
}

int
ptn_file_watch_fd(const struct ptn_file_watch *w)
{
    return w->fd;
}

size_t
ptn_file_watch_folders(const struct ptn_file_watch *w)
{
    return w->by_wd.count;
}

size_t
ptn_file_watch_unwatched(const struct ptn_file_watch *w, const char **why)
{
    *why = strerrordesc_np(w->why);
    return w->unwatched;
}

static void
suspect(struct ptn_file_watch *w, size_t file)
{
    if (w->files[file].suspect)
        return;
    w->files[file].suspect = true;
    w->suspects[w->suspect_count++] = file;
}

static void
suspect_all(struct ptn_file_watch *w)
{
    for (size_t i = 0; i < w->count; i++)
        suspect(w, i);
}

void
ptn_file_watch_add(struct ptn_file_watch *w, const char *path, size_t owner)
{
    w->files = ptn_realloc(w->files, (w->count + 1) * sizeof *w->files);
    w->suspects =
        ptn_realloc(w->suspects, (w->count + 1) * sizeof *w->suspects);
    w->files[w->count] =
        (struct file){.path = ptn_strdup(path), .owner = owner, .moved = true};
    suspect(w, w->count++);
}

/* --- folders --- */

static struct ptn_slice
key_of(const int *wd)
{
    return (struct ptn_slice){(const char *)wd, sizeof *wd};
}

static void
forget_folder(struct ptn_file_watch *w, struct folder *f)
{
    if (f->wd >= 0) {
        (void)ptn_map_remove(&w->by_wd, key_of(&f->wd));
        (void)inotify_rm_watch(w->fd, f->wd);
    } else {
        w->unwatched--;
    }
    (void)ptn_map_remove(&w->by_path, ptn_slice_of(f->path));
    ptn_free(f->path);
    ptn_free(f);
}

/* A path that leads to a folder which is watched under another one shares
 * its number: two names of a mount, say. The kernel tells each once, so the
 * first has it and the other is looked at every now and then. */
static void
watch_folder(struct ptn_file_watch *w, struct folder *f, uint32_t events)
{
    struct folder *other;
    int wd;

    if (f->wd >= 0 && (f->events & events) == events)
        return;
    if (f->wd < 0 && (w->fd < 0 || w->by_wd.count >= w->most)) {
        w->why = w->fd < 0 ? w->why : ENOSPC;
        return;
    }
    f->events |= events;
    wd = inotify_add_watch(w->fd, f->path, f->events | IN_MASK_ADD);
    other = wd >= 0 ? ptn_map_get(&w->by_wd, key_of(&wd)) : NULL;
    if (wd < 0)
        w->why = errno;
    if (wd < 0 || other)
        return;
    if (f->wd < 0)
        w->unwatched--;
    else /* the folder is another one by now */
        (void)ptn_map_remove(&w->by_wd, key_of(&f->wd));
    f->wd = wd;
    ptn_map_put(&w->by_wd, key_of(&f->wd), f);
}

static struct folder *
folder_at(struct ptn_file_watch *w, const char *path)
{
    struct folder *f = ptn_map_get(&w->by_path, ptn_slice_of(path));

    if (f)
        return f;
    f = ptn_alloc(sizeof *f);
    f->wd = -1;
    f->path = ptn_strdup(path);
    f->events = ITSELF;
    w->unwatched++;
    ptn_map_put(&w->by_path, ptn_slice_of(f->path), f);
    return f;
}

/* --- needs --- */

static struct need *
need_at(struct ptn_file_watch *w, const char *folder, const char *name)
{
    struct ptn_buf key = PTN_BUF_INIT;
    struct need *n;

    ptn_buf_printf(&key, "%s/%s", folder, name);
    n = ptn_map_get(&w->needs, ptn_buf_slice(&key));
    if (!n) {
        n = ptn_alloc(sizeof *n);
        n->key = ptn_strdup(ptn_buf_cstr(&key));
        n->folder = folder_at(w, folder);
        n->folder->needs++;
        ptn_map_put(&w->needs, ptn_slice_of(n->key), n);
    }
    ptn_buf_free(&key);
    return n;
}

/* `file` depends on what becomes of the name, or ("") of the folder. */
static void
add_need(struct ptn_file_watch *w, size_t file, const char *folder,
         const char *name)
{
    struct need *n = need_at(w, folder, name);
    struct file *f = &w->files[file];

    watch_folder(w, n->folder, *name ? ITSELF | INSIDE : ITSELF);
    for (size_t i = 0; i < f->need_count; i++)
        if (f->needs[i] == n)
            return;
    f->needs = ptn_realloc(f->needs, (f->need_count + 1) * sizeof *f->needs);
    f->needs[f->need_count++] = n;
    n->files = ptn_realloc(n->files, (n->count + 1) * sizeof *n->files);
    n->files[n->count++] = file;
}

static void
drop_need(struct ptn_file_watch *w, struct need *n, size_t file)
{
    size_t i = 0;

    while (n->files[i] != file)
        i++;
    n->files[i] = n->files[--n->count];
    if (n->count > 0)
        return;
    (void)ptn_map_remove(&w->needs, ptn_slice_of(n->key));
    if (--n->folder->needs == 0)
        forget_folder(w, n->folder);
    ptn_free(n->files);
    ptn_free(n->key);
    ptn_free(n);
}

static void
drop_needs(struct ptn_file_watch *w, struct need **needs, size_t count,
           size_t file)
{
    for (size_t i = 0; i < count; i++)
        drop_need(w, needs[i], file);
    ptn_free(needs);
}

void
ptn_file_watch_free(struct ptn_file_watch *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->count; i++) {
        drop_needs(w, w->files[i].needs, w->files[i].need_count, i);
        ptn_free(w->files[i].path);
    }
    if (w->fd >= 0)
        close(w->fd);
    ptn_map_free(&w->by_wd);
    ptn_map_free(&w->by_path);
    ptn_map_free(&w->needs);
    ptn_free(w->files);
    ptn_free(w->suspects);
    ptn_free(w);
}

/* --- walking --- */

/* Where a walk is: a folder without symbolic links in its path ("" is the
 * root), and what is left to go. */
struct walk {
    char at[PATH_MAX], rest[PATH_MAX];
    unsigned links;
};

/* The next name of what is left; false: there is none. */
static bool
take_name(struct walk *walk, char name[NAME_MAX + 1])
{
    const char *begin = walk->rest + strspn(walk->rest, "/");
    size_t len = strcspn(begin, "/");

    if (len == 0 || len > NAME_MAX)
        return false;
    memcpy(name, begin, len);
    name[len] = '\0';
    memmove(walk->rest, begin + len, strlen(begin + len) + 1);
    return true;
}

static void
go_up(struct walk *walk)
{
    char *slash = strrchr(walk->at, '/');

    if (slash)
        *slash = '\0';
}

/* Goes on where the link points to. False: it leads nowhere. */
static bool
follow(struct walk *walk, const char *link)
{
    char target[PATH_MAX], rest[PATH_MAX];
    ssize_t n = readlink(link, target, sizeof target - 1);

    if (n <= 0 || ++walk->links > LINKS_MAX)
        return false;
    target[n] = '\0';
    if (*target == '/')
        walk->at[0] = '\0';
    strcpy(rest, walk->rest);
    return snprintf(walk->rest, sizeof walk->rest, "%s/%s", target, rest) <
           (int)sizeof walk->rest;
}

/* One step. False: the walk is at its end, wherever that is. */
static bool
go_on(struct ptn_file_watch *w, size_t file, struct walk *walk)
{
    char name[NAME_MAX + 1], path[PATH_MAX + NAME_MAX + 2];
    const char *folder = *walk->at ? walk->at : "/";
    struct stat st;

    if (!take_name(walk, name))
        return false;
    if (strcmp(name, ".") == 0)
        return true;
    if (strcmp(name, "..") == 0) {
        go_up(walk);
        return true;
    }
    add_need(w, file, folder, ""); /* before the look */
    snprintf(path, sizeof path, "%s/%s", walk->at, name);
    if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        if (strlen(path) >= sizeof walk->at)
            return false;
        strcpy(walk->at, path);
        return true;
    }
    add_need(w, file, folder, name);
    return lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && follow(walk, path);
}

/* Finds out what the file depends on. What it did not depend on before
 * stays watched in between: old needs go last. */
static void
walk(struct ptn_file_watch *w, size_t file)
{
    struct file *f = &w->files[file];
    struct need **before = f->needs;
    size_t count = f->need_count;
    struct walk walk = {.links = 0};

    f->needs = NULL;
    f->need_count = 0;
    snprintf(walk.rest, sizeof walk.rest, "%s", f->path);
    while (go_on(w, file, &walk))
        ;
    drop_needs(w, before, count, file);
}

/* --- looking --- */

static void
look_at(const char *path, struct state *out)
{
    struct stat st;

    *out = (struct state){.error = 0};
    if (stat(path, &st) != 0) {
        out->error = errno;
        return;
    }
    out->device = st.st_dev;
    out->inode = st.st_ino;
    out->mode = st.st_mode;
    out->size = st.st_size;
    out->modified = st.st_mtim;
    out->changed = st.st_ctim;
}

static bool
same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool
is_same(const struct state *a, const struct state *b)
{
    return a->error == b->error && a->device == b->device &&
           a->inode == b->inode && a->mode == b->mode && a->size == b->size &&
           same_time(&a->modified, &b->modified) &&
           same_time(&a->changed, &b->changed);
}

/* Whether it has changed since the last look. What nobody has told of, as no
 * folder on its way may be watched, is walked when it has. */
static bool
look(struct ptn_file_watch *w, size_t file)
{
    struct file *f = &w->files[file];
    struct state now;
    bool changed;

    if (f->moved) /* before the look, so that nothing is missed */
        walk(w, file);
    look_at(f->path, &now);
    changed = f->known && !is_same(&f->state, &now);
    if (changed && !f->moved) {
        walk(w, file);
        look_at(f->path, &now);
    }
    f->state = now;
    f->known = true;
    f->suspect = f->moved = false;
    return changed;
}

size_t
ptn_file_watch_look(struct ptn_file_watch *w, bool all,
                    void (*changed)(void *arg, size_t owner), void *arg)
{
    size_t count = 0;

    if (all)
        suspect_all(w);
    for (size_t i = 0; i < w->suspect_count; i++) {
        if (!look(w, w->suspects[i]))
            continue;
        changed(arg, w->files[w->suspects[i]].owner);
        count++;
    }
    w->suspect_count = 0;
    return count;
}

/* --- events --- */

/* Answers whether any file is concerned. */
static bool
suspect_all_of(struct ptn_file_watch *w, const struct folder *f,
               const char *name)
{
    struct ptn_buf key = PTN_BUF_INIT;
    const struct need *n;

    ptn_buf_printf(&key, "%s/%s", f->path, name);
    n = ptn_map_get(&w->needs, ptn_buf_slice(&key));
    ptn_buf_free(&key);
    for (size_t i = 0; n && i < n->count; i++) {
        suspect(w, n->files[i]);
        w->files[n->files[i]].moved = true;
    }
    return n && n->count > 0;
}

/* The folder is gone, or elsewhere: its number means nothing any more. */
static void
lose_folder(struct ptn_file_watch *w, struct folder *f)
{
    (void)ptn_map_remove(&w->by_wd, key_of(&f->wd));
    (void)inotify_rm_watch(w->fd, f->wd);
    f->wd = -1;
    w->unwatched++;
}

static bool
take_event(struct ptn_file_watch *w, const struct inotify_event *e)
{
    struct folder *f;
    bool concerns;

    if (e->mask & IN_Q_OVERFLOW) {
        suspect_all(w);
        return w->count > 0;
    }
    f = ptn_map_get(&w->by_wd, key_of(&e->wd));
    if (!f)
        return false;
    if (!(e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)))
        return e->len > 0 && suspect_all_of(w, f, e->name);
    concerns = suspect_all_of(w, f, "");
    lose_folder(w, f);
    return concerns;
}

bool
ptn_file_watch_read(struct ptn_file_watch *w)
{
    _Alignas(struct inotify_event) char events[ROOM];
    bool concerns = false;
    ssize_t n;

    while (w->fd >= 0 && (n = read(w->fd, events, sizeof events)) > 0) {
        const char *at = events;

        while (at < events + n) {
            const struct inotify_event *e = (const void *)at;

            concerns = take_event(w, e) || concerns;
            at += sizeof *e + e->len;
        }
    }
    return concerns;
}
