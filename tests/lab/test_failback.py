#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How traffic returns where it is asked to return otherwise than gracefully: all of it at once, when the administrator says so,
or off a link that is paid for by volume."""

import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from multilink_lab.own_nat import NAT, own_nat
from multilink_lab.scenario import AT_ONCE_MS, expect, main
from multilink_lab.suite import running
from multilink_lab.waiting import wait_until

AT_ONCE_S = 1
RETURN_S = 25
# What is in flight on the path that is left (80 ms) cannot find the way back through a translation that is no more.
MOVE_MS = 130
METERED_S = 3


def uplinks_of_streams(lab):
    entries = lab.gateway.run("conntrack", "-L", "-p", "tcp", "--orig-port-dst", "7002", "--state", "ESTABLISHED")
    return {isp.device for isp in lab.isps if f"dst={isp.address} " in entries}


def begun_on_the_backup(lab, suite):
    """Gives (UDP flow, TCP streams by direction): all go by wan2 since wan1 has failed, which is repaired now."""
    better, other = lab.isps
    lab.stream_server()
    flow = lab.udp_flow()
    streams = {way: lab.tcp_stream(way) for way in ("upload", "download")}
    better.cut("carrier")
    flow.alive(other.source, 5)
    wait_until(lambda: uplinks_of_streams(lab) == {other.device}, 15, every=0.1, what="the streams go by wan2")
    suite.wait_active(2, other.device)
    time.sleep(1)
    better.repair("carrier")
    return flow, streams


def expect_moved(streams, since, earliest, latest):
    """Each stream has ended once in this time, and gone on at once."""
    for way, stream in streams.items():
        rows = stream.report(since - 1)
        expect(len(rows) == 2 and rows[0]["ended"] is not None and rows[1]["connected"] is not None, (way, rows))
        expect(since + earliest <= rows[0]["ended"] <= since + latest, (way, rows[0]["ended"] - since))
        expect(rows[1]["connected"] - rows[0]["ended"] < AT_ONCE_S and rows[1]["ended"] is None, (way, rows))


def expect_undisturbed(streams, since):
    for way, stream in streams.items():
        rows = stream.report(since)
        expect(len(rows) == 1 and rows[0]["ended"] is None and rows[0]["longest_gap_ms"] < 400, (way, rows))


def test_flush_takes_everything_back_at_once(options):
    with own_nat(options, "failback = flush\n") as (lab, suite):
        better = lab.isps[0]
        flow, streams = begun_on_the_backup(lab, suite)
        back = suite.wait_active(RETURN_S, better.device)
        moved = flow.alive(better.source, 5)
        wait_until(lambda: uplinks_of_streams(lab) == {better.device}, 5, every=0.1, what="the streams go by wan1")
        time.sleep(1)
        expect_moved(streams, back, -0.5, AT_ONCE_S)
        report = flow.report(back - 1)
        expect(report["outage_ms"] <= MOVE_MS and report["gap_count"] <= 1, report)
    return {"udp_moved_ms": round((moved - back) * 1000), "udp_outage_ms": report["outage_ms"]}


def test_manual_waits_for_the_administrator(options):
    with own_nat(options, "failback = manual\n") as (lab, suite):
        better, other = lab.isps
        flow, streams = begun_on_the_backup(lab, suite)
        usable = suite.wait_status(RETURN_S, wan1="TRUE", wan2="TRUE")
        stayed = flow.report(usable, usable + 3)
        expect(stayed["lost"] == 0 and list(stayed["sources"]) == [other.source], stayed)
        expect(suite.agrees(other.device), suite.routing())
        asked = time.monotonic()
        suite.send("routed", signal.SIGHUP)
        suite.wait_active(2, better.device)
        new = lab.udp_flow()
        new.alive(better.source, 2)
        expect_undisturbed(streams, usable)
        returned = flow.report(asked)
        expect(returned["lost"] == 0 and list(returned["sources"]) == [other.source], returned)


def test_manual_waits_for_nobody_where_the_other_fails(options):
    with own_nat(options, "failback = manual\n") as (lab, suite):
        better, other = lab.isps
        flow, _ = begun_on_the_backup(lab, suite)
        suite.wait_status(RETURN_S, wan1="TRUE", wan2="TRUE")
        expect(suite.agrees(other.device), suite.routing())
        begun = other.cut("carrier")
        flow.alive(better.source, 5)
        suite.wait_active(2, better.device)
        report = flow.report(begun - 0.2)
        expect(report["outage_ms"] <= AT_ONCE_MS, report)
    return {"outage_ms": report["outage_ms"]}


def test_a_metered_uplink_is_left_by_everything(options):
    """Its connections have their time to end, then they are told to go."""
    sections = f"[wan1]\n{NAT}[wan2]\n{NAT}metered = {METERED_S}s\n"
    with running(options, sections=sections, defaults="failback_udp_after = 2min\n", nat=False) as (lab, suite):
        better, other = lab.isps
        flow, streams = begun_on_the_backup(lab, suite)
        back = suite.wait_active(RETURN_S, better.device)
        stayed = flow.report(back - 0.5, back + METERED_S - 1)
        expect(stayed["lost"] == 0 and list(stayed["sources"]) == [other.source], stayed)
        wait_until(lambda: uplinks_of_streams(lab) == {better.device}, 10, every=0.1, what="the streams go by wan1")
        moved = flow.alive(better.source, 5)
        time.sleep(1)
        expect_moved(streams, back, METERED_S - 0.5, METERED_S + AT_ONCE_S)
        report = flow.report(back - 0.5)
        expect(report["outage_ms"] <= MOVE_MS and report["gap_count"] <= 1, report)
    return {"left_after_s": round(moved - back, 1), "udp_outage_ms": report["outage_ms"]}


if __name__ == "__main__":
    main(globals())
