#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every program has a manual page that names each of its options, and interfaces.conf(5) is up to date.

usage: manual.py ROOT BUILD
"""

import pathlib
import re
import subprocess
import sys

PROGRAMS = ("pingd", "healthd", "routed", "notifyd", "multilinkctl", "multilink-squid-helper")


def main():
    root, build = map(pathlib.Path, sys.argv[1:3])
    found = []
    made = subprocess.run([sys.executable, root / "scripts/manual_of_config.py", root, "--check"], capture_output=True,
                          text=True, check=False)
    found += made.stderr.splitlines()
    for program in PROGRAMS:
        page = (root / f"docs/man/{program}.8").read_text(encoding="utf-8").replace("\\-", "-")
        usage = subprocess.run([build / "bin" / program, "--help"], capture_output=True, text=True, check=True).stdout
        for option in sorted(set(re.findall(r"--[a-z][a-z-]*", usage))):
            if option not in page:
                found.append(f"docs/man/{program}.8: {option} is missing")
    print(*found, sep="\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
