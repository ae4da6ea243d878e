#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How fast a dead uplink is noticed whatever the traffic, and that what is not dead is left alone. The bounds allow for
a busy machine; the figures printed are what counts, and tests/bench has many of them."""

import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from multilink_lab.scenario import expect, main
from multilink_lab.suite import running

# By then each target has been asked once, and the traffic has a rhythm.
CALM_S = 5
# With users' traffic some 120 ms; without, the next regular probe asks the question: promised is 1.3 s.
WITH_TRAFFIC_MS = 1000
WITHOUT_TRAFFIC_MS = 2500
# A SYN is repeated after one second, and then after two more.
SECOND_SYN_MS = 2500
# Shorter than evict_after, so that the link is suspect and no more.
SHORT_OUTAGE_S = 2


def switch_ms(lab, suite):
    """Silences the better uplink: the time until the kernel's default goes by the other, as the kernel tells it."""
    begun = lab.isps[0].cut("blackhole")
    suite.wait(lambda: lab.path_of() == lab.isps[1].device, 10, "the route is switched")
    return round((time.monotonic() - begun) * 1000, 1)


def switches(options, start_traffic):
    """Several labs one after another, each with the fault at a random phase of the probing."""
    figures = []
    for _ in range(10 if options.long else 2):
        with running(options) as (lab, suite):
            start_traffic(lab)
            time.sleep(CALM_S + random.random())
            figures.append(switch_ms(lab, suite))
    return figures


def test_tcp_traffic_alone(options):
    """50 connections a second are traffic enough to notice that nothing comes back. Those that begin meanwhile are opened by
    their second SYN, a second later, and not by a later one."""
    outages, figures, slowest = [], [], []
    for _ in range(10 if options.long else 1):
        with running(options) as (lab, suite):
            flow = lab.tcp_flow()
            time.sleep(CALM_S + random.random())
            begun = time.monotonic()
            figures.append(switch_ms(lab, suite))
            outages.append(flow.report(begun - 0.5, begun + 2)["longest_without_success_ms"])
            slowest.append(round(flow.report(begun, begun + 1)["latency_ms"]["max"]))
    expect(max(figures) <= WITH_TRAFFIC_MS, figures)
    # A connection and its exchange take two round trips of the other uplink, 160 ms.
    expect(max(outages) <= WITH_TRAFFIC_MS + 300, outages)
    expect(max(slowest) <= SECOND_SYN_MS, slowest)
    return {"switched_ms": figures, "longest_without_success_ms": outages, "slowest_connection_ms": slowest}


def test_little_traffic(options):
    figures = switches(options, lambda lab: lab.udp_flow(rate=2))
    expect(max(figures) <= WITHOUT_TRAFFIC_MS, figures)
    return {"switched_ms": figures}


def test_no_traffic(options):
    figures = switches(options, lambda lab: None)
    expect(max(figures) <= WITHOUT_TRAFFIC_MS, figures)
    return {"switched_ms": figures}


def test_one_way_upload(options):
    """1 000 packets/s leave and nothing comes back, as it should be: nobody asks more than usual, nobody is suspected.
    20 s, or 10 minutes with --long."""
    length = 600 if options.long else 20
    with running(options) as (lab, suite):
        before, probed = suite.events(), probes(suite, "wan1")
        begun = time.monotonic()
        flow = lab.one_way_flow()
        time.sleep(length)  # what is measured is that nothing happens
        rate = (probes(suite, "wan1") - probed) / (time.monotonic() - begun)
        report = flow.report(begun + 0.5, begun + length - 1)
        expect(suite.events() == before, suite.events()[len(before):])
        expect(suite.agrees("wan1"), suite.routing())
    expect(report["lost"] == report["sent"] > 900 * (length - 2), report)
    expect(rate <= 2, f"{rate:.2f} probes/s")
    return {"probes_per_second": round(rate, 2)}


def probes(suite, uplink):
    return suite.redis()("ZCARD", suite.key("uplink", uplink, "probes"))


def loss_moves_nothing(options, percent, defaults=""):
    """20 s of loss on the better uplink under the flow of 1 000 packets/s, or 10 minutes with --long: no switch."""
    length = 600 if options.long else 20
    with running(options, defaults=defaults) as (lab, suite):
        flow = lab.udp_flow()
        before, probed = suite.events(), probes(suite, "wan1")
        begun = lab.isps[0].cut("loss", percent=percent)
        report = flow.report(begun + 0.1, begun + length)
        rate = (probes(suite, "wan1") - probed) / (time.monotonic() - begun)
        expect(list(report["sources"]) == [lab.isps[0].source], report["sources"])
        expect(suite.events() == before, suite.events()[len(before):])
        expect(suite.status("wan1") == "TRUE" and suite.agrees("wan1"), suite.health("wan1"))
    lost = 100 * report["lost"] / report["sent"]
    expect(abs(lost - percent) < 3, report)
    return {"lost_percent": round(lost, 2), "probes_per_second": round(rate, 2)}


def test_loss_of_5_percent(options):
    return loss_moves_nothing(options, 5)


def test_loss_of_10_percent(options):
    return loss_moves_nothing(options, 10)


def test_loss_of_20_percent(options):
    """On a link of which that is known: at the default of 20 % it would be a coin's toss."""
    return loss_moves_nothing(options, 20, "loss_down = 40%")


def test_nth_failure(options):
    """The same uplink fails again and again: 3 times, or 10 with --long. What it learnt from the failures before does
    not make the detector slower. Each is too short to count as `down`, which for the flap damping is half a failure:
    the return after the first two is immediate, after the third it takes seconds, from the fifth on 5 minutes."""
    outages = []
    with running(options) as (lab, suite):
        better, other = lab.isps
        flow = lab.udp_flow()
        for _ in range(10 if options.long else 3):
            time.sleep(CALM_S + random.random())
            begun = better.cut("blackhole")
            flow.alive(other.source)
            suite.wait_active(2, other.device)
            outages.append(flow.report(begun - 0.2, begun + SHORT_OUTAGE_S - 1)["outage_ms"])  # ready a second later
            better.repair("blackhole")
            flow.alive(better.source, 330)
            suite.wait_status(2, wan1="TRUE", wan2="TRUE")
        states = {event["to"] for event in suite.events() if (event["uplink"], event["family"]) == ("wan1", "4")}
    expect(max(outages) <= WITH_TRAFFIC_MS, outages)
    expect({"up", "suspect"} <= states and "down" not in states, states)
    expect(outages[-1] <= outages[0] + 300, outages)
    return {"outage_ms": outages}


if __name__ == "__main__":
    main(globals())
