/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Segments for reading: a descriptor a segment, counted, and a bounded
 * number of idle ones kept. Whoever holds one can read the segment even
 * after compaction has removed its name. Any thread.
 */
#include "vault.h"

#include <errno.h>
#include <fcntl.h>
#include <postern/arena.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct vault_segment_file {
    struct vault_segment_file *next; /* most recently used first */
    uint32_t segment;
    unsigned refs;
    int fd;
    bool dropped; /* to be closed with its last reference */
};

void
vault_segments_init(struct vault *v)
{
    pthread_mutex_init(&v->segments.lock, NULL);
}

static void
file_free(struct vault_segment_file *f)
{
    close(f->fd);
    ptn_free(f);
}

void
vault_segments_deinit(struct vault *v)
{
    struct vault_segment_file *f;

    while ((f = v->segments.first)) {
        assert(f->refs == 0);
        v->segments.first = f->next;
        file_free(f);
    }
    pthread_mutex_destroy(&v->segments.lock);
}

const char *
vault_segment_name(uint32_t segment, char *into)
{
    snprintf(into, 16, "%08u.log", segment);
    return into;
}

static struct vault_segment_file *
unlink_file(struct vault *v, uint32_t segment)
{
    struct vault_segment_file **at, *f;

    for (at = &v->segments.first; (f = *at); at = &f->next) {
        if (f->segment != segment)
            continue;
        *at = f->next;
        v->segments.count--;
        return f;
    }
    return NULL;
}

static void
link_file(struct vault *v, struct vault_segment_file *f)
{
    f->next = v->segments.first;
    v->segments.first = f;
    v->segments.count++;
}

static bool
is_removed(const struct vault_segment_file *f)
{
    struct stat st;

    return fstat(f->fd, &st) == 0 && st.st_nlink == 0;
}

/* With the lock held: closes idle ones beyond what is kept, those that were
 * not used for longest, and those whose file was removed. */
static void
trim(struct vault *v)
{
    struct vault_segment_file **at = &v->segments.first, *f;
    unsigned kept = 0;

    while ((f = *at)) {
        if (f->refs > 0 ||
            (kept++ < VAULT_SEGMENTS_OPEN_MAX && !is_removed(f))) {
            at = &f->next;
            continue;
        }
        *at = f->next;
        v->segments.count--;
        file_free(f);
    }
}

static struct vault_segment_file *
file_open(struct vault *v, uint32_t segment)
{
    char name[16];
    int fd = openat(v->segment_dir, vault_segment_name(segment, name),
                    O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct vault_segment_file *f;

    if (fd < 0)
        return NULL;
    f = ptn_alloc(sizeof(*f));
    f->segment = segment;
    f->fd = fd;
    return f;
}

struct vault_segment_file *
vault_segment_ref(struct vault *v, uint32_t segment)
{
    struct vault_segment_file *f;

    pthread_mutex_lock(&v->segments.lock);
    f = unlink_file(v, segment);
    if (!f) {
        f = file_open(v, segment);
        trim(v);
    }
    if (f) {
        f->refs++;
        link_file(v, f);
    }
    pthread_mutex_unlock(&v->segments.lock);
    return f;
}

void
vault_segment_unref(struct vault *v, struct vault_segment_file *f)
{
    pthread_mutex_lock(&v->segments.lock);
    assert(f->refs > 0);
    f->refs--;
    if (f->dropped && f->refs == 0)
        file_free(f);
    pthread_mutex_unlock(&v->segments.lock);
}

int
vault_segment_fd(const struct vault_segment_file *f)
{
    return f->fd;
}

void
vault_segments_sweep(struct vault *v)
{
    pthread_mutex_lock(&v->segments.lock);
    trim(v);
    pthread_mutex_unlock(&v->segments.lock);
}

void
vault_segment_drop(struct vault *v, uint32_t segment)
{
    struct vault_segment_file *f;

    pthread_mutex_lock(&v->segments.lock);
    f = unlink_file(v, segment);
    if (f) {
        f->dropped = true;
        if (f->refs == 0)
            file_free(f);
    }
    pthread_mutex_unlock(&v->segments.lock);
}
