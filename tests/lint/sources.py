#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every source names its licence, stays of a readable size, and leaves no note of work undone; a GoogleTest file has a
namespace of its own name.

usage: sources.py ROOT
"""

import pathlib
import re
import sys

import tree

LICENCE = "SPDX-License-Identifier: GPL-2.0-or-later"
UNDONE = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b")
SKIPPED_TEST = re.compile(r"GTEST_" r"SKIP|\bDIS" r"ABLED_|skip" r"Test|unittest\.sk" r"ip")
LONGEST = 450
SOURCES = {".cpp", ".hpp", ".py", ".sh"}


def problems(root):
    found = []
    scripts = set(tree.scripts(root, "sh")) | set(tree.scripts(root, "python"))
    for file in tree.files(root):
        if file.suffix not in SOURCES and file not in scripts:
            continue
        path = file.relative_to(root)
        lines = file.read_text().splitlines()
        if LICENCE not in "\n".join(lines[:5]):
            found.append(f"{path}:1: no '{LICENCE}' in the first lines")
        if len(lines) > LONGEST:
            found.append(f"{path}: {len(lines)} lines: is there a second idea in it? (at most {LONGEST})")
        # Several of them are compiled as one.
        if path.parts[0] == "tests" and file.name.endswith("_test.cpp") and f"namespace {file.stem} {{" not in lines:
            found.append(f"{path}: the tests are not in a 'namespace {file.stem} {{'")
        for number, line in enumerate(lines, 1):
            if UNDONE.search(line):
                found.append(f"{path}:{number}: left undone: {line.strip()}")
            if SKIPPED_TEST.search(line):
                found.append(f"{path}:{number}: no test is skipped: {line.strip()}")
    return found


if __name__ == "__main__":
    sys.exit(tree.report(problems(pathlib.Path(sys.argv[1])), "the sources"))
