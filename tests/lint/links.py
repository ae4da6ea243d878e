#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every link of a Markdown file to another file, or to a heading, leads there.

usage: links.py ROOT
"""

import pathlib
import re
import sys

from tree import files, report


def without_code(text):
    return re.sub(r"```.*?```|`[^`\n]*`", lambda code: re.sub(r"[^\n]", " ", code.group()), text, flags=re.DOTALL)


def anchors(path):
    """As GitHub makes them of headings."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
            for heading in re.findall(r"(?m)^#+ (.*)$", text)}


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    problems = []
    for path in (file for file in files(root) if file.suffix == ".md"):
        text = without_code(path.read_text(encoding="utf-8"))
        for found in re.finditer(r"\]\(([^)\s]+)\)", text):
            target, _, anchor = found.group(1).partition("#")
            if re.match(r"\w+:", target):
                continue
            there = (path.parent / target).resolve() if target else path
            where = f"{path.relative_to(root)}:{text.count(chr(10), 0, found.start()) + 1}"
            if not there.exists():
                problems.append(f"{where}: there is no {target}")
            elif anchor and anchor not in anchors(there):
                problems.append(f"{where}: {target or path.name} has no heading #{anchor}")
    sys.exit(report(problems, "links"))


if __name__ == "__main__":
    main()
