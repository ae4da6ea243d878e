#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every C++ file is as clang-format leaves it.   usage: format.py ROOT CLANG_FORMAT"""

import subprocess
import sys

import tree

root, clang_format = sys.argv[1:]
sys.exit(subprocess.run([clang_format, "--dry-run", "--Werror", *map(str, tree.cpp(root))]).returncode)
