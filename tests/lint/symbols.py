# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the build's objects export and keep. A module or plugin exports its
# descriptor and nothing else; all that is not static in it begins with its own
# name, or static builds clash; it keeps no mutable variable at file scope. The
# libraries export ptn_ names only. Works on the build folder, not the sources.
import glob
import os
import re
import subprocess
import sys
import tempfile

import lint

# What compilers add for themselves, sanitizers above all.
TOOLCHAIN = re.compile(r"^(_|\.|\$|asan\.|tsan\.|ubsan|__|GLOBAL|DW\.ref)")
FIXED = re.compile(r"^(\.text|\.rodata|\.data\.rel\.ro|\.eh_frame|\*|\.init"
                   r"|\.fini|\.note)")


def nm(*args):
    run = subprocess.run(["nm", *args], text=True, check=False,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return run.stdout.split("\n")


def exported(path, *how):
    """Names that an object defines for others."""
    names = []
    for line in nm("--defined-only", *how, path):
        fields = line.split()
        if len(fields) == 3 and not TOOLCHAIN.match(fields[2]):
            names.append(fields[2])
    return names


def mutable(path):
    """Variables, static or not, that an object can change."""
    names = []
    for line in nm("--format=sysv", "--defined-only", path):
        fields = [f.strip() for f in line.split("|")]
        if len(fields) == 7 and fields[3] in ("OBJECT", "TLS") \
                and not FIXED.match(fields[6]) \
                and not TOOLCHAIN.match(fields[0]):
            names.append(fields[0])
    return names


def check_module(root, shared, sanitized):
    path = os.path.relpath(shared, root)
    name = os.path.basename(shared)[:-3]
    want = f"{name}_LTX_postern_module"
    found = []
    if exported(shared, "-D") != [want]:
        found.append(f"{path}: exports {exported(shared, '-D')} and not "
                     f"{want} alone")
    for obj in sorted(glob.glob(os.path.dirname(shared) + "/*.o")):
        path = os.path.relpath(obj, root)
        for symbol in exported(obj, "-g"):
            if not symbol.startswith(name + "_"):
                found.append(f"{path}: {symbol} does not begin with {name}_")
        if not sanitized:
            found += [f"{path}: {variable} is a mutable variable at file scope"
                      for variable in mutable(obj)]
    return found


def check(root, sanitized=False):
    found = []
    for shared in sorted(glob.glob(root + "/modules/*/.libs/*.so")
                         + glob.glob(root + "/plugins/*/.libs/*.so")):
        found += check_module(root, shared, sanitized)
    for library in sorted(glob.glob(root + "/.libs/libpostern*.so")):
        found += [f"{os.path.relpath(library, root)}: exports {symbol}"
                  for symbol in exported(library, "-D")
                  if not symbol.startswith("ptn_")]
    return found


DESCRIPTOR = ("extern const char *const x_LTX_postern_module;\n"
              "const char *const x_LTX_postern_module = \"x\";\n")


def trial(title, source, expect, tap):
    """Builds plugins/x from `source` and looks what the lint says of it."""
    with tempfile.TemporaryDirectory() as root:
        at = root + "/plugins/x/.libs"
        lint.plant(at, {"x.c": source})
        cc = os.environ.get("CC", "cc").split()
        subprocess.run([*cc, "-fPIC", "-c", "x.c", "-o", "x.o"],
                       cwd=at, check=True)
        subprocess.run([*cc, "-shared", "x.o", "-o", "x.so"], cwd=at,
                       check=True)
        found = check(root)
    wrong = [f"does not find: {e}" for e in expect
             if not any(e in f for f in found)]
    if not expect:
        wrong += [f"finds what is right: {f}" for f in found]
    tap.case(f"symbols: {title}", wrong)


def main():
    tap = lint.Tap("symbols")
    trial("lets a right plugin pass", DESCRIPTOR +
          '__attribute__((visibility("hidden"))) int x_more(void)\n'
          "{ static const int a[] = {1}; return a[0]; }\n", [], tap)
    trial("finds a second export", DESCRIPTOR + "int x_more(void)\n"
          "{ return 1; }\n", ["exports ["], tap)
    trial("finds a name without its prefix", DESCRIPTOR +
          '__attribute__((visibility("hidden"))) int more(void)\n'
          "{ return 1; }\n", ["more does not begin"], tap)
    trial("finds a mutable variable", DESCRIPTOR +
          '__attribute__((visibility("hidden"))) int x_more(void)\n'
          "{ static int count; return ++count; }\n",
          ["is a mutable variable"], tap)
    build = os.environ.get("top_builddir", ".")
    tap.case("symbols: this build",
             check(build, os.environ.get("PTN_SANITIZE", "no") != "no"))
    tap.done()


if __name__ == "__main__":
    sys.exit(main())
