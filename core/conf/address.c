/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The addresses that listeners open. One thread.
 */
#include "conf/walk.h"
#include <arpa/inet.h>

/* "[::1]" without its brackets, or `text` itself, into `host`. */
static bool
copy_host(struct ptn_slice text, char *host, size_t size)
{
    if (text.len >= 2 && text.data[0] == '[' && text.data[text.len - 1] == ']')
        text = ptn_slice_sub(text, 1, text.len - 2);
    if (text.len == 0 || text.len >= size)
        return false;
    memcpy(host, text.data, text.len);
    host[text.len] = '\0';
    return true;
}

static bool
is_numeric(const char *host, bool brackets)
{
    struct in6_addr six;
    struct in_addr four;

    if (brackets)
        return inet_pton(AF_INET6, host, &six) == 1;
    return strcmp(host, "*") == 0 || inet_pton(AF_INET, host, &four) == 1;
}

/* What is wrong with `text`, or NULL. `port` stays 0 when it has none. */
static const char *
parse(const char *text, struct ptn_address_conf *out)
{
    const char *bracket = strchr(text, ']');
    const char *colon = strrchr(bracket ? bracket : text, ':');
    struct ptn_slice host = ptn_slice_of(text);
    uint64_t port = 0;

    if (text[0] != '[' && strchr(text, ':') != colon)
        return "write an IPv6 address in brackets: \"[::1]:25\"";
    if (colon) {
        host.len = (size_t)(colon - text);
        if (!ptn_slice_to_u64(ptn_slice_of(colon + 1), 65535, &port) ||
            port == 0)
            return "the port is a number from 1 to 65535";
    }
    if (!colon && text[0] && strspn(text, "0123456789") == strlen(text))
        return "a port alone is not an address; write \"*:PORT\" for all";
    if (!copy_host(host, out->host, sizeof out->host) ||
        !is_numeric(out->host, text[0] == '['))
        return "the address is \"*\" or a number, such as \"127.0.0.1\" or "
               "\"[::1]\"";
    out->port = (uint16_t)port;
    return NULL;
}

static void
preset_port(struct ptn_conf *conf, const struct ptn_listener_conf *l,
            const char *path, struct ptn_address_conf *address)
{
    bool implicit = l->tls.mode == PTN_TLS_IMPLICIT;

    if (address->port != 0 || !l->protocol)
        return;
    address->port =
        implicit ? l->protocol->default_tls_port : l->protocol->default_port;
    if (address->port == 0)
        ptn_conf_error_at(conf, path,
                          "\"%s\" needs a port: this protocol has no usual "
                          "one%s",
                          address->host, implicit ? " with implicit TLS" : "");
}

static const char *
listen_of(struct ptn_conf *conf, const struct ptn_listener_conf *l)
{
    return ptn_conf_path(conf, ptn_conf_path(conf, "listeners", l->name),
                         "listen");
}

static void
read_listener(struct ptn_conf *conf, struct ptn_listener_conf *l)
{
    struct ptn_address_conf *list =
        ptn_arena_alloc(&conf->arena, (l->listen.count + 1) * sizeof *list);
    const char *path = listen_of(conf, l);

    if (ptn_conf_is_noted(conf, ptn_conf_path_place(conf, path), path))
        return; /* the default stands in for what is wrong */
    for (size_t i = 0; i < l->listen.count; i++) {
        struct ptn_address_conf *address = &list[l->address_count];
        const char *wrong = parse(l->listen.items[i], address);

        if (wrong) {
            ptn_conf_error_at(conf, path, "\"%s\": %s", l->listen.items[i],
                              wrong);
            continue;
        }
        preset_port(conf, l, path, address);
        l->address_count++;
    }
    l->addresses = list;
    if (l->listen.count == 0 && !l->broken)
        ptn_conf_error_at(conf, path, "at least one address is needed");
}

/* Whether both cannot be bound at once. "*" takes IPv4 and IPv6. */
static bool
collide(const struct ptn_address_conf *a, const struct ptn_address_conf *b)
{
    bool six_a = strchr(a->host, ':') != NULL;
    bool six_b = strchr(b->host, ':') != NULL;

    if (a->port != b->port || a->port == 0)
        return false;
    if (strcmp(a->host, "*") == 0 || strcmp(b->host, "*") == 0)
        return true;
    if (six_a != six_b)
        return false;
    return strcmp(a->host, b->host) == 0 ||
           strcmp(a->host, six_a ? "::" : "0.0.0.0") == 0 ||
           strcmp(b->host, six_a ? "::" : "0.0.0.0") == 0;
}

void
ptn_conf_address_text(const struct ptn_address_conf *a, char *out, size_t size)
{
    bool six = strchr(a->host, ':') != NULL;

    snprintf(out, size, "%s%s%s:%u", six ? "[" : "", a->host, six ? "]" : "",
             a->port);
}

static void
note_collision(struct ptn_conf *conf, const struct ptn_listener_conf *first,
               const struct ptn_address_conf *a,
               const struct ptn_listener_conf *second,
               const struct ptn_address_conf *b)
{
    char one[80], two[80];

    ptn_conf_address_text(a, one, sizeof one);
    ptn_conf_address_text(b, two, sizeof two);
    ptn_conf_error_at(conf, listen_of(conf, second),
                      "\"%s\" collides with \"%s\" of listeners.%s (line %d)",
                      two, one, first->name,
                      ptn_conf_path_place(conf, listen_of(conf, first)).line);
}

static void
compare(struct ptn_conf *conf, const struct ptn_listener_conf *first,
        const struct ptn_listener_conf *second)
{
    for (size_t i = 0; i < second->address_count; i++) {
        size_t end = first == second ? i : first->address_count;

        for (size_t j = 0; j < end; j++)
            if (collide(&first->addresses[j], &second->addresses[i]))
                note_collision(conf, first, &first->addresses[j], second,
                               &second->addresses[i]);
    }
}

static void
read_proxies(struct ptn_conf *conf, struct ptn_listener_conf *l)
{
    struct ptn_cidr *list =
        ptn_arena_alloc(&conf->arena, (l->proxy_from.count + 1) * sizeof *list);
    const char *path = ptn_conf_path(
        conf, ptn_conf_path(conf, "listeners", l->name), "proxy_from");

    for (size_t i = 0; i < l->proxy_from.count; i++) {
        const char *text = l->proxy_from.items[i];
        const char *wrong = ptn_cidr_parse(text, &list[i]);

        if (wrong)
            ptn_conf_error_at(conf, path, "\"%s\": %s", text, wrong);
    }
    l->proxies = list;
}

void
ptn_conf_read_addresses(struct ptn_conf *conf)
{
    for (size_t i = 0; i < conf->listener_count; i++)
        read_proxies(conf, &conf->listeners[i]);
    for (size_t i = 0; i < conf->listener_count; i++)
        read_listener(conf, &conf->listeners[i]);
    for (size_t i = 0; i < conf->listener_count; i++)
        for (size_t j = 0; j <= i; j++)
            compare(conf, &conf->listeners[j], &conf->listeners[i]);
}
