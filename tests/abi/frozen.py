# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The interface of plugins stays what its frozen versions say (tools/abi).
# First, small headers that break it in each way show that this is seen.
import importlib.machinery
import importlib.util
import os
import sys
import tempfile

TOP = os.environ.get("top_srcdir", ".")
sys.path.insert(0, os.path.join(TOP, "tests/lint"))
import lint  # noqa: E402

OLD = """#include <stdint.h>
#define PTN_NUMBER 7
enum ptn_colour { PTN_RED, PTN_GREEN };
struct ptn_ops {
    uint32_t size; /* first */
    int (*call)(void *arg, struct { int a; } *x);
    char name[8];
    union { int a; long b; } u;
    struct { int in; };
};
PTN_API int ptn_do(struct ptn_ops *ops,
                   int more);
"""
TRIALS = [
    ("lets a struct grow at its end and names come", [
        ("struct { int in; };", "struct { int in; }; int new;"),
        ("PTN_GREEN", "PTN_GREEN, PTN_BLUE"),
        ("#define", "PTN_API void ptn_new(void);\n#define")], None),
    ("finds a member that moved",
     [("char name[8]", "int early; char name[8]")], "struct ptn_ops.name was"),
    ("finds a member that changed its size",
     [("uint32_t size", "uint64_t size")], "struct ptn_ops.size was"),
    ("finds a member that is gone",
     [("struct { int in; };", "struct { int out; };")],
     "struct ptn_ops.in is gone"),
    ("finds a struct that shrank",
     [("    struct { int in; };\n", "")], "struct ptn_ops shrank"),
    ("finds an enum's value that changed",
     [("PTN_RED, ", "PTN_BLUE, PTN_RED, ")], "PTN_RED was 0"),
    ("finds a constant that changed", [("NUMBER 7", "NUMBER 8")],
     "PTN_NUMBER was 7"),
    ("finds a prototype that changed", [("int more", "long more")],
     "ptn_do was"),
    ("finds a function that is gone", [("ptn_do", "ptn_undo")], "ptn_do was"),
]


def load_tool():
    path = os.path.join(TOP, "tools/abi")
    loader = importlib.machinery.SourceFileLoader("abi", path)
    spec = importlib.util.spec_from_loader("abi", loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def trial(tool, changes, expect):
    new = OLD
    for before, after in changes:
        new = new.replace(before, after)
    prefix = "#define PTN_API\n"
    with tempfile.TemporaryDirectory() as root:
        lint.plant(root, {"old/postern/a.h": prefix + OLD,
                          "new/postern/a.h": prefix + new})
        found = tool.check(root + "/old", [root + "/new"])
    if expect is None:
        return found
    return [] if any(expect in f for f in found) else [
        f"does not find: {expect}", *found]


def main():
    tool, tap = load_tool(), lint.Tap("frozen")
    for title, changes, expect in TRIALS:
        tap.case(title, trial(tool, changes, expect))
    frozen = os.path.join(TOP, "tests/abi/frozen")
    for name in sorted(os.listdir(frozen)):
        folder = os.path.join(frozen, name)
        if os.path.isdir(folder):
            tap.case(f"what {name} says is still so",
                     tool.check(folder, tool.TODAY))
    tap.done()


if __name__ == "__main__":
    main()
