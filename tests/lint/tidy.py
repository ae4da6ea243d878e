#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""clang-tidy has nothing to say of any source of the library and the daemons.

usage: tidy.py ROOT BUILD_DIR CLANG_TIDY
"""

import concurrent.futures
import os
import pathlib
import subprocess
import sys

import tree

root, build, clang_tidy = sys.argv[1:]
os.nice(19)  # tests that measure time run beside it


def tidy(file):
    done = subprocess.run([clang_tidy, "-p", build, "--quiet", str(file)], capture_output=True, text=True)
    return done.returncode, done.stdout


sources = [f for f in tree.cpp(root)
           if f.suffix == ".cpp" and f.relative_to(pathlib.Path(root)).parts[0] in ("src", "daemons")]
failed = 0
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    for status, output in pool.map(tidy, sources):
        if status != 0 or "warning:" in output:
            failed += 1
            print(output)
print(f"clang-tidy: {len(sources)} file(s), {failed} with findings")
sys.exit(1 if failed or not sources else 0)
