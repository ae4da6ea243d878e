#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""IPv6 with private addresses inside: the gateway's own NAT66, and the translation of a prefix into the one that each ISP gives."""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from multilink_lab.ipv6 import CLIENT6, SERVER6
from multilink_lab.own_nat import NAT
from multilink_lab.scenario import expect, main
from multilink_lab.suite import running
from multilink_lab.waiting import wait_until

DETECTION_MS = 2500
CALM_S = 5
EVICT_AFTER_S = 3
AT_ONCE_S = 1
RETURN_S = 25
INSIDE = "fd77:77::/64"  # the lab's LAN


def fail_and_return(options, sections, source_of, before=None):
    """`source_of`: under which address an ISP sees the client, by ISP."""
    with running(options, sections=sections, defaults="failback_udp_after = 2min\n", nat=False, ipv6="static",
                 before=before) as (lab, suite):
        better, other = lab.isps
        server = lab.stream_server(server=SERVER6)
        flow = lab.udp_flow(server=SERVER6)
        streams = {way: lab.tcp_stream(way, server=SERVER6) for way in ("upload", "download")}
        started = time.monotonic()
        time.sleep(CALM_S)
        calm = flow.report(started)
        expect(calm["lost"] == 0 and list(calm["sources"]) == [source_of(better)], (calm, source_of(better)))
        begun = better.cut("blackhole", family=6)
        flow.alive(source_of(other), 10)
        suite.wait_active(2, other.device, 6)
        time.sleep(EVICT_AFTER_S + 2)
        failover = flow.report(begun - 0.5)
        expect(failover["outage_ms"] <= DETECTION_MS, failover)
        for way, stream in streams.items():
            rows = stream.report(begun)
            expect(len(rows) == 2 and rows[0]["ended"] - begun < EVICT_AFTER_S + 2, (way, rows))
            expect(rows[1]["connected"] - rows[0]["ended"] < AT_ONCE_S and rows[1]["progress"] > 50, (way, rows))
        # What leaves elsewhere until the flows are moved has the dead link's address yet.
        leaked = [isp.foreign_sources(6) for isp in lab.isps]
        expect(leaked[0] == 0 and leaked[1] <= DETECTION_MS, leaked)
        repaired = better.repair("blackhole")
        back = suite.wait_active(RETURN_S, better.device, 6)
        stayed = flow.report(back - 1, back + 2)
        expect(stayed["lost"] == 0 and list(stayed["sources"]) == [source_of(other)], stayed)
        expect(all(len(stream.report(begun)) == 2 for stream in streams.values()), "nothing is cut by the return")
        wait_until(lambda: any(one["source"] == source_of(better) for one in server.report(begun)["ended"]), 20, every=0.2,
                   what="the server of the download has learnt of its end")
        learnt = min(one["at"] for one in server.report(repaired)["ended"])
        expect([isp.foreign_sources(6) for isp in lab.isps] == leaked, [isp.foreign_sources(6) for isp in lab.isps])
        expect("of this host" not in suite.log("routed"), suite.log("routed"))
    return {"outage_ms": failover["outage_ms"], "lost_at_failback": stayed["lost"], "foreign_while_it_moved": leaked[1],
            "server_learnt_s": round(learnt - repaired, 2)}


def test_nat66(options):
    return fail_and_return(options, f"[wan1]\n{NAT}[wan2]\n{NAT}", lambda isp: isp.ipv6.address)


def test_translated_prefix(options):
    """Each ISP routes a prefix of its own to the gateway; a client keeps the rest of its address."""
    prefixes = {}

    def delegate(lab):
        for isp in lab.isps:
            prefixes[isp.number] = isp.ipv6.new_prefix()
            isp.namespace.ip(f"route replace {prefixes[isp.number]} via {isp.ipv6.address} dev port")

    def seen(isp):
        return str(prefixes[isp.number][int(CLIENT6.rsplit(":", 1)[1], 16)])

    sections = "".join(f"[wan{number}]\ntranslate_prefix = {INSIDE} > 2001:db8:{number}:1::/64\n{NAT}" for number in (1, 2))
    return fail_and_return(options, sections, seen, before=delegate)


if __name__ == "__main__":
    main(globals())
