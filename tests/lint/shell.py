#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""shellcheck has nothing to say of any shell script.   usage: shell.py ROOT SHELLCHECK"""

import subprocess
import sys

import tree

root, shellcheck = sys.argv[1:]
sys.exit(subprocess.run([shellcheck, "-x", "-S", "style", *map(str, tree.scripts(root, "sh"))], cwd=root).returncode)
