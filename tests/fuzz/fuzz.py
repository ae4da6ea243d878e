#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a fuzzer for a minute, or 10 minutes with MULTILINK_LONG=1, from its corpus and what earlier runs here have found.

usage: fuzz.py ROOT PROGRAM [libFuzzer option...]
"""

import os
import subprocess
import sys

SHORT_S, LONG_S = 60, 600
# Kept by other tests already.
MORE_SEEDS = {"config": ("tests/data/bad-config", "config")}
LONGEST = {"config": 16384, "icmp": 256, "query": 1024}


def main(root, program, *options):
    name = os.path.basename(program).removesuffix("_fuzz")
    if not os.path.exists(program):
        sys.exit(f"{program} is not built: that takes clang++ and libFuzzer, packages clang and libclang-rt-dev")
    found = f"{program}.found"
    os.makedirs(f"{found}/corpus", exist_ok=True)
    seeds = [f"{root}/{folder}" for folder in (f"tests/fuzz/corpus/{name}", *MORE_SEEDS.get(name, ()))]
    seconds = LONG_S if os.environ.get("MULTILINK_LONG") == "1" else SHORT_S
    command = [program, f"-max_total_time={seconds}", f"-max_len={LONGEST.get(name, 4096)}", "-timeout=60", "-rss_limit_mb=1024",
               "-print_final_stats=1", f"-artifact_prefix={found}/", *options, f"{found}/corpus", *filter(os.path.isdir, seeds)]
    print(*command, flush=True)
    status = subprocess.run(command, check=False).returncode
    if status != 0:
        print(f"A finding is in {found}/crash-...; '{program} FILE' repeats it. Make a unit test of it.")
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
