# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/rfc.tsv: what is claimed of each RFC, by section, and the test that
# shows it. Columns: RFC, section, status, test; "#" begins a comment. Status is
# yes, partial or no. A test is FILE or FILE::NAME and must exist; "-" stands
# where status is no.
import os
import re

import lint

TABLE = "tests/rfc.tsv"
STATUS = ("yes", "partial", "no")


def names_test(root, test):
    """Whether FILE is there and holds NAME as a word."""
    path, _, name = test.partition("::")
    full = os.path.join(root, path)
    if not os.path.isfile(full):
        return f"no test file {path}"
    text = lint.read(root, path)
    if name and not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text):
        return f"{path} has no test {name}"
    return None


def row(root, line):
    fields = line.split("\t")
    if len(fields) != 4:
        return f"{len(fields)} columns in place of 4"
    rfc, section, status, test = fields
    if not re.fullmatch(r"[1-9][0-9]{1,4}", rfc):
        return f"no RFC number: {rfc}"
    if not re.fullmatch(r"-|[0-9A-Z]+(\.[0-9]+)*", section):
        return f"no section: {section}"
    if status not in STATUS:
        return f"status {status} is none of {', '.join(STATUS)}"
    if status == "no":
        return None if test == "-" else "a test of what is not there"
    return names_test(root, test)


def check(root):
    if not os.path.exists(os.path.join(root, TABLE)):
        return []
    found, seen = [], {}
    for number, line in lint.lines(root, TABLE):
        if not line or line.startswith("#"):
            continue
        text = row(root, line)
        if line in seen:
            text = f"stands in line {seen[line]} too"
        seen.setdefault(line, number)
        if text:
            found.append(f"{TABLE}:{number}: {text}")
    return found


def table(*rows):
    return {TABLE: "# comment\n" + "\n".join(rows) + "\n",
            "tests/unit/a.c": "static void\ntest_one(void **state)\n"}


TRIALS = [
    ("lets a right table pass", table(
        "5321\t4.1.1.4\tyes\ttests/unit/a.c::test_one",
        "3501\tA.1\tpartial\ttests/unit/a.c", "1939\t7\tno\t-"), []),
    ("finds a missing column", table("5321\t4.1\tyes"), [":2: 3 columns"]),
    ("finds what is no RFC", table("RFC1\t4\tno\t-"), [":2: no RFC"]),
    ("finds an unknown status", table("5321\t4\tdone\t-"), [":2: status"]),
    ("finds a missing file", table("5321\t4\tyes\ttests/b.c"),
     [":2: no test file"]),
    ("finds a missing test",
     table("5321\t4\tyes\ttests/unit/a.c::test_on"), [":2: tests/unit/a.c"]),
    ("finds a claim without a test", table("5321\t4\tyes\t-"),
     [":2: no test file"]),
    ("finds a row that stands twice",
     table("1939\t7\tno\t-", "1939\t7\tno\t-"), [":3: stands"]),
]

if __name__ == "__main__":
    lint.main("rfc", check, TRIALS)
