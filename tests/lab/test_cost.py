#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the suite costs with two uplinks, at rest and under traffic. Not for sanitised builds, which cost what they
cost."""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from multilink_lab.scenario import expect, main
from multilink_lab.suite import running

CALM_S = 5  # by then the traffic has a rhythm
# The promise is 200 ms and 40 MB; clock ticks and a busy machine are given some room.
MOST_CPU_MS, MOST_PSS_KIB = 400, 40 * 1024


def cost(suite, length):
    """CPU ms a minute and PSS of the daemons and Redis together, over so many seconds in which nothing is to happen."""
    before, begun = suite.cost(), time.monotonic()
    time.sleep(length)
    after, minutes = suite.cost(), (time.monotonic() - begun) / 60
    cpu = {name: round((after[name]["cpu_s"] - before[name]["cpu_s"]) * 1000 / minutes) for name in after}
    pss = {name: after[name]["pss_kib"] for name in after}
    expect(sum(cpu.values()) <= MOST_CPU_MS and sum(pss.values()) <= MOST_PSS_KIB, (cpu, pss))
    return {"cpu_ms_per_minute": {**cpu, "all": sum(cpu.values())}, "pss_kib": {**pss, "all": sum(pss.values())}}


def test_idle(options):
    """Over 30 s, or two minutes with --long."""
    with running(options) as (_, suite):
        return cost(suite, 120 if options.long else 30)


def test_traffic(options):
    """The same with 1 000 packets a second through the better uplink: its silence would be noticed at once."""
    with running(options) as (lab, suite):
        flow = lab.udp_flow()
        time.sleep(CALM_S)
        begun, events = time.monotonic(), suite.events()
        figures = cost(suite, 120 if options.long else 30)
        report = flow.report(begun)
        expect(list(report["sources"]) == [lab.isps[0].source] and suite.events() == events, report)
    return figures


if __name__ == "__main__":
    main(globals())
