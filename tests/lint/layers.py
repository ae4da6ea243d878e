#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The dependency rule of docs/architecture.md: core -> std; ports -> core; services -> core, ports;
adapters -> core, ports, services, libraries; daemons -> all. And no clock is read in core or services.

usage: layers.py ROOT
"""

import pathlib
import re
import sys

import tree

ALLOWED = {
    "core": {"core"},
    "ports": {"core", "ports"},
    "services": {"core", "ports", "services"},
    "adapters": {"core", "ports", "services", "adapters"},
}
# What a pure layer may take from outside the standard library: header-only value types.
VALUE_TYPES = {"tl/expected.hpp", "nlohmann/json.hpp", "nlohmann/json_fwd.hpp"}
# inet_pton and inet_ntop are pure functions between text and numbers.
EXCEPTIONS = {("src/core/ip_address.cpp", "arpa/inet.h")}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
STANDARD = re.compile(r"^[a-z_0-9]+$")  # <vector>, <chrono>, <cstdint>
IMPURE = {"thread", "mutex", "future", "fstream", "iostream", "filesystem", "cstdio", "condition_variable"}
CLOCK = re.compile(r"::now\(\)|\btime\(nullptr\)|clock_gettime|gettimeofday")


def layer_of(path):
    parts = path.split("/")
    if parts[0] == "src":
        return parts[1]
    if parts[:2] == ["include", "multilink"]:
        return parts[2]
    return None


def problem_of(path, layer, bracket, name):
    if name.startswith("multilink/"):
        target = name.split("/")[1]
        return None if target in ALLOWED[layer] else f"{layer} may not include {target}"
    if bracket == '"':
        return "write an include of the project as multilink/<layer>/<name>.hpp"
    if name in VALUE_TYPES or (path, name) in EXCEPTIONS:
        return None
    if layer == "adapters":
        hidden = path.startswith("src/") or STANDARD.match(name)
        return None if hidden else "a header of ours names no library: hide it in the source"
    if not STANDARD.match(name):
        return f"{layer} uses the standard library only"
    return f"{layer} does no input, output or threads" if name in IMPURE else None


def problems(root):
    found = []
    for file in tree.cpp(root):
        path = str(file.relative_to(root))
        layer = layer_of(path)
        if layer not in ALLOWED:
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            include = INCLUDE.match(line)
            if include:
                problem = problem_of(path, layer, *include.groups())
                if problem:
                    found.append(f"{path}:{number}: {include.group(2)}: {problem}")
            if layer != "adapters" and CLOCK.search(line):
                found.append(f"{path}:{number}: {layer} reads no clock: take the time as an argument")
    return found


if __name__ == "__main__":
    sys.exit(tree.report(problems(pathlib.Path(sys.argv[1])), "the layers"))
