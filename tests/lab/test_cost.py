#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the suite costs at rest with two uplinks. Not for sanitised builds, which cost what they cost."""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from multilink_lab.scenario import expect, main
from multilink_lab.suite import running


def test_idle(options):
    """CPU ms a minute and PSS of the daemons and Redis together: over 30 s, or two minutes with --long."""
    length = 120 if options.long else 30
    with running(options) as (_, suite):
        before, begun = suite.cost(), time.monotonic()
        time.sleep(length)  # what is measured is that nothing happens
        after, minutes = suite.cost(), (time.monotonic() - begun) / 60
    cpu = {name: round((after[name]["cpu_s"] - before[name]["cpu_s"]) * 1000 / minutes) for name in after}
    pss = {name: after[name]["pss_kib"] for name in after}
    # The promise is 200 ms and 40 MB; clock ticks and a busy machine are given some room.
    expect(sum(cpu.values()) <= 400 and sum(pss.values()) <= 40 * 1024, (cpu, pss))
    return {"cpu_ms_per_minute": {**cpu, "all": sum(cpu.values())}, "pss_kib": {**pss, "all": sum(pss.values())}}


if __name__ == "__main__":
    main(globals())
