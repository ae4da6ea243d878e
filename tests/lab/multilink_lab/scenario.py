# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the test functions of a script: each prints its figures as one line of JSON, or what went wrong."""

import argparse
import dataclasses
import glob
import json
import os
import shutil
import sys
import time
import traceback

from multilink_lab.isolation import isolate

# The most that an outage may last which the kernel's own news ends, a carrier's loss or a deletion: some 25 ms where
# nothing else runs, and half a second where everything does.
AT_ONCE_MS = 500


@dataclasses.dataclass
class Options:
    tools: str  # the build's folder lab/
    bin: str  # the build's folder bin/
    long: bool
    seed: int = 0  # of what is random in a test


def expect(condition, message):
    if not condition:
        raise AssertionError(message)


def main(functions):
    """`functions`: the script's globals(); those named test_… are the tests. Ends the process."""
    tests = {name: function for name, function in functions.items() if name.startswith("test_")}
    parser = argparse.ArgumentParser(description=functions["__doc__"])
    parser.add_argument("tests", nargs="*", metavar="TEST", help=f"default: all of {', '.join(tests)}")
    parser.add_argument("--build", default=newest_build(), help="build folder (default: the newest)")
    parser.add_argument("--long", action="store_true", default=os.environ.get("MULTILINK_LONG") == "1",
                        help="the full lengths instead of short versions (also: MULTILINK_LONG=1)")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("MULTILINK_SEED") or 1),
                        help="of the test's dice (also: MULTILINK_SEED=N)")
    arguments = parser.parse_args()
    unknown = set(arguments.tests) - set(tests)
    if unknown or not arguments.build:
        parser.error(f"no such test: {', '.join(unknown)}" if unknown else "nothing built yet: give --build")
    options = Options(f"{arguments.build}/lab", f"{arguments.build}/bin", arguments.long, arguments.seed)
    isolate()
    failed = [name for name in arguments.tests or tests if not _run(name, tests[name], options)]
    sys.exit(f"failed: {' '.join(failed)}" if failed else 0)


def newest_build():
    root = os.path.realpath(os.path.join(os.path.dirname(__file__), "../../.."))
    tools = glob.glob(f"{root}/build/*/lab/udp_flow")
    return os.path.dirname(os.path.dirname(max(tools, key=os.path.getmtime))) if tools else None


def _run(name, test, options):
    begun = time.monotonic()
    for directory in glob.glob("/run/ml*-lab"):
        shutil.rmtree(directory)  # of the test before
    try:
        figures = test(options)
    except Exception:
        traceback.print_exc()
        for path in sorted(glob.glob("/run/ml*-lab/*.log")):
            with open(path, encoding="utf-8", errors="replace") as log:
                print(f"--- {path}", *log.read().splitlines()[-80:], sep="\n", file=sys.stderr)
        return False
    print(json.dumps({"test": name, "seconds": round(time.monotonic() - begun, 1), **(figures or {})}), flush=True)
    return True
