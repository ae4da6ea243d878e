#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether requests for the status page delay the failover: the chain from the timeout of the probe that decides to the kernel's route,
with and without 200 requests a second, side by side.

In each lab one uplink after another falls silent, half of them while lighttpd serves the page to the LAN; which half, changes with each
lab. Each service has a session of its own, and the suite's have the share of the processor that their units ask for. Wants a machine with nothing else to do.
"""

import argparse
import json
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lab"))

from multilink_lab import Uplink, isolate
from multilink_lab.page import LanPage
from multilink_lab.scenario import Options, newest_build
from multilink_lab.suite import DAEMONS, running

RATE = 200
FAILOVERS = 10  # of a lab
CALM_S = 4  # by then each target was asked
SETTLE_S = 1  # of the load


def weigh(suite):
    """CPUWeight=1000 of the units is what this niceness is among sessions."""
    for name in ("redis", *DAEMONS):
        with open(f"/proc/{suite.pid(name)}/autogroup", "w", encoding="ascii") as file:
            file.write("-10")


def cpu_s(pid):
    """Of a process and of its children that have ended."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return sum(int(word) for word in file.read().rsplit(")", 1)[1].split()[11:15]) / os.sysconf("SC_CLK_TCK")


def failover(suite, old, new):
    """The milliseconds until healthd had decided, until routed had heard, and until the kernel had the route."""
    old.cut("blackhole")
    event = suite.wait(lambda: next((event for event in suite.events() if event["source"] == "routed" and event["family"] == "4" and
                                     (event["from"], event["to"]) == (old.device, new.device)), None), 20, "routed's event")
    verdict = next(each for each in suite.events() if each["source"] == "healthd" and each["decided_ns"] == event["decided_ns"])
    chain = int(event["chain_us"])
    return {"decided": int(verdict["chain_us"]) / 1000, "heard": (chain - int(event["took_us"])) / 1000, "chain": chain / 1000}


def half(suite, page, uplinks, with_load):
    """The failovers from each uplink to the next one; and what the load has met."""
    load = page.load(RATE) if with_load else None
    begun, cpu, redis = time.monotonic(), cpu_s(page.process.pid), cpu_s(suite.pid("redis"))
    time.sleep(SETTLE_S)
    measured = []
    for old, new in zip(uplinks, uplinks[1:]):
        measured.append(failover(suite, old, new))
        time.sleep(SETTLE_S)
    if not load:
        return measured, None
    passed = time.monotonic() - begun
    met = load.report(begun, begun + passed)
    load.close()
    figures = {"requests": met["begun"], "failed": met["failed"], "errors": met["errors"], **met["latency_ms"],
               "cpu_ms_a_page": round((cpu_s(page.process.pid) - cpu) * 1000 / met["begun"], 2),
               "redis_ms_a_page": round((cpu_s(suite.pid("redis")) - redis) * 1000 / met["begun"], 2)}
    return measured, figures


def lab_run(options, number, rtt_ms, with_weight):
    uplinks = [Uplink(rtt_ms=rtt_ms, metric=100 + i) for i in range(FAILOVERS + 1)]
    with running(options, uplinks) as (lab, suite):
        if with_weight:
            weigh(suite)
        page = LanPage(lab, suite, options.bin)
        time.sleep(CALM_S)
        middle = FAILOVERS // 2
        for isps, with_load in ((lab.isps[:middle + 1], number % 2 == 0), (lab.isps[middle:], number % 2 == 1)):
            measured, met = half(suite, page, isps, with_load)
            for figures in measured:
                print(json.dumps({"lab": number, "load": with_load, **figures}), file=sys.stderr, flush=True)
            if met:
                print(json.dumps({"lab": number, "page": met}), file=sys.stderr, flush=True)
            yield with_load, measured, met


def at(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def table(runs, pages):
    print("\n| of the chain | without | with the load | ratio |\n|---|---|---|---|")
    for part in ("decided", "heard", "chain"):
        without, loaded = ([run[part] for run in runs[with_load]] for with_load in (False, True))
        for name, figure in (("p50", statistics.median), ("p99", lambda values: at(values, 0.99)), ("max", max)):
            print(f"| {part} {name}, ms | {figure(without):.2f} | {figure(loaded):.2f} | {figure(loaded) / figure(without):.2f} |")
    print(f"\n{len(runs[False])} and {len(runs[True])} failovers; {sum(page['requests'] for page in pages)} requests, "
          f"{sum(page['failed'] for page in pages)} failed; a page takes "
          f"{statistics.median(page['cpu_ms_a_page'] for page in pages):.1f} ms of CPU, Redis "
          f"{statistics.median(page['redis_ms_a_page'] for page in pages):.2f} ms more; its answer "
          f"{statistics.median(page['median'] for page in pages):.1f} ms (median), {max(page['max'] for page in pages):.0f} ms at the most")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labs", type=int, default=20, help="with 5 failovers each way in each")
    parser.add_argument("--rtt", type=float, default=20, help="ms")
    parser.add_argument("--no-weight", action="store_true", help="all services share the processor alike")
    parser.add_argument("--build", default=newest_build(), help="build folder (default: the newest)")
    arguments = parser.parse_args()
    options = Options(f"{arguments.build}/lab", f"{arguments.build}/bin", False)
    isolate()
    print(f"load of the machine before: {os.getloadavg()[0]}")
    runs, pages = {False: [], True: []}, []
    for number in range(arguments.labs):
        for with_load, measured, met in lab_run(options, number, arguments.rtt, not arguments.no_weight):
            runs[with_load] += measured
            pages += [met] if met else []
    table(runs, pages)


if __name__ == "__main__":
    main()
