# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Words that no file holds: marks of unfinished work, paths of one machine, host
# names of a distribution. And words that each begins with: its licence, and a
# paragraph that says what it is for.
import re

import lint

UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
MACHINE = re.compile(
    r"(?<![\w.$})*\\-])/(root|home|work|Users|builds?|workspace)/[\w.]")
HOST = re.compile(r"\b[a-z0-9.-]*\.debian\." r"org\b|\bsnapshot\.debian\b")
SOURCES = (".c", ".h", ".py", ".sh", ".mk", ".m4")
COMMENT = re.compile(r"^(/\*|\s?\*/?|//|#!?|;;|\.\\\"|dnl|\"\"\")\s?")


def beginning(root, path):
    """What is wrong with the top of a source file, if anything is."""
    head = [line for _, line in lint.lines(root, path)[:12]]
    if head and head[0].startswith("#!"):
        head = head[1:]
    if not any("SPDX-License-Identifier: " in line for line in head[:1]):
        return "does not begin with its SPDX line"
    words = 0
    for line in head[1:]:
        if line.strip() and not COMMENT.match(line):
            break
        words += len(re.findall(r"\w+", COMMENT.sub("", line)))
    return None if words >= 3 else "does not say what it is for"


def is_source(root, path):
    if path.endswith(SOURCES):
        return True
    first = lint.lines(root, path)[:1]
    return bool(first) and first[0][1].startswith("#!")


def check(root):
    found = []
    for path in lint.files(root):
        for number, line in lint.lines(root, path):
            for rule, text in ((UNFINISHED, "unfinished"),
                               (MACHINE, "a path of one machine"),
                               (HOST, "a host name")):
                match = rule.search(line)
                if match:
                    found.append(f"{path}:{number}: {text}: {match[0]}")
        if is_source(root, path):
            text = beginning(root, path)
            if text:
                found.append(f"{path}:1: {text}")
    return found


HEAD = "/* SPDX-License-Identifier: X\n *\n * What this is for.\n */\n"
TRIALS = [
    ("lets a clean tree pass", {
        "core/a.c": HEAD + 'char t[] = "/var/lib/x"; char u[] = "aXX"  "XX";\n',
        "tools/a": "#!/bin/sh\n# SPDX-License-Identifier: X\n#\n"
                   "# What it does.\ncd \"$HOME/work/x\"\n",
    }, []),
    ("finds unfinished work", {"core/a.c": HEAD + "// TO" "DO: more\n"},
     ["core/a.c:5: unfinished"]),
    ("finds paths of one machine", {"tools/a.txt": "cd /ro" "ot/postern\n"},
     ["tools/a.txt:1: a path"]),
    ("finds a distribution's hosts",
     {"tools/a.txt": "http://deb.debian." "org/debian\n"},
     ["tools/a.txt:1: a host"]),
    ("finds a missing licence", {"core/a.c": "/* What it is for. */\n"},
     ["core/a.c:1: does not begin"]),
    ("finds a missing paragraph",
     {"core/a.c": "/* SPDX-License-Identifier: X */\n\nint a;\n"},
     ["core/a.c:1: does not say"]),
]

if __name__ == "__main__":
    lint.main("words", check, TRIALS)
