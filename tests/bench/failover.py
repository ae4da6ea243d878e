#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How long a flow is interrupted when the better of two uplinks fails: multilink at its defaults beside a script
that switches at the instant of the fault, the best anybody could do. Each run has a lab of its own; the fault comes
at a random phase of the probing. Prints one line of JSON a run on stderr and a table of medians (minimum, maximum) on
stdout."""

import argparse
import json
import os
import random
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lab"))

from multilink_lab import Lab, isolate
from multilink_lab.scenario import Options, newest_build
from multilink_lab.suite import running

FAULTS = ("carrier", "blackhole", "dead_next_hop", "unreachable")


def instant(options, fault):
    with Lab(options.tools) as lab:
        flow = lab.udp_flow()
        begun = lab.cut_and_switch(fault, *lab.isps)
        flow.alive(lab.isps[1].source)
        failover = flow.report(begun - 0.5)
        begun = time.monotonic()
        lab.isps[0].repair(fault)
        lab.switch(lab.isps[0])
        flow.alive(lab.isps[0].source)
        failback = flow.report(begun - 0.2)
    return {"outage_ms": failover["outage_ms"], "failback_lost": failback["lost"]}


def multilink(options, fault, calm):
    with running(options) as (lab, suite):
        better, other = lab.isps
        flow = lab.udp_flow()
        time.sleep(calm + random.random())
        begun = better.cut(fault)
        flow.alive(other.source, 60)
        suite.wait_active(2, other.device)
        failover = flow.report(begun - 0.5)
        repaired = better.repair(fault)
        returned = flow.alive(better.source, 60)
        suite.wait_active(2, better.device)
        failback = flow.report(repaired)
    return {"outage_ms": failover["outage_ms"], "returned_s": returned - repaired, "failback_lost": failback["lost"]}


def cell(runs, key):
    values = [run[key] for run in runs if key in run]
    return f"{statistics.median(values):.1f} ({min(values):.1f}, {max(values):.1f})" if values else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--calm", type=float, default=60, help="seconds of undisturbed probing before the fault")
    parser.add_argument("--build", default=newest_build(), help="build folder (default: the newest)")
    parser.add_argument("faults", nargs="*", default=FAULTS)
    arguments = parser.parse_args()
    options = Options(f"{arguments.build}/lab", f"{arguments.build}/bin", False)
    isolate()
    rows = []
    for fault in arguments.faults:
        for who, run in (("instant script", lambda: instant(options, fault)),
                         ("multilink", lambda: multilink(options, fault, arguments.calm))):
            runs = []
            for _ in range(arguments.runs):
                runs.append(run())
                print(json.dumps({"fault": fault, "who": who, **runs[-1]}), file=sys.stderr, flush=True)
            rows.append((fault, who, cell(runs, "outage_ms"), cell(runs, "returned_s"), cell(runs, "failback_lost")))
    print(f"{arguments.runs} runs each: median (minimum, maximum); a UDP flow of 1 000 packets/s, RTT 20 and 80 ms\n")
    print("| fault | who | outage ms | return after repair s | packets lost at return |\n|---|---|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
