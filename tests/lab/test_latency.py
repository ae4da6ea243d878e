#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How long the chain itself takes: from the timeout of the probe that decides, through Redis, to the kernel's route.
What the suite says of it is held against a packet capture and the kernel's own word on its routes."""

import contextlib
import datetime
import os
import re
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from multilink_lab import Uplink
from multilink_lab.page import LanPage
from multilink_lab.scenario import expect, main
from multilink_lab.suite import running
from multilink_lab.waiting import wait_until

# One uplink after another fails: each fails once, so that no damping of flaps holds anything up.
FAILOVERS_OF_A_LAB = 5
CALM_S = 4  # by then each target was asked, and the traffic has a rhythm
# The bounds of a run beside other work; the figures are printed.
MOST_P50_MS, MOST_P99_MS = 5, 50
# tests/bench/page.py measures what requests for the page cost; here they come beside other tests.
# 200 a second take all of two processors: only --long may count on having them.
PAGES_A_SECOND, LONG_PAGES_A_SECOND, PAGES_S, MOST_BESIDE_PAGES_MS = 40, 200, 10, 500
# The stamps of others: a packet's when it leaves, a route's when `ip monitor` has been woken for it.
CAPTURE_SLACK_S, WAKING_SLACK_S = 0.002, 0.02

PROBE = re.compile(r"^(?P<at>[\d.]+) .*IP (?P<source>\S+) > (?P<target>\S+): ICMP echo request, id \d+, seq (?P<seq>\d+),")
ROUTE = re.compile(r"^\[(?P<at>[^]]+)\]\s*default via \S+ dev (?P<device>\S+) .*metric 3\b")


class Witnesses:
    """tcpdump and `ip monitor` in the gateway; their times, by the wall clock, are turned into monotonic ones."""

    def __init__(self, lab):
        self._outputs = [f"{lab.directory}/probes.txt", f"{lab.directory}/routes.txt"]
        self._processes = [
            self._start(lab, self._outputs[0], "tcpdump", "-i", "any", "-n", "-l", "-tt", "--immediate-mode", "-Z", "root",
                        "icmp[icmptype] == icmp-echo"),
            self._start(lab, self._outputs[1], "ip", "-ts", "-4", "monitor", "route")]
        wait_until(lambda: "listening on" in self._read(self._outputs[0]), 5, what="tcpdump listens")

    @staticmethod
    def _start(lab, output, *command):
        with open(output, "wb") as file:
            return lab.gateway.popen(*command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)

    @staticmethod
    def _read(path):
        with open(path, encoding="utf-8") as file:
            return file.read()

    def _lines(self, path, pattern):
        return filter(None, map(pattern.match, self._read(path).splitlines()))

    def sent(self, source, target, sequence):
        """When the uplink's probe left, by the capture; None if it is not in there."""
        wanted = (source, target, str(sequence % 65536))
        times = [float(line["at"]) for line in self._lines(self._outputs[0], PROBE)
                 if (line["source"], line["target"], line["seq"]) == wanted]
        return times[-1] - wall_ahead() if times else None

    def routed(self, device):
        """When the kernel told of the first default by `device`; None if it has not."""
        for line in self._lines(self._outputs[1], ROUTE):
            if line["device"] == device:
                return datetime.datetime.fromisoformat(line["at"]).timestamp() - wall_ahead()
        return None

    def close(self):
        for process in self._processes:
            process.terminate()
            process.wait()


def wall_ahead():
    return time.time() - time.monotonic()


def deciding_probe(suite, uplink, decided_ns):
    """The stored loss whose timeout was over just then: (sequence, seconds of sending, seconds waited, target)."""
    for member in suite.redis()("ZRANGE", suite.key("uplink", uplink, "probes"), 0, -1):
        _, sequence, answered, waited, _, _, sent, target = member.split(":", 7)
        if answered == "0" and int(sent) + int(waited) * 1000 == decided_ns:
            return int(sequence), int(sent) / 1e9, int(waited) / 1e6, target
    raise AssertionError(f"no lost probe of {uplink} was settled at {decided_ns}")


