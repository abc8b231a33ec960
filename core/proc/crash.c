/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The handler of deadly signals. It runs on a stack of its own, as that of
 * the thread may be what has overflowed, allocates nothing, and takes no
 * lock: what it needs to know was written down before. Then the signal takes
 * its course, so that the kernel writes its core as without us.
 *
 * The table of files is written once, before threads exist, and only read
 * afterwards. Files that are opened later, such as the C library's character
 * sets, are not in it.
 */
#include "proc/crash.h"
#include "base/altstack.h"
#include "config.h"
#include "proc/blame.h"
#include "proc/machine.h"
#include <errno.h>
#include <link.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>
#ifdef HAVE_BACKTRACE
#include <execinfo.h>
#endif

enum {
    OBJECTS_MAX = 128,
    OWN_FRAMES = 8, /* of the handler itself, at the most */
};

/* One loaded file. Its name belongs to the dynamic linker: nothing is ever
 * unloaded. */
struct object {
    uintptr_t from, to, base;
    const char *path;
    const char *plugin; /* NULL: it is none */
};

static struct {
    int fd;
    void *stack; /* of the main thread's handlers */
    char process[16], group[32];
    struct object objects[OBJECTS_MAX];
    size_t count;
    char program[256]; /* the path of what runs */
    const char *folder;
    const struct ptn_strings *names;
} self = {.fd = -1};

static const int deadly[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

/* --- which file is it? --- */

static const struct object *
find_object(uintptr_t address)
{
    for (size_t i = 0; i < self.count; i++)
        if (address >= self.objects[i].from && address < self.objects[i].to)
            return &self.objects[i];
    return NULL;
}

/* The name in `load` that the file FOLDER/NAME.so stands for. */
static const char *
plugin_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t folder = slash ? (size_t)(slash - path) : 0;

    if (!slash || !self.folder || strlen(self.folder) != folder ||
        memcmp(path, self.folder, folder) != 0)
        return NULL;
    for (size_t i = 0; i < self.names->count; i++) {
        size_t len = strlen(self.names->items[i]);

        if (strncmp(slash + 1, self.names->items[i], len) == 0 &&
            strcmp(slash + 1 + len, ".so") == 0)
            return self.names->items[i];
    }
    return NULL;
}

static int
add_object(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct object o = {UINTPTR_MAX, 0, info->dlpi_addr, info->dlpi_name, NULL};

    (void)size;
    (void)arg;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t from = info->dlpi_addr + p->p_vaddr;

        if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
            continue;
        o.from = from < o.from ? from : o.from;
        o.to = from + p->p_memsz > o.to ? from + p->p_memsz : o.to;
    }
    if (!*o.path && self.count == 0) /* the program comes first */
        o.path = self.program;
    o.plugin = plugin_of(o.path);
    self.objects[self.count++] = o;
    return self.count == OBJECTS_MAX;
}

static void
map_files(void)
{
    ssize_t n =
        readlink("/proc/self/exe", self.program, sizeof self.program - 1);

    self.program[n > 0 ? n : 0] = '\0';
    self.count = 0;
    dl_iterate_phdr(add_object, NULL);
}

void
ptn_crash_map(const struct ptn_modules *modules)
{
    map_files();
    if (modules && self.count > 0)
        ptn_blame_learn(modules, self.objects[0].from, self.objects[0].to);
}

void
ptn_crash_each_file(void (*fn)(void *arg, const char *path), void *arg)
{
    for (size_t i = 0; i < self.count; i++)
        if (*self.objects[i].path == '/')
            fn(arg, self.objects[i].path);
}

/* --- what happened --- */

static void
copy_end(char *to, size_t size, const char *from)
{
    size_t len = strlen(from);

    if (len >= size)
        from += len - (size - 1);
    memcpy(to, from, len < size ? len + 1 : size);
}

static void
add_frame(struct ptn_report *r, uintptr_t address)
{
    const struct object *o = find_object(address);
    struct ptn_report_frame *f = &r->frames[r->count++];
    const char *plugin = o ? o->plugin : NULL;

    f->offset = address - (o ? o->base : 0);
    copy_end(f->path, sizeof f->path, o ? o->path : "");
    if (!plugin)
        plugin = ptn_blame_find(address);
    if (plugin && !*r->plugin)
        copy_end(r->plugin, sizeof r->plugin, plugin);
}

#ifdef HAVE_BACKTRACE
static int
walk(void **frames, int room)
{
    return backtrace(frames, room);
}
#else
static int
walk(void **frames, int room)
{
    (void)frames;
    (void)room;
    return 0;
}
#endif

void
ptn_crash_trace(struct ptn_report *r, const ucontext_t *context)
{
    void *frames[PTN_REPORT_FRAMES + OWN_FRAMES];
    int n = walk(frames, PTN_COUNT(frames)), first = n;
    uintptr_t pc = ptn_machine_pc(context);

    memcpy(r->process, self.process, sizeof r->process);
    memcpy(r->group, self.group, sizeof r->group);
    if (!find_object(pc)) /* it happened while files were loaded */
        map_files();
    for (int i = 0; i < n && first == n; i++)
        if ((uintptr_t)frames[i] == pc)
            first = i;
    if (first == n) { /* a jump into nowhere has no frame */
        add_frame(r, pc);
        first = n < 3 ? n : 3; /* this, the handler, the way into it */
    }
    for (int i = first; i < n && r->count < PTN_REPORT_FRAMES; i++)
        add_frame(r, (uintptr_t)frames[i]);
}

void
ptn_crash_set_group(const char *name)
{
    copy_end(self.group, sizeof self.group, name);
}

void
ptn_crash_send(const struct ptn_report *r)
{
    if (self.fd < 0)
        ptn_report_log(r);
    else
        (void)!send(self.fd, r, sizeof *r, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void
ptn_crash_send_text(struct ptn_slice state)
{
    uint32_t kind = PTN_REPORT_STATE;
    struct iovec parts[2] = {{&kind, sizeof kind},
                             {(void *)(uintptr_t)state.data, state.len}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

    if (state.len > PTN_REPORT_STATE_MAX)
        parts[1].iov_len = PTN_REPORT_STATE_MAX;
    if (self.fd >= 0 &&
        sendmsg(self.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        ptn_log(PTN_LOG_WARNING, "sandbox.state-not-told",
                PTN_FS("error", strerror(errno)));
}

static void
on_crash(int number, siginfo_t *info, void *context)
{
    struct ptn_report report = {.kind = PTN_REPORT_CRASH, .number = number};

    if (number != SIGABRT)
        report.detail = (uintptr_t)info->si_addr;
    ptn_crash_trace(&report, context);
    ptn_crash_send(&report);
    raise(number); /* its handler is gone: this is the end */
}

void
ptn_crash_watch(int fd, const char *process, const char *folder,
                const struct ptn_strings *names)
{
    struct sigaction action = {
        .sa_sigaction = on_crash,
        .sa_flags = (int)(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND)};
    void *one[1];

    copy_end(self.process, sizeof self.process, process);
    self.fd = fd;
    self.folder = folder;
    self.names = names;
    if (!self.stack) /* a child has its parent's already */
        self.stack = ptn_altstack_open();
    (void)walk(one, 1); /* loads what it needs now */
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < PTN_COUNT(deadly); i++)
        sigdelset(&action.sa_mask, deadly[i]);
    for (size_t i = 0; i < PTN_COUNT(deadly); i++)
        sigaction(deadly[i], &action, NULL);
}
