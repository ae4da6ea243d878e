#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How long a flow is interrupted when the better of two uplinks fails, what the return costs, how often loss makes the
route flap, and what the watching costs: multilink at its defaults beside a script that switches at the instant of
the fault, the best anybody could do, and beside what people use otherwise. Each run has a lab of its own, with one
UDP flow of 1 000 packets/s and RTTs of 20 and 80 ms; the fault comes at a random phase of the probing. The runs are
taken in turns, so that the machine's mood hits all alike; loss and cost are watched in all labs at the same time.
Prints one line of JSON a run on stderr and a table of medians (minimum, maximum) on stdout."""

import argparse
import concurrent.futures
import json
import os
import random
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lab"))

import peers
from multilink_lab import isolate
from multilink_lab.scenario import Options, newest_build

FAULTS = ("carrier", "blackhole", "dead_next_hop")


def fault_run(options, who, fault, calm, see_return):
    with who.ready(options) as contestant:
        better, other = contestant.lab.isps
        flow = contestant.lab.udp_flow()
        time.sleep(calm + random.random())
        begun = contestant.cut(fault)
        flow.alive(other.source, 60)
        figures = {"outage_ms": flow.report(begun - 0.5)["outage_ms"]}
        if see_return:
            repaired = contestant.repair(fault)
            figures["returned_s"] = round(flow.alive(better.source, who.seconds_to_return) - repaired, 3)
            figures["failback_lost"] = flow.report(repaired)["lost"]
    return figures


def loss_run(options, who, percent, seconds):
    """How often the flow changed its uplink while the better one lost so many of its packets."""
    with who.ready(options) as contestant:
        flow = contestant.lab.udp_flow()
        time.sleep(5)
        begun = contestant.lab.isps[0].cut("loss", percent=percent)
        return {"switches": flow.report(begun, begun + seconds)["source_changes"]}


def cost_run(options, who, seconds):
    with who.ready(options) as contestant:
        contestant.lab.udp_flow()
        time.sleep(5)
        return {"cpu_ms_per_minute": round(peers.calm_cost(contestant, seconds), 1)}


def tell(what, who, figures):
    print(json.dumps({"what": what, "who": who.name, **figures}), file=sys.stderr, flush=True)


def together(what, run, options, contestants, *arguments):
    """One run of each, all at the same time: gives the figures by contestant."""
    with concurrent.futures.ThreadPoolExecutor(len(contestants)) as pool:
        futures = {who: pool.submit(run, options, who, *arguments) for who in contestants}
        figures = {who: future.result() for who, future in futures.items()}
    for who in contestants:
        tell(what, who, figures[who])
    return figures


def cell(runs, key):
    values = [run[key] for run in runs if key in run]
    return f"{statistics.median(values):.5g} ({min(values):.5g}, {max(values):.5g})" if values else ""


def table(*heads):
    print(f"\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}")


def faults(arguments, options, contestants):
    runs = {(fault, who): [] for fault in arguments.faults for who in contestants}
    for number in range(arguments.runs):
        for fault, who in runs:
            figures = fault_run(options, who, fault, arguments.calm, number < arguments.returns)
            tell(fault, who, figures)
            runs[fault, who].append(figures)
    table("fault", "who", "outage ms", "return after repair s", "packets lost at return")
    for (fault, who), figures in runs.items():
        cells = [cell(figures, key) for key in ("outage_ms", "returned_s", "failback_lost")]
        print(f"| {fault} | {who.name} | {' | '.join(cells)} |", flush=True)


def flapping_and_cost(arguments, options, contestants):
    columns = [together(f"loss of {percent} %", loss_run, options, contestants, percent, arguments.loss_seconds)
               for percent in (5, 10)]
    columns.append(together("cost", cost_run, options, contestants, arguments.cost_seconds))
    table("who", *(f"switches in {arguments.loss_seconds} s at {percent} % loss" for percent in (5, 10)),
          "CPU ms/min in calm")
    for who in contestants:
        print(f"| {who.name} | {' | '.join(str(*column[who].values()) for column in columns)} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--returns", type=int, default=5, help="how many of them also see the return (lsm: 100 s)")
    parser.add_argument("--calm", type=float, default=60, help="seconds of undisturbed probing before the fault")
    parser.add_argument("--loss-seconds", type=float, default=180, help="0: no runs for loss and cost")
    parser.add_argument("--cost-seconds", type=float, default=60)
    parser.add_argument("--who", nargs="+", help=f"words of the names: {'; '.join(each.name for each in peers.ALL)}")
    parser.add_argument("--build", default=newest_build(), help="build folder (default: the newest)")
    parser.add_argument("faults", nargs="*", default=FAULTS, help=f"default: {' '.join(FAULTS)}; also: unreachable")
    arguments = parser.parse_args()
    contestants = [who for who in peers.ALL if not arguments.who or any(word in who.name for word in arguments.who)]
    if peers.missing(contestants):
        parser.exit(2, f"{parser.prog}: {peers.missing(contestants)}\n")
    options = Options(f"{arguments.build}/lab", f"{arguments.build}/bin", False)
    isolate()
    print(f"{arguments.runs} runs each: median (minimum, maximum); load of the machine before: {os.getloadavg()[0]}")
    if arguments.runs:
        faults(arguments, options, contestants)
    if arguments.loss_seconds:
        flapping_and_cost(arguments, options, [who for who in contestants if who is not peers.Instant])


if __name__ == "__main__":
    main()
