/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Stand-ins for modules; see fixture.h.
 */
#include "tests/unit/conf/fixture.h"
#include <stdlib.h>
#include <unistd.h>

#define ROW(field, ...) PTN_OPTION(struct fixture_store, field, __VA_ARGS__)
static const struct ptn_option store_rows[] = {
    ROW(path, .type = PTN_OPT_PATH),
    ROW(size, .type = PTN_OPT_SIZE, .preset = "1M", .min = 1, .max = 1 << 30),
    ROW(password, .type = PTN_OPT_STRING, .flags = PTN_OPT_SECRET),
    PTN_OPTION_END,
};
#undef ROW

static const struct ptn_option queue_rows[] = {
    {.name = "path", .type = PTN_OPT_PATH, .flags = PTN_OPT_REQUIRED},
    PTN_OPTION_END,
};

#define ROW(field, ...) PTN_OPTION(struct fixture_echo, field, __VA_ARGS__)
static const struct ptn_option echo_rows[] = {
    ROW(shout, .type = PTN_OPT_BOOL, .preset = "false"),
    ROW(prompt, .type = PTN_OPT_STRING, .preset = "> "),
    PTN_OPTION_END,
};
#undef ROW

static int
echo_check(const void *options, struct ptn_error *err)
{
    const struct fixture_echo *echo = options;

    if (strcmp(echo->prompt, "bad") != 0)
        return 0;
    return ptn_error_set(err, PTN_ERR_CONFIG, "this prompt is bad");
}

static const struct ptn_protocol echo = {.size = sizeof echo,
                                         .name = "echo",
                                         .options = echo_rows,
                                         .options_size =
                                             sizeof(struct fixture_echo),
                                         .check = echo_check};
static const struct ptn_protocol other = {.size = sizeof other,
                                          .name = "other",
                                          .default_port = 7,
                                          .default_tls_port = 77};
static const struct ptn_protocol chat = {
    .size = sizeof chat, .name = "chat", .default_port = 9, .login = true};

void
fixture_bind(struct ptn_conf *conf)
{
    static const struct ptn_conf_protocol protocols[] = {
        {&echo, NULL, NULL}, {&other, NULL, NULL}, {&chat, NULL, NULL}};
    static const struct ptn_conf_services services = {
        .protocols = protocols,
        .protocol_count = PTN_COUNT(protocols),
        .has_tls = true,
        .capability = PTN_TLS_CAP_1_2 | PTN_TLS_CAP_1_3,
        .tls_name = "fakeTLS 1.0",
    };

    ptn_conf_bind(conf, &services);
    ptn_conf_finish(conf);
}

struct ptn_conf *
fixture_read(const char *file, unsigned flags,
             const struct fixture_store **store)
{
    struct ptn_conf *conf = ptn_conf_read(file, flags);
    const struct fixture_store *block = NULL;

    for (size_t i = 0; i < conf->load.count; i++) {
        if (strcmp(conf->load.items[i], "store") == 0)
            block = ptn_conf_block(conf, "store", store_rows, sizeof *block);
        else if (strcmp(conf->load.items[i], "queue") == 0)
            (void)ptn_conf_block(conf, "queue", queue_rows, sizeof(char *));
    }
    if (store)
        *store = block;
    fixture_bind(conf);
    return conf;
}

char *
fixture_notes(const char *file)
{
    struct ptn_conf *conf = fixture_read(file, 0, NULL);
    char *text;
    size_t size;
    FILE *to = open_memstream(&text, &size);

    ptn_conf_print_notes(conf, to);
    fclose(to);
    ptn_conf_free(conf);
    return text;
}

const char *
fixture_write(const char *text)
{
    char *path = strdup("/tmp/postern-conf-XXXXXX");
    int fd = mkstemp(path);

    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        abort();
    close(fd);
    return path;
}

void
fixture_remove(const char *path)
{
    unlink(path);
    free((char *)path);
}
