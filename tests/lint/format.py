# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Layout of C as clang-format 14 makes it. Other versions differ in details, so
# only that one is asked.
import os
import shutil
import subprocess

import lint

TOOL = shutil.which("clang-format-14")
OURS = ("core", "mail", "modules", "plugins", "tests")


def check(root):
    paths = [p for p in lint.files(root, OURS, lint.CODE)
             if not p.startswith("tests/abi/frozen/")]
    if not paths:
        return []
    run = subprocess.run(
        [TOOL, "--dry-run", "--Werror", "--style=file", *paths],
        cwd=root, stderr=subprocess.PIPE, text=True, check=False)
    return [line for line in run.stderr.split("\n") if ": error: " in line]


def trials(root):
    style = lint.read(root, ".clang-format")
    good = "int\nmain(void)\n{\n    return 0;\n}\n"
    return [
        ("lets right layout pass",
         {".clang-format": style, "core/a.c": good}, []),
        ("finds wrong layout",
         {".clang-format": style,
          "core/a.c": good.replace("    return", "\treturn")},
         ["core/a.c:3:"]),
    ]


def main():
    root = os.environ.get("top_srcdir", ".")
    if TOOL is None:
        tap = lint.Tap("format")
        tap.skip("format: this tree", "clang-format-14 is not installed")
        tap.done()
    lint.main("format", check, trials(root), root)


if __name__ == "__main__":
    main()
