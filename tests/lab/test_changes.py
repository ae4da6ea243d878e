#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Planned and unplanned changes under traffic: a new configuration, and somebody who deletes what is ours."""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from multilink_lab import Uplink
from multilink_lab.scenario import expect, main
from multilink_lab.suite import running

OWNED = "protocol", "109"


def move(lab, suite, flow, sections, to):
    """A new order by SIGHUP: gives the report, and the time at which the first packet went by `to`."""
    begun = time.monotonic()
    suite.configure(sections)
    suite.reload()
    flow.alive(to.source, 5)
    suite.wait_active(2, to.device)
    return flow.report(begun - 0.5)


def test_precedence_by_reload(options):
    """A planned change loses no more than what is in flight on the old path, which translation gives up."""
    with running(options) as (lab, suite):
        better, other = lab.isps
        flow = lab.udp_flow()
        there = move(lab, suite, flow, "[wan2]\n[wan1]\n", other)
        back = move(lab, suite, flow, "[wan1]\n[wan2]\n", better)
    for report, old, new, rtt_ms in ((there, better, other, 20), (back, other, better, 80)):
        # The flow's last packet by the old uplink that was answered, and its first by the new one.
        last, first = report["sources"][old.source]["last"], report["sources"][new.source]["first"]
        expect(report["gap_count"] <= 2 and report["outage_ms"] <= rtt_ms + 5, report)
        expect((first - last) * 1000 <= rtt_ms + 5, report)
    return {"lost_there": there["lost"], "lost_back": back["lost"]}


def test_refused_reload(options):
    """A bad file is refused whole: nothing changes, nothing is lost."""
    with running(options) as (lab, suite):
        flow = lab.udp_flow()
        begun = time.monotonic()
        suite.configure("[wan2]\nweight = 257\n[wan1]\n")
        suite.reload()
        names = ("pingd", "healthd", "routed")
        suite.wait(lambda: all("interfaces.conf:5: weight: '257'" in suite.log(name) for name in names), 5,
                   "each daemon says what is wrong")
        report = flow.report(begun)
        expect(suite.agrees("wan1") and suite.status("wan1") == "TRUE", suite.routing())
    expect(report["lost"] == 0, report)


def owned(lab):
    routes = lab.gateway.ip_json("route", "show", "table", "all", *OWNED)
    rules = lab.gateway.ip_json("rule", "show", *OWNED)
    return routes, rules


def delete_all_owned(lab):
    lab.gateway.run("sh", "-c", "ip rule flush protocol 109; ip route flush table all protocol 109; "
                    "ip -6 rule flush protocol 109; ip -6 route flush table all protocol 109")


def deletion(options, uplinks, sections):
    with running(options, uplinks, sections) as (lab, suite):
        flow = lab.udp_flow()
        before = owned(lab)
        expect(before[0] and before[1], "routed owns routes and rules")
        begun = time.monotonic()
        delete_all_owned(lab)
        suite.wait(lambda: owned(lab) == before, 2, "all is put back")
        repaired = time.monotonic() - begun
        suite.wait_active(2, "wan1")
        report = flow.report(begun - 0.5, begun + 1)
    expect(report["outage_ms"] <= 20, report)
    return {"outage_ms": report["outage_ms"], "repaired_ms": round(repaired * 1000, 1)}


def test_deletion_beside_foreign_defaults(options):
    return deletion(options, None, None)


def test_deletion_of_the_only_defaults(options):
    """Without a DHCP client's routes there is no default at all until routed has put its own back."""
    return deletion(options, [Uplink(rtt_ms=20, metric=None), Uplink(rtt_ms=80, metric=None)],
                    "[wan1]\ngateway = 198.18.1.1\n[wan2]\ngateway = 198.18.2.1\n")


def test_deletion_one_by_one(options):
    """Each rule and each route by itself, ten rounds."""
    with running(options) as (lab, suite):
        flow = lab.udp_flow()
        before = owned(lab)
        begun = time.monotonic()
        for _ in range(10):
            for rule in lab.gateway.run("ip", "rule", "show", *OWNED).splitlines():
                lab.gateway.run("ip", "rule", "del", "pref", rule.split(":")[0], *OWNED, check=False)
            for route in lab.gateway.run("ip", "route", "show", "table", "all", *OWNED).splitlines():
                lab.gateway.run("ip", "route", "del", *route.split(), check=False)
        suite.wait(lambda: owned(lab) == before, 2, "all is put back")
        suite.wait_active(2, "wan1")
        report = flow.report(begun - 0.5)
    expect(report["outage_ms"] <= 20, report)
    return {"outage_ms": report["outage_ms"], "lost": report["lost"]}


if __name__ == "__main__":
    main(globals())
