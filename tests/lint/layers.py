# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Who may include what. The core's folders are layers and include downwards
# only; each foreign library has one folder that knows it; mail/, modules and
# plugins see public headers and their own folder; the core names no protocol,
# no TLS library and no store.
import os
import re

import lint

LAYER = {"base": 0, "log": 1, "metrics": 1, "x509": 1, "conf": 2, "loop": 3,
         "module": 4, "net": 5, "pki": 5, "auth": 5, "warden": 5, "proc": 6, "posternd": 7,
         "harness": 6, "posternctl": 7}
# A foreign header, by how its name begins, and the places that may have it.
FOREIGN = {
    "uv.h": ("core/loop/",),
    "uv/": (),
    "libconfig.h": ("core/conf/",),
    "ltdl.h": ("core/module/loader.c",),
    "dlfcn.h": ("core/module/loader.c", "core/module/imports.c"),
    "gsasl": ("plugins/sasl_gsasl/",),
    "seccomp.h": ("core/proc/",),
    "jansson.h": ("plugins/acme/",),
    "curl/": ("plugins/acme/", "plugins/ocsp/"),
    "crypt.h": ("plugins/passwd/", "core/auth/"),
    "wolfssl/": ("plugins/tls_wolfssl/",),
    "openssl/": ("plugins/tls_openssl/", "plugins/acme/", "plugins/ocsp/"),
    "lmdb.h": ("plugins/vault/",),
    "sqlite3.h": (),
    "ldap.h": (),
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
PRODUCT = re.compile(r"smtp|imap|pop3|maildir|openssl|wolfssl|lmdb", re.I)


def foreign(path, name):
    for begins, places in FOREIGN.items():
        if name.startswith(begins):
            if not path.startswith(places or ("nowhere",)):
                only = " or ".join(places) or "nothing"
                return f"<{name}> belongs to {only}"
    return None


def from_core(path, name):
    if name.startswith("postern/mail/") or name.startswith("mail/"):
        return f"the core includes {name} of mail/"
    where = path.split("/")[1]
    layer = name.split("/")[0] if "/" in name else where
    if where == "include":
        if not name.startswith("postern/") and "/" not in name:
            return None
        if not name.startswith(("postern/", "sys/")):
            return f"a public header includes {name}, which is not installed"
    elif layer in LAYER and LAYER[layer] > LAYER[where]:
        return f"{where}/ includes {name} of a layer above it"
    elif layer not in LAYER and name.startswith("pos") and "/" not in name:
        return f"{name} is a public header: <postern/{name}>"
    return None


def from_part(path, name):
    """mail/, a module or a plugin: quoted names are of its own folder."""
    where = path.split("/")
    own = where[:1] if where[0] == "mail" else where[:2]
    folder = os.path.dirname(path)
    target = os.path.normpath(os.path.join(folder, name)).split("/")
    if target[:len(own)] != own:
        return f'"{name}" leaves {"/".join(own)}/'
    if name.split("/")[0] in LAYER:
        return f'"{name}" is private to the core'
    return None


def complaint(path, quote, name):
    text = foreign(path, name)
    if text:
        return text
    if path.startswith("core/"):
        return from_core(path, name)
    if quote == '"':
        return from_part(path, name)
    if path.startswith("mail/include/") and "/" in name \
            and not name.startswith(("postern/", "sys/")):
        return f"a public header includes {name}, which is not installed"
    return None


def check(root):
    found = []
    parts = ("core", "mail", "modules", "plugins")
    for path in lint.files(root, parts, lint.CODE):
        for number, line in lint.lines(root, path):
            match = INCLUDE.match(line)
            text = match and complaint(path, match[1], match[2])
            if text:
                found.append(f"{path}:{number}: {text}")
            word = path.startswith("core/") and PRODUCT.search(line)
            if word:
                found.append(f"{path}:{number}: the core names {word[0]}")
    return found


TRIALS = [
    ("lets a clean tree pass", {
        "core/base/a.c": "#include <stdio.h>\n#include <postern/buf.h>\n",
        "core/net/a.c": '#include "a.h"\n#include "base/a.h"\n'
                        '#include "pki/x.h"\n',
        "core/loop/a.c": "#include <uv.h>\n",
        "modules/smtp/a.c": '#include "a.h"\n#include <postern/mail/x.h>\n',
        "plugins/vault/a.c": "#include <lmdb.h>\n",
    }, []),
    ("finds an include of a layer above", {
        "core/base/a.c": '#include "net/session.h"\n',
        "core/loop/a.h": '#include "module/loader.h"\n',
    }, ["core/base/a.c:1:", "core/loop/a.h:1:"]),
    ("finds foreign libraries out of their folder", {
        "core/net/a.c": "#include <uv.h>\n",
        "core/module/b.c": "#include <ltdl.h>\n",
        "modules/imap/a.c": "\n# include <openssl/ssl.h>\n",
        "plugins/vault/a.c": "#include <libconfig.h>\n",
        "mail/a.c": "#include <lmdb.h>\n",
    }, ["core/net/a.c:1:", "core/module/b.c:1:", "modules/imap/a.c:2:",
        "plugins/vault/a.c:1:", "mail/a.c:1:"]),
    ("finds modules that see each other or the core", {
        "modules/imap/a.c": '#include "../smtp/smtp.h"\n',
        "plugins/vault/a.c": '#include "net/session.h"\n',
        "modules/pop3/a.c": '#include "../../core/net/session.h"\n',
    }, ["modules/imap/a.c:1:", "plugins/vault/a.c:1:", "modules/pop3/a.c:1:"]),
    ("finds private headers in public ones", {
        "core/include/postern/a.h": '#include "base/map.h"\n',
        "core/include/postern/b.h": "#include <postern/mail/store.h>\n",
    }, ["postern/a.h:1:", "postern/b.h:1:"]),
    ("finds products named in the core", {
        "core/net/a.c": "/* as IMAP does */\nint ptn_smtp_role;\n",
        "core/pki/a.h": "/* OpenSSL */\n",
    }, ["core/net/a.c:1:", "core/net/a.c:2:", "core/pki/a.h:1:"]),
]

if __name__ == "__main__":
    lint.main("layers", check, TRIALS)
