# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Sizes: no function over 100 lines, no file over 1,000, 80 columns; over the
# whole tree, half of the functions within 15 lines and nine tenths within 50.
import re
import statistics

import lint

FUNCTION_MAX, FILE_MAX, COLUMNS = 100, 1000, 80
MEDIAN_MAX, TENTH_MAX = 15, 50
OURS = ("core", "mail", "modules", "plugins", "tests")
NAME = re.compile(r"^([a-z_][a-z0-9_]*)\(", re.I)


def functions(numbered):
    """(line, name, length) of each: by house style, a definition's name, its
    opening and its closing brace each begin a line."""
    name, start = None, None
    for number, line in numbered:
        match = NAME.match(line)
        if match:
            name, at = match[1], number
        elif line == "{" and name:
            start = number
        elif line.startswith("}") and start:
            yield at, name, number - start - 1
            name = start = None


def check(root):
    found, lengths = [], []
    for path in lint.files(root, OURS, lint.CODE):
        numbered = lint.lines(root, path)
        if len(numbered) - 1 > FILE_MAX:
            found.append(f"{path}:{FILE_MAX}: {len(numbered) - 1} lines")
        for number, line in numbered:
            if len(line) > COLUMNS:
                found.append(f"{path}:{number}: {len(line)} columns")
        for number, name, length in functions(numbered):
            if not path.startswith("tests/"):
                lengths.append(length)
            if length > FUNCTION_MAX:
                found.append(f"{path}:{number}: {name} has {length} lines")
    if len(lengths) >= 100:
        median = statistics.median(lengths)
        tenth = statistics.quantiles(lengths, n=10)[-1]
        if median > MEDIAN_MAX:
            found.append(f"functions: the median is {median:.0f} lines")
        if tenth > TENTH_MAX:
            found.append(f"functions: the longest tenth begins at "
                         f"{tenth:.0f} lines")
    return found


def function(name, length):
    return f"static int\n{name}(void)\n{{\n" + "    x();\n" * length + "}\n\n"


TRIALS = [
    ("lets right sizes pass", {
        "core/base/a.c": function("a", 100) + "x" * 80 + "\n",
        "core/base/b.c": "x\n" * 1000,
    }, []),
    ("finds a long function", {"mail/a.c": function("a", 101)},
     ["mail/a.c:2: a has 101"]),
    ("finds a long file", {"mail/a.c": "x\n" * 1001}, ["1001 lines"]),
    ("finds a long line", {"mail/a.h": "\n" + "é" * 81 + "\n"},
     ["mail/a.h:2: 81"]),
    ("finds that functions are long in general",
     {f"core/a{i}.c": function("a", 40) for i in range(100)},
     ["the median is 40"]),
    ("finds that a tenth of them is long",
     {f"core/a{i}.c": function("a", 60 if i < 20 else 9) for i in range(100)},
     ["tenth begins at"]),
]

if __name__ == "__main__":
    lint.main("sizes", check, TRIALS)
