/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The main of a fuzz target where there is no libFuzzer: runs it on each file
 * of its corpus, tests/fuzz/corpus/NAME, and on every beginning of the shorter
 * ones. An input ends where an unreadable page begins, so that reading one
 * octet too far ends the process, with or without a sanitizer. Output is TAP.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define INPUT_MAX (4u << 20)  /* octets read of a corpus file */
#define PREFIX_MAX (8u << 10) /* files up to this size are also cut short */
#define PREFIXES_MAX 512u     /* and at this many places, evenly spread */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The page that follows the room for an input. */
static uint8_t *
guard_page(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *room = mmap(NULL, INPUT_MAX + page, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (room == MAP_FAILED || mprotect(room + INPUT_MAX, page, PROT_NONE) < 0)
        err(1, "mmap");
    return room + INPUT_MAX;
}

static void
run(const uint8_t *data, size_t size, uint8_t *guard)
{
    memcpy(guard - size, data, size);
    LLVMFuzzerTestOneInput(guard - size, size);
}

static size_t
read_file(const char *path, uint8_t *into)
{
    FILE *f = fopen(path, "rb");

    if (f == NULL)
        err(1, "%s", path);
    size_t size = fread(into, 1, INPUT_MAX, f);
    if (ferror(f))
        err(1, "%s", path);
    fclose(f);
    return size;
}

static void
replay_file(const char *path, uint8_t *data, uint8_t *guard)
{
    size_t size = read_file(path, data);
    size_t step = size / PREFIXES_MAX + 1;

    if (size <= PREFIX_MAX)
        for (size_t cut = 0; cut < size; cut += step)
            run(data, cut, guard);
    run(data, size, guard);
}

/* Replays all files of a folder and returns how many there were. */
static unsigned
replay_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    uint8_t *data = malloc(INPUT_MAX);
    uint8_t *guard = guard_page();
    struct dirent *entry;
    unsigned count = 0;
    char path[4096];

    if (dir == NULL || data == NULL)
        err(1, "%s", folder);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        if (snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >=
            (int)sizeof path)
            errx(1, "%s: too long", folder);
        printf("# %s\n", entry->d_name); /* the last one seen is to blame */
        fflush(stdout);
        replay_file(path, data, guard);
        count++;
    }
    closedir(dir);
    free(data);
    return count;
}

int
main(int argc, char **argv)
{
    const char *source = getenv("top_srcdir");
    const char *name = strrchr(argv[0], '/');
    char folder[4096];

    name = name != NULL ? name + 1 : argv[0];
    if (strncmp(name, "lt-", 3) == 0)
        name += 3;
    snprintf(folder, sizeof folder, "%s/tests/fuzz/corpus/%s",
             source != NULL ? source : ".", name);
    if (argc > 1)
        snprintf(folder, sizeof folder, "%s", argv[1]);
    unsigned count = replay_folder(folder);
    printf("%s 1 - %s replays %u files of its corpus\n1..1\n",
           count > 0 ? "ok" : "not ok", name, count);
    return count > 0 ? 0 : 1;
}
