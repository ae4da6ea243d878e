#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Names the tests that failed and closes with "N passed, N failed". A test that did not run has failed.

usage: count_results.py JUNIT_FILE
"""

import sys
import xml.etree.ElementTree

try:
    cases = list(xml.etree.ElementTree.parse(sys.argv[1]).getroot().iter("testcase"))
except (OSError, xml.etree.ElementTree.ParseError) as error:
    print(f"no results to count: {error}")
    cases = []
failed = [case.get("name") for case in cases if case.get("status") != "run"]
slowest = sorted(cases, key=lambda case: -float(case.get("time", 0)))[:5]
print("slowest: " + ", ".join(f"{case.get('name')} {float(case.get('time', 0)):.1f} s" for case in slowest))
for name in failed:
    print(f"failed: {name}")
print(f"{len(cases) - len(failed)} passed, {len(failed)} failed")
sys.exit(1 if failed or not cases else 0)
