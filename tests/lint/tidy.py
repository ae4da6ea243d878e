#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""clang-tidy has nothing to say of any source of the library and the daemons.

Sources go to it in batches, as one file that includes them: most of its time goes into the headers that all of them share.
Where two of a batch have the same names, or it has anything to say, each of that batch is looked at by itself.

usage: tidy.py ROOT BUILD_DIR CLANG_TIDY
"""

import concurrent.futures
import itertools
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

import tree

BATCH = 8
HIDDEN = re.compile(r"^namespace \{$(.*?)^\}  // namespace$", re.DOTALL | re.MULTILINE)
# What begins at the left margin there: the name before the first of ( = { ; [.
NAME = re.compile(r"^(?!\s|//|\}|template|#)[^\n(={;]*?\b(\w+)(?: final| : [^\n]*)?\s*[(={;\[]", re.MULTILINE)
ALIAS = re.compile(r"^using (?:namespace )?([\w:]+)", re.MULTILINE)


def names(source):
    """The names that two sources of one batch must not share."""
    text = source.read_text(encoding="utf-8")
    found = {alias.rpartition("::")[2] for alias in ALIAS.findall(text)}
    if "chrono" in found:
        found |= {"hours", "minutes", "seconds", "milliseconds"}
    for part in HIDDEN.findall(text):
        found.update(NAME.findall(part))
    return found


def batches(sources):
    """Lists of at most BATCH sources that share no names, each of one folder."""
    made = []  # (folder, sources, names)
    for source in sources:
        own = names(source)
        for folder, members, taken in made:
            if folder == source.parent and len(members) < BATCH and not own & taken:
                members.append(source)
                taken |= own
                break
        else:
            made.append((source.parent, [source], own))
    return [members for _, members, _ in made]


def flags(build):
    """Source -> the options it is compiled with."""
    with open(f"{build}/compile_commands.json", encoding="utf-8") as file:
        commands = {entry["file"]: shlex.split(entry["command"]) for entry in json.load(file)}
    return {pathlib.Path(source): [option for option in itertools.dropwhile(is_program, command[:command.index("-o")])
                                   if not option.startswith("-O")]
            for source, command in commands.items()}


def is_program(word):
    """The compiler, and a cache before it."""
    return not word.startswith("-")


def tidy(program, root, source, options, more=""):
    """What it has to say; empty: nothing."""
    command = [program, "--quiet", f"--config-file={root}/.clang-tidy", f"--header-filter={root}/.*", f"--checks={more}", source]
    done = subprocess.run([*command, "--", *options], capture_output=True, text=True)
    return done.stdout if done.returncode != 0 or "warning:" in done.stdout else ""


def tidy_batch(program, root, sources, options):
    with tempfile.NamedTemporaryFile("w", suffix=".cpp", encoding="utf-8") as batch:
        batch.writelines(f'#include "{source}"\n' for source in sources)
        batch.flush()
        return tidy(program, root, batch.name, options, "-bugprone-suspicious-include")


def main(root, build, clang_tidy):
    sources = [f for f in tree.cpp(root)
               if f.suffix == ".cpp" and f.relative_to(pathlib.Path(root)).parts[0] in ("src", "daemons")]
    options = flags(build)

    def look(members):
        if len(members) > 1 and not tidy_batch(clang_tidy, root, members, options[members[0]]):
            return []
        return [said for said in (tidy(clang_tidy, root, member, options[member]) for member in members) if said]

    findings = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(look, batches(sources)):
            findings += found
            print(*found, sep="\n", end="", flush=True)
    print(f"clang-tidy: {len(sources)} file(s), {len(findings)} with findings")
    return 1 if findings or not sources else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
