#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/operations.md holds every warning and error of the daemons: of each the longest text that is written out in it.

usage: messages.py ROOT

Looked at are the calls by which a text gets into a log: those of the log itself and of Complaints, the errors that are handed
to them, and the warnings that the core decides on. What a program answers to who has called it is no matter of the log,
nor what the file interfaces.conf or a record of Redis is refused for: each of these says itself where and why.
"""

import pathlib
import re
import sys

from tree import report

GUIDE = "docs/operations.md"
# By layer, what is called with a text that ends in a log.
CALLS = {
    "services": r"log_?\.(?:warning|error)|complaints_?\.refuse|fail|StartFailure|(?:warnings|failed)\.push_back",
    "adapters": r"log_?\.(?:warning|error)|fail|StartFailure|refuse|fail_with|Error|lose",
    "core": r"warnings\.push_back|\bwarn|doubt|doubts\.push_back",
}
# In these all that is put together is a text for a log: whole files of the core, and functions of any file.
WORDS_OF_WARNINGS = ("host_check", "repair_guard", "stuck_routes")
FUNCTIONS = r"describe_missing_gateway|words_of_obstacle|remedy_for\w*"
# They answer who has called them, and do not write into a log.
NO_DAEMONS = re.compile(r"multilinkctl|admin_session|doctor|kernel_trial|netlink_devices|(?<!proxy)_command|status_|history_source|published_health|netlink_query")
SHORTEST = 12  # of a text that is told from others


LITERAL = r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])\''


def balanced(text, start):
    """From the bracket at `start` to the one that closes it; brackets in literals do not count."""
    depth = 0
    for found in re.finditer(LITERAL + r"|[(){}]", text[start:]):
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(found.group(), 0)
        if depth == 0:
            return text[start:start + found.end()]
    return text[start:]


def statement(text, start):
    """From `start` to the semicolon."""
    end = next((found.end() for found in re.finditer(LITERAL + "|;", text[start:]) if found.group() == ";"), None)
    return text[start:start + end] if end else text[start:]


def literals(call):
    """The texts in it; neighbours are one, as for the compiler."""
    joined = re.sub(r'"\s*\n\s*"', "", call)
    return [found.replace('\\"', '"') for found in re.findall(r'"((?:\\.|[^"\\])*)"', joined)]


def calls(text, names):
    """(position, call) of each."""
    for found in re.finditer(rf"(?<![\w:])(?:[\w.]*\b)?(?:{names})(?:\(|\{{)", text):
        yield found.start(), balanced(text, found.end() - 1)


def remedies(text):
    """(position, text) of what is told beside an error: what some functions return, or a variable keeps."""
    for found in re.finditer(rf"\b(?:{FUNCTIONS})\([^;{{}}]*\)\s*\{{", text):
        body = balanced(text, found.end() - 1)
        for one in re.finditer(r"\breturn\b", body):
            yield found.end() - 1 + one.start(), statement(body, one.start())
    for found in re.finditer(r"\bremedy\s*=", text):
        yield found.start(), statement(text, found.start())


def messages(path):
    """(line, longest text) of each."""
    text = path.read_text(encoding="utf-8")
    names = CALLS[path.parent.name] + (r"|\bcat" if path.stem in WORDS_OF_WARNINGS else "")
    told_beside = () if path.name.startswith("config.") else remedies(text)  # a refused line tells its own
    for position, words in (*calls(text, names), *told_beside):
        longest = max((plain(one) for one in literals(words)), key=len, default="")
        if len(longest) >= SHORTEST:
            yield text.count("\n", 0, position) + 1, longest


def plain(text):
    return " ".join(text.strip(" ;:,.").split())


def main():
    root = pathlib.Path(sys.argv[1])
    guide = plain((root / GUIDE).read_text(encoding="utf-8"))
    problems = []
    for path in sorted(path for layer in CALLS for path in (root / "src" / layer).glob("*.cpp")):
        if NO_DAEMONS.search(path.name):
            continue
        for line, text in sorted(set(messages(path))):
            if text not in guide:
                problems.append(f"{path.relative_to(root)}:{line}: {GUIDE} has no message with '{text}'; add it to the table of its "
                                "program, with what it means and what to do")
    sys.exit(report(problems, "messages of the daemons"))


if __name__ == "__main__":
    main()
