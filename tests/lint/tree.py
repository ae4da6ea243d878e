# SPDX-License-Identifier: GPL-2.0-or-later
"""The files of the project that a lint looks at."""

import os
import pathlib

SKIPPED = {"build", ".git", "__pycache__", "node_modules"}


def files(root):
    """Every file below `root` that is part of the project, sorted."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in SKIPPED)
        for name in sorted(names):
            yield pathlib.Path(folder, name)


def cpp(root):
    """The C++ sources and headers."""
    return [f for f in files(root) if f.suffix in (".cpp", ".hpp")]


def scripts(root, interpreter):
    """The scripts whose first line names `interpreter` ("sh" is found in "bash", too)."""
    found = []
    for file in files(root):
        with file.open("rb") as opened:
            first = opened.readline(200)
        if first.startswith(b"#!") and interpreter.encode() in first:
            found.append(file)
    return found


def report(problems, what):
    """Prints the problems; gives the exit status."""
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problem(s) in {what}")
    return 1 if problems else 0
