/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The users of the harness, as the module "test_directory": they answer what
 * the test has put into struct ptn_test_directory, which is the instance.
 */
#include "harness/inner.h"
#include <postern/arena.h>
#include <stdio.h>

#define MANY 600

/* "user7", "user7@example.test": 7; else 0. */
static int
number_of(struct ptn_slice name)
{
    struct ptn_slice domain = PTN_SLICE("@example.test");
    struct ptn_slice user = PTN_SLICE("user");

    if (name.len > domain.len &&
        ptn_slice_caseeq(ptn_slice_sub(name, name.len - domain.len, domain.len),
                         domain))
        name.len -= domain.len;
    if (name.len != user.len + 1 ||
        !ptn_slice_caseeq(ptn_slice_sub(name, 0, user.len), user) ||
        name.data[user.len] < '1' || name.data[user.len] > '9')
        return 0;
    return name.data[user.len] - '0';
}

static struct ptn_user
user_of(const struct ptn_test_directory *d, int number)
{
    struct ptn_user user = {.quota = number == 2 ? d->quota : 0};

    snprintf(user.name, sizeof user.name, "user%d@example.test", number);
    return user;
}

static enum ptn_status
lookup(void *instance, struct ptn_slice name, struct ptn_user *out)
{
    const struct ptn_test_directory *d = instance;
    int number = number_of(name);

    if (d->status != PTN_OK || number == 0)
        return d->status != PTN_OK ? d->status : PTN_NOTFOUND;
    *out = user_of(d, number);
    return PTN_OK;
}

static enum ptn_status
verify(void *instance, struct ptn_slice name, struct ptn_slice password,
       struct ptn_user *out)
{
    enum ptn_status status = lookup(instance, name, out);

    if (status == PTN_OK && !ptn_slice_eq(password, PTN_SLICE("secret")))
        return PTN_DENIED;
    return status;
}

static enum ptn_status
resolve(void *instance, struct ptn_slice address,
        void (*fn)(void *arg, const struct ptn_user *user), void *arg)
{
    const struct ptn_test_directory *d = instance;
    int number = number_of(address), first = number, last = number;
    struct ptn_user user;

    if (d->status != PTN_OK)
        return d->status;
    if (ptn_slice_caseeq(address, PTN_SLICE("team@example.test")))
        first = 1, last = 2;
    else if (ptn_slice_caseeq(address, PTN_SLICE("many@example.test")))
        first = 1000, last = 1000 + MANY - 1;
    else if (ptn_slice_caseeq(address, PTN_SLICE("postmaster@example.test")))
        first = last = 1;
    if (first == 0)
        return PTN_NOTFOUND;
    for (int i = first; i <= last; i++) {
        user = user_of(d, i);
        fn(arg, &user);
    }
    return PTN_OK;
}

static enum ptn_status
resolve_nowait(void *instance, struct ptn_slice address,
               void (*fn)(void *arg, const struct ptn_user *user), void *arg)
{
    const struct ptn_test_directory *d = instance;

    return d->slow ? PTN_WOULDBLOCK : resolve(instance, address, fn, arg);
}

static enum ptn_status
may_send(void *instance, struct ptn_slice user, struct ptn_slice address)
{
    const struct ptn_test_directory *d = instance;

    if (d->status != PTN_OK)
        return d->status;
    if (ptn_slice_caseeq(user, address) ||
        (number_of(user) == 1 &&
         ptn_slice_caseeq(address, PTN_SLICE("team@example.test"))))
        return PTN_OK;
    return PTN_DENIED;
}

static enum ptn_status
iterate(void *instance, bool (*fn)(void *arg, const struct ptn_user *user),
        void *arg)
{
    const struct ptn_test_directory *d = instance;
    bool more = d->status == PTN_OK;

    for (int i = 1; i <= 9 && more; i++) {
        struct ptn_user user = user_of(d, i);

        more = fn(arg, &user);
    }
    return d->status;
}

static const struct ptn_directory_ops ops = {
    .size = sizeof ops,
    .lookup = lookup,
    .verify = verify,
    .resolve = resolve,
    .may_send = may_send,
    .iterate = iterate,
    .resolve_nowait = resolve_nowait,
};

static int
init(struct ptn_host *host, const void *options, void **instance,
     struct ptn_error *err)
{
    (void)options, (void)err;
    *instance = ptn_alloc(sizeof(struct ptn_test_directory));
    ptn_host_provide(host, PTN_DIRECTORY_CONTRACT, PTN_DIRECTORY_VERSION, &ops,
                     *instance);
    return 0;
}

static void
stop(void *instance)
{
    ptn_free(instance);
}

const struct ptn_module ptn_harness_directory = {
    PTN_MODULE_HEAD,
    .name = "test_directory",
    .version = "1",
    .license = "LGPL-2.1-or-later",
    .doc = "users for tests",
    .provides =
        (const struct ptn_contract[]){
            {PTN_DIRECTORY_CONTRACT, PTN_DIRECTORY_VERSION}, {NULL, 0}},
    .init = init,
    .stop = stop,
};
