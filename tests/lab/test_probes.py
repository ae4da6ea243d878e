#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Probing is nobody else's business: it takes its own way, and changes nobody's."""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from multilink_lab.lab import TARGETS
from multilink_lab.scenario import AT_ONCE_MS, expect, main
from multilink_lab.suite import running
from multilink_lab.tools import Server


def test_targets_are_routed_like_any_address(options):
    """C6: host routes for monitor addresses hijack users' DNS. Users' traffic to a target goes by the best uplink, like
    any other, and fails over with it."""
    with running(options) as (lab, suite):
        for target in TARGETS:
            expect(not lab.gateway.ip_json("route", "show", "table", "all", f"{target}/32"), f"a route to {target}")
        lab.keep(Server(lab.internet, f"{lab.tools}/udp_flow", "echo", TARGETS[1], "7000"))
        flow = lab.udp_flow(server=TARGETS[1])
        begun = lab.isps[0].cut("carrier")
        suite.wait_active(5, "wan2")
        flow.alive(lab.isps[1].source, 5)
        report = flow.report(begun - 0.2)
    expect(report["outage_ms"] <= AT_ONCE_MS, report)
    return {"outage_ms": report["outage_ms"]}


def test_a_dead_target_is_no_dead_link(options):
    """C5: one monitor address down = link "down". One of three targets answers nobody any more, long enough for the loss
    rule: no uplink is the worse for it."""
    dead = TARGETS[1]
    with running(options, defaults="probe_interval = 250ms\nloss_window = 15s\n") as (lab, suite):
        flow = lab.udp_flow()
        time.sleep(5)
        before = suite.events()
        begun = time.monotonic()
        lab.kill_target(dead)
        time.sleep(30)
        expect(suite.events() == before, suite.events()[len(before):])
        healths = [suite.health(isp.device) for isp in lab.isps]
        expect([health["4.aside"] for health in healths] == [dead, dead], healths)
        report = flow.report(begun)
    expect(report["lost"] == 0 and list(report["sources"]) == [lab.isps[0].source], report)


def count_probes(isp):
    isp.namespace.nft("""
        table ip probes {
            counter asked { }
            chain prerouting {
                type filter hook prerouting priority raw; policy accept;
                iifname "port" icmp type echo-request counter name asked
            }
        }""")


def probes(isp):
    listing = isp.namespace.run("nft", "list", "counter", "ip", "probes", "asked")
    return int(listing.split("packets")[1].split()[0])


def test_probes_leave_by_their_own_link(options):
    """C7: the probe leaves by the wrong link. Whichever uplink carries, and whatever main says of the other, each ISP
    sees the probes of its own uplink, under its own address."""
    with running(options) as (lab, suite):
        for isp in lab.isps:
            count_probes(isp)

        def expect_probes(when):
            before = [probes(isp) for isp in lab.isps]
            time.sleep(4)  # at one a second
            asked = [probes(isp) - count for isp, count in zip(lab.isps, before)]
            expect(min(asked) >= 3, f"{when}: {asked}")
            expect([isp.foreign_sources() for isp in lab.isps] == [0, 0], f"{when}: under an address of another uplink")
            return asked

        figures = [expect_probes("wan1 carries")]
        lab.gateway.ip("route del default via 198.18.2.1 dev wan2 metric 101")
        figures.append(expect_probes("the backup has no default of its own any more"))
        lab.isps[0].cut("blackhole")
        suite.wait_active(5, "wan2")
        figures.append(expect_probes("wan2 carries, and wan1 is dead"))
        expect(suite.status("wan1") == "FALSE", "nobody else's answers made it look alive")
    return {"probes": figures}


if __name__ == "__main__":
    main(globals())
