#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""More uplinks than two, the same addresses on two of them, and none that works."""

import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from multilink_lab import Lab, Suite, Uplink
from multilink_lab.lab import CLIENT, GATEWAY_LAN
from multilink_lab.scenario import AT_ONCE_MS, expect, main
from multilink_lab.suite import running
from multilink_lab.tools import Server

HOME = "192.168.1.0/24"  # what home routers give out


def answered(namespace, *words):
    return " 0% packet loss" in namespace.run("ping", "-n", "-i", "0.02", "-W", "1", "-c", "10", *words, check=False)


def test_two_routers_with_the_same_address(options):
    """C15: two links with the same gateway."""
    uplinks = [Uplink(rtt_ms=20, metric=100), Uplink(rtt_ms=40, metric=101, subnet=HOME, host=20, cpe=True),
               Uplink(rtt_ms=80, metric=102, subnet=HOME, host=30, cpe=True)]
    figures = {}
    with running(options, uplinks) as (lab, suite):
        for isp in lab.isps:
            expect(answered(lab.gateway, "-I", isp.device, isp.router), f"{isp.device}: its router answers")
            expect(answered(isp.namespace, isp.address), f"{isp.device}: its router is answered")
            expect(answered(lab.gateway, "-I", isp.address, "1.1.1.1"), f"{isp.device}: from its address")
        flow = lab.udp_flow()
        for dead, next_best in zip(lab.isps, lab.isps[1:]):
            begun = dead.cut("carrier")
            flow.alive(next_best.source, 5)
            suite.wait_active(2, next_best.device)
            report = flow.report(begun - 0.2)
            expect(report["outage_ms"] <= AT_ONCE_MS, report)
            figures[f"{dead.device}_to_{next_best.device}_ms"] = report["outage_ms"]
        expect(answered(lab.gateway, "-I", "wan3", HOME.replace("0/24", "1")), "wan3's router still answers")
    return figures


def make_cloud_server(lab):
    """Host addresses only, and gateways that no network of the device holds."""
    for isp in lab.isps:
        lab.gateway.ip(f"addr del {isp.address}/24 dev {isp.device}", f"addr add {isp.address}/32 dev {isp.device}",
                       f"route add default via {isp.router} dev {isp.device} onlink metric {99 + isp.number}",
                       f"route add 10.{isp.number}.0.0/16 via {isp.router} dev {isp.device} onlink")


def test_onlink_gateways(options):
    with running(options, [Uplink(rtt_ms=20, metric=None), Uplink(rtt_ms=80, metric=None)],
                 before=make_cloud_server) as (lab, suite):
        for isp in lab.isps:
            expect(answered(lab.gateway, "-I", isp.address, "1.1.1.1"), f"{isp.device}: from its address")
            expect(lab.gateway.ip_json("route", "show", f"10.{isp.number}.0.0/16", "table", f"{7000 + isp.number}"),
                   f"{isp.device}: its table has the specific route")
        expect(suite.routing()["sync"] == "in_sync", suite.routing())
        flow = lab.udp_flow()
        begun = lab.isps[0].cut("carrier")
        suite.wait_active(5, "wan2")
        flow.alive(lab.isps[1].source, 5)
        report = flow.report(begun - 0.2)
        expect(report["outage_ms"] <= AT_ONCE_MS, report)
    return {"outage_ms": report["outage_ms"]}


def test_replies_leave_where_they_came_in(options):
    """From outside both uplinks answer under their own address; by the wrong ISP the answer would be dropped."""
    with running(options) as (lab, _):
        for isp in lab.isps:
            expect(answered(lab.internet, isp.address), f"{isp.device} is answered from outside")
            expect(isp.foreign_sources() == 0, f"{isp.device} carries only its own address")


def all_down(options, fault):
    """C14: all links down and the router is cut off from its own LAN. Both uplinks fail and return: the LAN reaches the
    router by each of its addresses throughout, and the traffic recovers by itself."""
    with running(options) as (lab, suite):
        lab.serve_lan()
        for isp in lab.isps:
            lab.keep(Server(lab.gateway, f"{lab.tools}/udp_flow", "echo", isp.address, "7000"))
        flow = lab.udp_flow()
        inside = [lab.udp_flow(server=address) for address in (GATEWAY_LAN, *(isp.address for isp in lab.isps))]
        begun = time.monotonic()
        for isp in lab.isps:
            isp.cut(fault)
        suite.wait_status(30, wan1="FALSE", wan2="FALSE")
        expect(len(lab.gateway.ip_json("route", "show", "default")) >= 2, "no default route was removed")
        expect(suite.active(), f"the least bad uplink stays: {suite.routing()}")
        repaired = time.monotonic()
        for isp in lab.isps:
            isp.repair(fault)
        resumed = flow.alive(timeout=30)
        suite.wait_status(30, wan1="TRUE", wan2="TRUE")
        suite.wait_active(2, "wan1")
        for one in inside:
            report = one.report(begun - 0.5)
            expect(report["lost"] == 0, report)
    return {"resumed_s": round(resumed - repaired, 2)}


def test_all_carriers_lost(options):
    return all_down(options, "carrier")


def test_all_black_holes(options):
    return all_down(options, "blackhole")


def shares(lab):
    """How many of 600 destinations in the Internet the gateway would reach by each device."""
    lines = [f"route get 203.{i // 250}.113.{i % 250 + 1} from {CLIENT} iif lan0" for i in range(600)]
    ways = re.findall(r" dev (wan\d)", lab.gateway.run("ip", "-batch", "-", text="\n".join(lines)))
    expect(len(ways) == 600, "each has a way")
    return {isp.device: ways.count(isp.device) / 6 for isp in lab.isps}


def test_three_uplinks_share_by_weight(options):
    """C16: three links break the weights. One tier of three, one of which fails and returns; then other weights."""
    def sections(*weights):
        return "".join(f"[wan{i}]\nprecedence = 1\nweight = {weight}\n" for i, weight in enumerate(weights, 1))

    def expect_shares(lab, suite, **wanted):
        suite.wait(lambda: suite.active() == list(wanted), 10, f"{list(wanted)} carry")
        found = shares(lab)
        total = sum(wanted.values())
        for device, share in found.items():
            expect(abs(share - 100 * wanted.get(device, 0) / total) < 8, (found, wanted))
        return {device: round(share) for device, share in found.items()}

    with Lab(options.tools, [Uplink(rtt_ms=20, metric=100 + i) for i in range(3)]) as lab:
        suite = Suite(lab, options.bin, sections(3, 2, 1), "up_after = 2s")
        suite.start()
        suite.wait_status(10, wan1="TRUE", wan2="TRUE", wan3="TRUE")
        percent = [expect_shares(lab, suite, wan1=3, wan2=2, wan3=1)]
        lab.isps[1].cut("carrier")
        percent.append(expect_shares(lab, suite, wan1=3, wan3=1))
        lab.isps[1].repair("carrier")
        percent.append(expect_shares(lab, suite, wan1=3, wan2=2, wan3=1))
        suite.configure(sections(1, 1, 4))
        suite.reload()
        suite.wait(lambda: "wan3/wan3/4/" in suite.routing()["4.active"], 5, "the new weights are in force")
        percent.append(expect_shares(lab, suite, wan1=1, wan2=1, wan3=4))
        expect(not suite.died(), suite.died())
    return {"percent": percent}


if __name__ == "__main__":
    main(globals())
