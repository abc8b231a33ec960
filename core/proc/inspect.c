/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Modules as they are loaded from a configuration, and who uses which. Main
 * thread.
 */
#include "proc/inspect.h"
#include "proc/plan.h"
#include <postern/directory.h>

static void
add_contracts(struct ptn_buf *out, const char *key,
              const struct ptn_contract *table)
{
    struct ptn_buf text = PTN_BUF_INIT;

    for (; table && table->name; table++)
        ptn_buf_printf(&text, "%s%s/%u", text.len ? "," : "", table->name,
                       table->version);
    ptn_record_add(out, key, ptn_buf_cstr(&text));
    ptn_buf_free(&text);
}

struct walk {
    const struct ptn_setup *setup;
    struct ptn_buf *out;
};

static void
write_module(void *arg, const struct ptn_module *m)
{
    const struct walk *w = arg;
    struct ptn_buf text = PTN_BUF_INIT;

    ptn_buf_adds(w->out, "module");
    ptn_record_add(w->out, "name", m->name);
    ptn_record_add(w->out, "version", m->version);
    ptn_record_add(w->out, "license", m->license);
    ptn_buf_printf(&text, "%u.%u", m->abi_major, m->abi_minor);
    ptn_record_add(w->out, "abi", ptn_buf_cstr(&text));
    add_contracts(w->out, "needs", m->needs);
    add_contracts(w->out, "provides", m->provides);
    text.len = 0;
    ptn_buf_printf(&text, "%s/%s.so", w->setup->conf->server.module_path,
                   m->name);
    ptn_record_add(w->out, "file", ptn_buf_cstr(&text));
    ptn_record_add(w->out, "doc", m->doc ? m->doc : "");
    ptn_buf_addc(w->out, '\n');
    ptn_buf_free(&text);
}

static void
write_uses(const struct ptn_setup *setup, const struct ptn_listener_conf *l,
           struct ptn_buf *out)
{
    static const char *const with_tls[] = {PTN_TLS_CONTRACT,
                                           PTN_DIRECTORY_CONTRACT, NULL};
    bool has_tls = l->tls.mode != PTN_TLS_NONE;
    struct ptn_buf names = PTN_BUF_INIT;
    const void *ops;
    void *instance;

    ptn_modules_closure(setup->modules, has_tls ? with_tls : with_tls + 1,
                        l->host, &names);
    ptn_buf_adds(out, "uses");
    ptn_record_add(out, "listener", l->name);
    ptn_record_add(out, "protocol", l->protocol->name);
    if (has_tls && ptn_modules_find(setup->modules, PTN_TLS_CONTRACT,
                                    PTN_TLS_VERSION, &ops, &instance))
        ptn_record_add(out, "tls", ((const struct ptn_tls_ops *)ops)->name);
    ptn_record_add(out, "modules", ptn_buf_cstr(&names));
    ptn_buf_addc(out, '\n');
    ptn_buf_free(&names);
}

void
ptn_inspect_modules(const struct ptn_setup *setup, struct ptn_buf *out)
{
    struct walk w = {setup, out};

    ptn_modules_each(setup->modules, write_module, &w);
    for (size_t i = 0; i < setup->conf->listener_count; i++)
        write_uses(setup, &setup->conf->listeners[i], out);
}