def switch_event(suite, old, new):
    moves = (event for event in suite.events() if event["source"] == "routed" and event["family"] == "4")
    return next((event for event in moves if (event["from"], event["to"]) == (old, new)), None)


def check(suite, witnesses, event, old, new):
    """Gives the chain's latency as the witnesses saw it, in ms."""
    sequence, sent, waited, target = deciding_probe(suite, old.device, int(event["decided_ns"]))
    left = wait_until(lambda: witnesses.sent(old.source, target, sequence), 5, what="the probe in the capture")
    routed = wait_until(lambda: witnesses.routed(new.device), 5, what="the kernel's route event")
    expect(abs(left - sent) <= CAPTURE_SLACK_S, f"sent at {sent}, by the capture at {left}")
    seen = routed - (left + waited)
    chain = int(event["chain_us"]) / 1e6
    expect(-CAPTURE_SLACK_S <= seen <= chain + WAKING_SLACK_S, f"chain {chain} s, by the witnesses {seen} s")
    return seen * 1000


def parts(suite, uplink, event):
    """The chain's milliseconds until healthd had decided, until routed had the hint, and until the kernel had the route."""
    verdict = next(e for e in suite.events() if e["source"] == "healthd" and e["uplink"] == uplink and
                   e["decided_ns"] == event["decided_ns"])
    chain = int(event["chain_us"])
    return {"decided": int(verdict["chain_us"]) / 1000, "heard": (chain - int(event["took_us"])) / 1000,
            "chain": chain / 1000}


def failovers(options):
    """In one lab: the parts of the chain, and the chain by the witnesses, for each uplink that fell silent."""
    uplinks = [Uplink(rtt_ms=20 + 10 * i, metric=100 + i) for i in range(FAILOVERS_OF_A_LAB + 1)]
    with running(options, uplinks) as (lab, suite), contextlib.closing(Witnesses(lab)) as witnesses:
        flow = lab.udp_flow()
        for old, new in zip(lab.isps, lab.isps[1:]):
            time.sleep(CALM_S)
            old.cut("blackhole")
            flow.alive(new.source, 10)
            event = suite.wait(lambda o=old, n=new: switch_event(suite, o.device, n.device), 5, "routed's event")
            expect(event["chain_us"] and event["decided_ns"], event)
            seen = check(suite, witnesses, event, old, new)
            yield {**parts(suite, old.device, event), "by_the_witnesses": seen}


def figures(values):
    ordered = sorted(values)
    p99 = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    return {"p50": round(statistics.median(ordered), 3), "p99": round(p99, 3), "max": round(ordered[-1], 3)}


def test_chain(options):
    """5 failovers by a silent black hole under traffic, 40 with --long."""
    measured = [failover for _ in range(8 if options.long else 1) for failover in failovers(options)]
    told = {f"{name}_ms": figures(failover[name] for failover in measured) for name in measured[0]}
    chain = told["chain_ms"]
    expect(chain["p50"] <= MOST_P50_MS and chain["p99"] <= MOST_P99_MS, told)
    return {"failovers": len(measured), **told}


def test_beside_pages(options):
    """40 requests a second for the status page, 200 with --long: each is answered, and a failover is as quick as ever."""
    rate = LONG_PAGES_A_SECOND if options.long else PAGES_A_SECOND
    with running(options) as (lab, suite):
        page = LanPage(lab, suite, options.bin)
        time.sleep(CALM_S)
        begun = time.monotonic()
        load = page.load(rate)
        time.sleep(PAGES_S / 2)
        old, new = lab.isps
        old.cut("blackhole")
        event = suite.wait(lambda: switch_event(suite, old.device, new.device), 10, "routed's event")
        time.sleep(max(0, begun + PAGES_S - time.monotonic()))
        met = load.report(begun, begun + PAGES_S)
        load.close()
    expect(met["begun"] >= 0.9 * rate * PAGES_S and met["failed"] == 0, met)
    expect(int(event["chain_us"]) / 1000 <= MOST_BESIDE_PAGES_MS, event)
    return {"chain_ms": int(event["chain_us"]) / 1000, "requests": met["begun"], "page_ms": met["latency_ms"]}


if __name__ == "__main__":
    main(globals())
