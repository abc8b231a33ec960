# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The reference of the interface (tools/apidoc) is complete: everything that
# the headers declare, found in another way than the tool does, stands in it,
# in both forms, with words about it. What postern-module(7) and the guide name
# is there.
import importlib.machinery
import importlib.util
import glob
import os
import re
import subprocess
import sys

TOP = os.environ.get("top_srcdir", ".")
sys.path.insert(0, os.path.join(TOP, "tests/lint"))
import lint  # noqa: E402

HEADERS = sorted(glob.glob(TOP + "/core/include/postern/*.h")
                 + glob.glob(TOP + "/mail/include/postern/mail/*.h"))
PAGES = ("core/include/postern-module.7", "plugins/README.md")
# Names in pages that stand for others.
PATTERNS = re.compile(r"^(ptn_|PTN_)$|_$")


def tool(form):
    return subprocess.run(
        [sys.executable, os.path.join(TOP, "tools/apidoc"), form, *HEADERS],
        stdout=subprocess.PIPE, text=True, check=True).stdout


def declared():
    """As the compiler sees it, tokens only: names before "(" at the outermost
    level, tags with a body, macros."""
    names = set()
    for path in HEADERS:
        with open(path, encoding="utf-8") as f:
            text = re.sub(r"/\*.*?\*/", " ", f.read(), flags=re.S)
        names |= set(re.findall(r"^#define (ptn_\w+|PTN_\w+)", text, re.M))
        text = re.sub(r"^#(.*\\\n)*.*$", "", text, flags=re.M)
        while "{" in text:
            bodies = re.findall(r"(struct|enum)\s+(ptn_\w+)\s*\{[^{}]*\}", text)
            names |= {name for _, name in bodies}
            text = re.sub(r"\{[^{}]*\}", ";", text)
        names |= set(re.findall(r"\b(ptn_\w+)\s*\(", text))
        names |= set(re.findall(r"typedef[^;]*\(\*(ptn_\w+)\)", text))
        names |= set(re.findall(r"extern const [^;(]*\b(ptn_\w+);", text))
    return names


def load_tool():
    loader = importlib.machinery.SourceFileLoader(
        "apidoc", os.path.join(TOP, "tools/apidoc"))
    spec = importlib.util.spec_from_loader("apidoc", loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def without_words(module):
    """Functions of which no comment says anything: neither their own block
    nor one before it in the same group."""
    found = []
    for path in HEADERS:
        name, intro, blocks = module.load(path)
        if not intro:
            found.append(f"{name} does not say what it is for")
        for block in blocks:
            kinds = {kind for kind, _ in block.names}
            if "function" in kinds and not block.comment \
                    and "/*" not in block.code:
                found.append(f"{name}: nothing is said of "
                             f"{', '.join(w for _, w in block.names)}")
    return found


def unknown_in_pages(names, everything):
    found = []
    for page in PAGES:
        with open(os.path.join(TOP, page), encoding="utf-8") as f:
            for word in set(re.findall(r"\bptn_\w+|\bPTN_\w+", f.read())):
                if word not in names and not PATTERNS.search(word) \
                        and not re.search(rf"\b{word}\b", everything):
                    found.append(f"{page} names {word}, which is nowhere")
    return sorted(found)


def main():
    tap = lint.Tap("apidoc")
    names = declared()
    listed = {line.split()[1] for line in tool("names").splitlines()}
    html, page = tool("html"), tool("man")
    tap.case("finds what is declared", [] if len(names) > 250 else [
        f"only {len(names)} names: this test does not see them"])
    tap.case("the reference has all that is declared",
             [f"{n} is missing" for n in sorted(names - listed)])
    tap.case("and nothing else",
             [f"{n} is not declared" for n in sorted(listed - names)])
    tap.case("HTML has a place for each",
             [n for n in sorted(listed) if f'id="{n}"' not in html])
    tap.case("the manual page names each",
             [n for n in sorted(listed) if n not in page])
    tap.case("words are said about every function",
             without_words(load_tool()))
    everything = "".join(open(p, encoding="utf-8").read() for p in HEADERS)
    tap.case("the guide and postern-module(7) name what there is",
             unknown_in_pages(names, everything))
    tap.done()


if __name__ == "__main__":
    main()
