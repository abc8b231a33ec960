# SPDX-License-Identifier: LGPL-2.1-or-later
#
# libabigail's word on the interface of modules (tools/abidiff): small headers
# that break it in ways which tools/abi cannot see are found, additions pass,
# and what is frozen is still so. The libraries have every function that was
# ever promised.
import glob
import importlib.machinery
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile

TOP = os.environ.get("top_srcdir", ".")
BUILD = os.environ.get("top_builddir", ".")
sys.path.insert(0, os.path.join(TOP, "tests/lint"))
import lint  # noqa: E402

OLD = """#include <stdint.h>
#define PTN_API __attribute__((visibility("default")))
enum ptn_colour { PTN_RED, PTN_GREEN };
struct ptn_ops {
    uint32_t size;
    int32_t count;
    int (*call)(void *arg, struct ptn_ops *other);
};
PTN_API int ptn_do(struct ptn_ops *ops, int more);
"""
TRIALS = [
    ("an addition passes: function, member, constant, struct", [
        ("*other);\n}", "*other);\n    void (*late)(void);\n}"),
        ("PTN_GREEN", "PTN_GREEN, PTN_BLUE"),
        ("PTN_API int", "struct ptn_new { int a; };\n"
         "PTN_API void ptn_new(struct ptn_new *x);\nPTN_API int")], False),
    ("a member that changed its sign is found",
     [("int32_t count", "uint32_t count")], True),
    ("a callback that changed an argument is found",
     [("void *arg,", "int *arg,")], True),
    ("a parameter that changed its type is found",
     [("int more", "long more")], True),
    ("a member put in between is found",
     [("    int32_t", "    int early;\n    int32_t")], True),
    ("a function that is gone is found", [("ptn_do", "ptn_undo")], True),
    ("a constant with another value is found",
     [("PTN_RED, ", "PTN_BLUE, PTN_RED, ")], True),
]


def load_tool():
    loader = importlib.machinery.SourceFileLoader(
        "abidiff", os.path.join(TOP, "tools/abidiff"))
    spec = importlib.util.spec_from_loader("abidiff", loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def trial(tool, changes, broken):
    new = OLD
    for before, after in changes:
        new = new.replace(before, after)
    with tempfile.TemporaryDirectory() as root:
        lint.plant(root, {"old/postern/a.h": OLD, "new/postern/a.h": new})
        breaks, additions = tool.check(root + "/old", [root + "/new"])
    if bool(breaks) != broken:
        return [f"breaks: {breaks}", *additions]
    return []


def missing_functions(tool, frozen):
    """Promised in the frozen headers, and in none of the libraries."""
    have = set()
    for library in glob.glob(BUILD + "/.libs/libpostern*.so"):
        names = subprocess.run(["nm", "-D", "--defined-only", library],
                               stdout=subprocess.PIPE, text=True, check=True)
        have |= {line.split()[-1] for line in names.stdout.splitlines()}
    promised = set()
    for path in tool.ABI.headers([frozen]):
        promised |= set(tool.ABI.load(frozen, path).prototypes)
    return sorted(promised - have) if have else []


def main():
    tap = lint.Tap("abidiff")
    if not shutil.which("abidiff"):
        print("1..0 # SKIP abidiff is not installed (abigail-tools)")
        return
    tool = load_tool()
    for title, changes, broken in TRIALS:
        tap.case(title, trial(tool, changes, broken))
    for name in sorted(os.listdir(tool.ABI.FROZEN)):
        folder = os.path.join(tool.ABI.FROZEN, name)
        if not os.path.isdir(folder):
            continue
        breaks, _ = tool.check(folder, tool.ABI.TODAY)
        tap.case(f"nothing of {name} is broken", breaks)
        tap.case(f"the libraries have all functions of {name}",
                 missing_functions(tool, folder))
    tap.done()


if __name__ == "__main__":
    main()
