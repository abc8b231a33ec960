/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Modules for the loader's tests, one source for all of them: FIXTURE is
 * the name of what is built, and one of the FIXTURE_... says what is odd
 * about it.
 */
#include "tests/unit/module/trace.h"
#include <postern/module.h>

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define TEXT_(a) #a
#define TEXT(a) TEXT_(a)

#ifdef FIXTURE_UNRESOLVED
extern int a_function_that_nobody_has(void);
#endif

static const int ops = 1;

static const struct ptn_contract provides[] = {
#ifdef FIXTURE_PROVIDES
    {FIXTURE_PROVIDES, 1},
#endif
#ifdef FIXTURE_LIES
    {"fix.nothing", 1},
#endif
    {NULL, 0},
};

static const struct ptn_contract needs[] = {
#ifdef FIXTURE_NEEDS
    {FIXTURE_NEEDS, FIXTURE_NEEDS_VERSION},
#endif
    {NULL, 0},
};

static int
init(struct ptn_host *host, const void *options, void **instance,
     struct ptn_error *err)
{
    (void)options;
    (void)host;
    *instance = (void *)&ops;
#ifdef FIXTURE_UNRESOLVED
    return a_function_that_nobody_has();
#endif
#ifdef FIXTURE_FAILS
    return ptn_error_set(err, PTN_ERR_MODULE, "does not like role %d",
                         (int)ptn_host_role(host));
#endif
#ifdef FIXTURE_PROVIDES
    ptn_host_provide(host, FIXTURE_PROVIDES, 1, &ops, *instance);
#endif
#ifdef FIXTURE_UNDECLARED
    ptn_host_provide(host, "fix.secret", 1, &ops, *instance);
#endif
    (void)err;
    return 0;
}

#ifdef FIXTURE_START_FAILS
static int
start(void *instance, struct ptn_error *err)
{
    (void)instance;
    return ptn_error_set(err, PTN_ERR_MODULE, "cannot start");
}
#define FIXTURE_START start
#else
#define FIXTURE_START NULL
#endif

#ifdef FIXTURE_NOTE
#define NOTE_OF(name, contracts)                                               \
    PTN_MODULE_NOTE(name, "1", "LGPL-2.1-or-later", contracts)
NOTE_OF(FIXTURE, FIXTURE_NOTE);
#endif

#ifdef FIXTURE_NO_SYMBOL
PTN_API const struct ptn_module another_name = {
#else
PTN_API const struct ptn_module PASTE(FIXTURE, _LTX_postern_module) = {
#endif
    PTN_MODULE_HEAD,
#ifdef FIXTURE_NAME
    .name = FIXTURE_NAME,
#else
    .name = TEXT(FIXTURE),
#endif
    .version = "1",
    .license = "LGPL-2.1-or-later",
    .doc = "a module of the tests",
    .needs = needs,
    .provides = provides,
    .init = init,
    .start = FIXTURE_START,
};
