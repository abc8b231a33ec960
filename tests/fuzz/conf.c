/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Fuzz target: the configuration file. Whatever it holds, reading it ends,
 * with notes or without; and a file without notes is one that has all that
 * a server needs.
 */
#include "conf/conf.h"
#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ptn_option rows[] = {
    {.name = "size", .type = PTN_OPT_SIZE, .offset = 0},
    {.name = "path", .type = PTN_OPT_PATH, .offset = 8},
    {.name = "list", .type = PTN_OPT_STRINGS, .offset = 16},
    PTN_OPTION_END,
};
static const struct ptn_protocol echo = {
    .size = sizeof echo, .name = "echo", .default_port = 7};

static void
read_all(const char *path, FILE *sink)
{
    static const struct ptn_conf_protocol protocols[] = {{&echo, NULL, NULL}};
    static const struct ptn_conf_services services = {
        .protocols = protocols,
        .protocol_count = 1,
        .has_tls = true,
        .capability = ~0u,
        .tls_name = "fuzz",
    };
    struct ptn_conf *conf = ptn_conf_read(path, PTN_CONF_RECORD);

    (void)ptn_conf_block(conf, "store", rows, 32);
    ptn_conf_bind(conf, &services);
    ptn_conf_finish(conf);
    ptn_conf_print_notes(conf, sink);
    ptn_conf_print_values(conf, sink);
    for (size_t i = 0; !ptn_conf_failed(conf) && i < conf->listener_count;
         i++) {
        const struct ptn_listener_conf *l = &conf->listeners[i];

        assert(l->protocol && l->address_count > 0);
        assert(l->tls.mode == PTN_TLS_NONE || l->tls.certs[0]);
    }
    ptn_conf_free(conf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("conf", MFD_CLOEXEC);
    FILE *sink = fopen("/dev/null", "w");
    char path[32];

    if (fd >= 0 && sink && write(fd, data, size) == (ssize_t)size) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        read_all(path, sink);
    }
    if (sink)
        fclose(sink);
    close(fd);
    return 0;
}
