# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A manual page whose literal blocks are run, in their order. A block with
# lines "$ COMMAND" is a session: each command with what it prints. Any other is
# a piece of the configuration, which replaces or joins what there was, and has
# to be right, but for one that begins with "#!", which becomes the program
# that a comment `.\" guide: file PATH` before it names. Any such comment `.\" guide: VERB WORDS` is what the reader does not see:
# what an authority or a person does in between.
#
# Outputs are compared without what differs from run to run: dates, numbers of
# days, fingerprints, serials, the width of columns. A line "..." stands for any
# lines, as "..." within a line does for the rest of a word.
import importlib.machinery
import importlib.util
import os
import pathlib
import re
import subprocess
import time

TREE = pathlib.Path(__file__).resolve().parents[2]
READING = re.compile(r"posternctl (--json )?(cert (list|show|history)|status|"
                     r"metrics|certificates|tls)|openssl s_client|grep|tail")


def load_testbed():
    """tools/testbed reads and writes libconfig's grammar."""
    path = str(TREE / "tools/testbed")
    loader = importlib.machinery.SourceFileLoader("testbed", path)
    spec = importlib.util.spec_from_loader("testbed", loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


testbed = load_testbed()


# --- the page --------------------------------------------------------------


class Step:
    """`kind` is "hidden", "conf" or "run"; `text` what is to be done, `said`
    the lines that follow; `first` and `end`: where these are in the page."""

    def __init__(self, kind, text, first):
        self.kind, self.text, self.said = kind, text, []
        self.first = self.end = first


def unescaped(line):
    return line.replace("\\&", "").replace("\\e", "\\")


def escaped(line):
    line = line.replace("\\", "\\e")
    return "\\&" + line if line[:1] in (".", "'") else line


def hidden(line, number):
    match = re.match(r'\.\\" guide: (.*)', line)
    return [Step("hidden", match[1], number + 1)] if match else []


def block(lines, start, end):
    """The steps of the literal block lines[start:end]."""
    steps = []
    while lines[start].startswith('.\\"'):
        steps += hidden(lines[start], start)
        start += 1
    if lines[start].startswith("#!"):
        text = "\n".join(map(unescaped, lines[start:end]))
        return steps + [Step("file", text, start)]
    if not any(line.startswith("$ ") for line in lines[start:end]):
        text = "\n".join(map(unescaped, lines[start:end]))
        return steps + [Step("conf", text, start)]
    for at in range(start, end):
        line = unescaped(lines[at])
        if lines[at].startswith('.\\"'):
            steps += hidden(lines[at], at)
        elif line.startswith("$ "):
            steps.append(Step("run", line[2:], at + 1))
        elif steps[-1].text.endswith("\\") and not steps[-1].said:
            steps[-1].text = steps[-1].text[:-1] + line.strip()
            steps[-1].first = steps[-1].end = at + 1
        else:
            steps[-1].said.append(line)
            steps[-1].end = at + 1
    return steps


def read(path):
    """The lines of the page, and its steps."""
    lines, steps, at = path.read_text().split("\n"), [], 0
    while at < len(lines):
        if lines[at].startswith(".Bd -literal"):
            end = lines.index(".Ed", at)
            steps += block(lines, at + 1, end)
            at = end
        else:
            steps += hidden(lines[at], at)
        at += 1
    return lines, steps


def rewritten(lines, steps):
    """The page with what the steps really said."""
    for step in reversed(steps):
        if step.kind == "run":
            lines[step.first:step.end] = map(escaped, step.said)
    return "\n".join(lines)


# --- what is compared ------------------------------------------------------


VARIABLE = [
    (r"Pebble (Root|Intermediate) CA [0-9a-f]+", "Pebble CA"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME"),
    (r"\d{4}-\d\d-\d\d( \d\d:\d\d(:\d\d)?)?( UTC)?", "DATE"),
    (r"\b\d+ (day|hour|minute|second)s?\b", "AGO"),
    (r"\b(\d+[dhms]){1,2}\d*m?s?\b", "AGO"),
    (r"\b([0-9A-Fa-f]{2}:){7,}[0-9A-Fa-f]{2}\b", "HEX"),
    (r"\b[0-9A-Fa-f]{16,}\b", "HEX"),
    (r"postern\.conf:\d+", "postern.conf:N"),
    (r"acme-challenge/[\w-]+", "TOKEN"),
    (r"(pid|port|took_ms|activated_ms|generation)[= ]\d+", "NUMBER"),
    (r"\b\d{9,}\b", "NUMBER"),
    (r"[ \t]+", " "),
]


def normal(line):
    for pattern, word in VARIABLE:
        line = re.sub(pattern, word, line)
    return line.strip()


def same(said, real):
    """Whether the page's lines are those of the command."""
    parts = [r"(?:[^\n]*\n)*?" if line.strip() == "..." else
             re.escape(normal(line)).replace(r"\.\.\.", r"\S*") + "\n"
             for line in said]
    text = "".join(normal(line) + "\n" for line in real)
    return re.fullmatch("".join(parts), text) is not None


# --- where it is run -------------------------------------------------------


class Reader:
    """Does what the page says, in a folder of its own. `paths`: what stands
    for the page's words; `verbs`: functions of the hidden steps; `commands`:
    functions in place of programs that a test cannot run."""

    def __init__(self, folder, programs, config):
        self.folder, self.config = folder, config
        self.file = folder / "etc/postern.conf"
        self.file.parent.mkdir()
        self.home = folder / "home"
        self.home.mkdir()
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.verbs = {"file": self.name_program}
        for name, path in programs.items():
            (self.bin / name).write_text(
                f'#!/bin/sh\nexec {path} --config {self.file} "$@"\n')
            (self.bin / name).chmod(0o755)
        self.words, self.commands, self.env = {}, {}, {}
        self.typed, self.status = "", 0
        self.check = [str(programs["posternd"]), "--check", "--config",
                      str(self.file)]

    def here(self, text):
        for word, real in self.words.items():
            text = text.replace(word, real)
        return text

    def page(self, text):
        for word, real in sorted(self.words.items(),
                                 key=lambda pair: -len(pair[1])):
            text = text.replace(real, word)
        return text

    def name_program(self, path):
        self.program = pathlib.Path(path)

    def include(self, match):
        return (self.file.parent / match[1]).read_text()

    def configure(self, text):
        text = re.sub(r'@include "([^"]*)"', self.include, self.here(text))
        testbed.merge(self.config, testbed.Reader(text).settings())
        self.file.write_text("".join(
            f"{k} = {testbed.written(v)};\n" for k, v in self.config.items()))
        done = subprocess.run(self.check, capture_output=True, text=True,
                              timeout=60, check=False)
        assert done.returncode == 0, text + done.stderr

    def run(self, command):
        """What it prints, as the page would have it."""
        if command in self.commands:
            return self.commands[command]() or []
        env = {**os.environ, **self.env, "HOME": str(self.home),
               "PATH": f"{self.bin}:/usr/sbin:/sbin:" + os.environ["PATH"]}
        done = subprocess.run(
            ["bash", "-c", f"(exit {self.status}); {self.here(command)}"],
            input=self.typed, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=120, check=False, cwd=self.home, env=env)
        self.status, self.typed = done.returncode, ""
        return self.page(done.stdout).splitlines()

    def until(self, step, seconds=60):
        """Again until it is as the page has it, where that changes nothing."""
        end, typed = time.monotonic() + seconds, self.typed
        while True:
            self.typed = typed
            real = self.run(step.text)
            if same(step.said, real) or not READING.match(step.text) or \
                    time.monotonic() > end:
                return real
            time.sleep(0.2)

    def follow(self, steps, learn=False):
        """All of it; `learn` takes what is said as the truth."""
        for step in steps:
            if step.kind == "hidden":
                verb, *words = self.here(step.text).split()
                self.verbs[verb](*words)
            elif step.kind == "file":
                self.program.write_text(self.here(step.text) + "\n")
                self.program.chmod(0o755)
            elif step.kind == "conf":
                self.configure(step.text)
            elif learn:
                time.sleep(1)
                real = self.run(step.text)
                step.said = step.said if "..." in step.said else real
            else:
                real = self.until(step)
                assert same(step.said, real), "\n".join(
                    [f"$ {step.text}", "--- the page says", *step.said,
                     "--- it said", *real])
