# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the lints share. A lint is a function that takes the root of a tree and
# returns its complaints, "path:line: text". It is run on small trees that break
# its rule, to show that it can fail, and then on this tree. The output is TAP.
import os
import sys
import tempfile

SKIP = {"build-aux", "autom4te.cache", "node_modules", "__pycache__", "corpus"}
CODE = (".c", ".h")
PARTS = ("core", "mail", "modules", "plugins", "tests", "tools", "conf")


def files(root, parts=PARTS, ends=None):
    """Paths of the tree's own files, relative to root, in order."""
    for part in parts:
        top = os.path.join(root, part)
        for folder, folders, names in os.walk(top):
            folders[:] = sorted(
                f for f in folders if f not in SKIP and not f.startswith(".")
            )
            for name in sorted(names):
                path = os.path.relpath(os.path.join(folder, name), root)
                if ends is None or name.endswith(ends):
                    yield path


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        return f.read()


def lines(root, path):
    """Numbered lines of a file; nothing if it is not text."""
    try:
        return list(enumerate(read(root, path).split("\n"), 1))
    except UnicodeDecodeError:
        return []


def plant(root, tree):
    for path, text in tree.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as f:
            f.write(text)


class Tap:
    def __init__(self, name):
        self.name = name
        self.count = 0
        self.failed = 0

    def case(self, title, complaints):
        self.count += 1
        self.failed += bool(complaints)
        verdict = "not ok" if complaints else "ok"
        print(f"{verdict} {self.count} - {title}")
        for complaint in complaints:
            print(f"# {complaint}")

    def skip(self, title, why):
        self.count += 1
        print(f"ok {self.count} - {title} # SKIP {why}")

    def done(self):
        print(f"1..{self.count}")
        sys.exit(1 if self.failed else 0)


def trial(check, tree, expect):
    """Complaints about the lint itself: it must find each of `expect`, and
    nothing else, in a tree made of `tree`."""
    with tempfile.TemporaryDirectory() as root:
        plant(root, tree)
        found = check(root)
    missing = [f"does not find: {e}" for e in expect
               if not any(e in f for f in found)]
    extra = [f"finds what is right: {f}" for f in found
             if not any(e in f for e in expect)]
    return missing + extra


def main(name, check, trials, root=None):
    """Runs the trials, then the check on the tree."""
    tap = Tap(name)
    for title, tree, expect in trials:
        tap.case(f"{name}: {title}", trial(check, tree, expect))
    root = root or os.environ.get("top_srcdir") or os.path.dirname(
        os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    tap.case(f"{name}: this tree", check(root))
    tap.done()
