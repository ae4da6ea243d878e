#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What becomes of connections: those of a dead uplink move or learn of it at once, all others notice nothing."""

import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from multilink_lab.firewall import drops_mid_stream
from multilink_lab.lab import CLIENT, GATEWAY_LAN, SERVER
from multilink_lab.own_nat import NAT, own_nat
from multilink_lab.scenario import AT_ONCE_MS, expect, main
from multilink_lab.suite import running
from multilink_lab.tools import StreamServer
from multilink_lab.vpn import TAILNET_PEER, heard_from, wireguard
from multilink_lab.waiting import wait_until

CALM_S = 5
DETECTION_MS = 1000  # one run on a busy machine; the bench has the figures
EVICT_AFTER_S = 3
AT_ONCE_S = 1  # the client is told, and tries anew; some 50 ms
RETURN_S = 25

def test_udp_failback_loses_nothing(options):
    """Graceful failback: a flow ends the outage on the other uplink, stays there when the better one is back, and
    goes back after `failback_udp_after`. C21."""
    with own_nat(options, "failback_udp_after = 3s\n") as (lab, suite):
        better, other = lab.isps
        flow = lab.udp_flow()
        time.sleep(CALM_S)
        begun = better.cut("blackhole")
        flow.alive(other.source)
        failover = flow.report(begun - 0.5)
        better.repair("blackhole")
        back = suite.wait_active(RETURN_S, better.device)
        stayed = flow.report(back - 1, back + 2)
        expect(list(stayed["sources"]) == [other.source], stayed)
        moved = flow.alive(better.source, 10)
        after = flow.report(back + 2)
    expect(failover["outage_ms"] <= DETECTION_MS, failover)
    expect(stayed["lost"] == 0, stayed)
    # What is in flight on the path that is left (80 ms) cannot find the way back through a translation that is no more.
    expect(after["outage_ms"] <= 130 and after["gap_count"] <= 1, after)
    return {"outage_ms": failover["outage_ms"], "lost_at_failback": stayed["lost"],
            "moved_back_after_s": round(moved - back, 1), "outage_of_that_move_ms": after["outage_ms"]}


def test_a_running_ping_moves_at_once(options):
    """What everybody tries first: a ping that runs on while an uplink dies silently."""
    with own_nat(options) as (lab, suite):
        lab.udp_flow()
        ping = lab.client.popen("ping", "-n", "-i", "0.1", "-c", "60", SERVER, stdout=subprocess.PIPE, text=True)
        time.sleep(CALM_S)
        lab.isps[0].cut("blackhole")
        suite.wait_active(5, lab.isps[1].device)
        words = ping.communicate(timeout=30)[0]
        received = int(re.search(r"(\d+) received", words)[1])
        expect(60 - received <= 15, words)  # by evict_after it would be some 30
        return {"lost_of_10_a_second": 60 - received}


def test_short_silence_cuts_no_tcp(options):
    """A link that is dead for half a second: new flows may move, TCP connections live on."""
    with own_nat(options) as (lab, suite):
        lab.stream_server()
        streams = {way: lab.tcp_stream(way) for way in ("upload", "download")}
        lab.udp_flow()
        time.sleep(CALM_S)
        begun = lab.isps[0].cut("blackhole")
        time.sleep(0.5)
        lab.isps[0].repair("blackhole")
        time.sleep(6)
        rows = {way: stream.report(begun) for way, stream in streams.items()}
        expect(all(len(row) == 1 and row[0]["ended"] is None and row[0]["progress"] > 100 for row in rows.values()), rows)
        expect(not [event for event in suite.events() if event["to"] == "down" and event["family"] == "4"], suite.events())
    return {f"{way}_longest_gap_ms": row[0]["longest_gap_ms"] for way, row in rows.items()}


def test_both_ends_learn_of_an_outage(options):
    """A link that is dead for 10 s: when it is down its TCP connections end at once at the client, who then succeeds
    anew, also though the other ISP drops what is in the middle of a connection that it has not seen begin; a server that
    sends learns of it when the link is back. C1."""
    with own_nat(options) as (lab, suite):
        better, other = lab.isps
        drops_mid_stream(other)
        server = lab.stream_server()
        streams = {way: lab.tcp_stream(way) for way in ("upload", "download")}
        lab.udp_flow()
        time.sleep(CALM_S)
        begun = better.cut("blackhole")
        suite.wait_active(5, other.device)
        down = suite.wait(lambda: next((e for e in suite.events() if e["to"] == "down" and e["family"] == "4"), None), 10, "down")
        down_at = int(down["at"]) / 1000 - time.time() + time.monotonic()
        time.sleep(3)
        rows = {way: stream.report(begun) for way, stream in streams.items()}
        figures = {}
        for way, row in rows.items():
            expect(len(row) == 2 and row[0]["ended"] is not None, (way, row, down))
            expect(EVICT_AFTER_S * 0.8 < row[0]["ended"] - begun < EVICT_AFTER_S + 2, (way, row[0]["ended"] - begun))
            expect(row[1]["connected"] is not None and row[1]["ended"] is None and row[1]["progress"] > 100, (way, row))
            expect(row[0]["ended"] - down_at < AT_ONCE_S, (way, row[0]["ended"] - down_at))
            expect(row[1]["connected"] - row[0]["ended"] < AT_ONCE_S, (way, row))
            figures[way] = {"ended_s": round(row[0]["ended"] - begun, 2),
                            "told_ms": round((row[0]["ended"] - down_at) * 1000),
                            "anew_ms": round((row[1]["connected"] - row[0]["ended"]) * 1000)}
        time.sleep(max(0, begun + 10 - time.monotonic()))
        better.repair("blackhole")
        suite.wait_active(RETURN_S, better.device)
        expect(all(len(stream.report(begun)) == 2 for stream in streams.values()), "nothing is cut by the return")
        # By its next retransmission; that of the upload has nothing to send, and waits for ever.
        wait_until(lambda: any(one["source"] == better.source for one in server.report(begun)["ended"]), 20, every=0.2,
                   what="the server has learnt of it")
    return figures


def test_nothing_is_cut_before_the_route_is_switched(options):
    """C4: connections are killed before the route is switched. The kernel refuses the new route, whose gateway is in no
    network of the device just then: nothing is cut, however dead the uplink is, until the route is there."""
    with own_nat(options) as (lab, suite):
        better, other = lab.isps
        lab.stream_server()
        streams = {way: lab.tcp_stream(way) for way in ("upload", "download")}
        flow = lab.udp_flow()
        time.sleep(CALM_S)
        lab.gateway.ip(f"addr add {other.address}/32 dev {other.device}", f"addr del {other.address}/24 dev {other.device}")
        begun = better.cut("blackhole")
        suite.wait(lambda: suite.routing()["sync"].startswith("cannot do"), 5, "the kernel refuses")
        suite.wait(lambda: any(e["to"] == "down" and e["family"] == "4" for e in suite.events()), 10, "wan1 is down")
        time.sleep(2)
        rows = {way: stream.report(begun) for way, stream in streams.items()}
        expect(all(len(row) == 1 and row[0]["ended"] is None for row in rows.values()), rows)
        expect("moved" not in suite.log("routed"), suite.log("routed"))
        expect(suite.active() == [better.device] and suite.status("wan2") == "TRUE", suite.routing())
        switched = time.monotonic()
        lab.gateway.ip(f"addr add {other.address}/24 dev {other.device}")
        suite.wait_active(2, other.device)
        flow.alive(other.source, 2)
        time.sleep(2)
        rows = {way: stream.report(begun) for way, stream in streams.items()}
        for way, row in rows.items():
            expect(len(row) == 2 and row[0]["ended"] >= switched and row[1]["connected"] is not None, (way, row, switched))


def test_other_connections_notice_nothing(options):
    """Connections through the healthy uplink, and within the LAN, over failover and failback of the other. C2, C20."""
    with own_nat(options) as (lab, suite):
        better, other = lab.isps
        lab.stream_server()
        # They begin while the second carries.
        better.cut("carrier")
        suite.wait_active(5, other.device)
        streams = {way: lab.tcp_stream(way) for way in ("upload", "download")}
        flow = lab.udp_flow()
        flow.alive(other.source)
        better.repair("carrier")
        suite.wait_active(RETURN_S, better.device)
        lab.serve_lan()
        lan = lab.udp_flow(server=GATEWAY_LAN)
        begun = time.monotonic()
        time.sleep(1)
        better.cut("blackhole")
        suite.wait_active(5, other.device)
        time.sleep(EVICT_AFTER_S + 2)
        reports = flow.report(begun), lan.report(begun)
        expect(all(report["lost"] == 0 for report in reports), reports)
        rows = {way: stream.report(begun) for way, stream in streams.items()}
        expect(all(len(row) == 1 and row[0]["ended"] is None and row[0]["longest_gap_ms"] < 400 for row in rows.values()), rows)


def test_nothing_is_cut_without_another_uplink(options):
    """Both uplinks dead: the connections are left alone, and go on when the link comes back. C3."""
    with own_nat(options) as (lab, suite):
        better, other = lab.isps
        lab.stream_server()
        streams = {way: lab.tcp_stream(way) for way in ("upload", "download")}
        time.sleep(CALM_S)
        other.cut("blackhole")
        suite.wait_status(15, wan2="FALSE")
        begun = better.cut("blackhole")
        suite.wait_status(15, wan1="FALSE")
        time.sleep(EVICT_AFTER_S + 1)
        better.repair("blackhole")
        time.sleep(8)
        rows = {way: stream.report(begun) for way, stream in streams.items()}
        expect(all(len(row) == 1 and row[0]["ended"] is None and row[0]["progress"] > 20 for row in rows.values()), rows)


def test_inbound_connections(options):
    """A service of the LAN that is reached from outside through either uplink answers through that one, whichever carries
    the rest; its connections are never cut."""
    with own_nat(options) as (lab, suite):
        better, other = lab.isps
        lab.gateway.nft("table ip admin {\nchain in {\ntype nat hook prerouting priority dstnat;\n"
                        f'iifname "wan*" tcp dport 7002 dnat to {CLIENT}\n}}\n}}')
        service = lab.keep(StreamServer(lab.client, f"{lab.tools}/tcp_stream", "server", CLIENT, "7002"))
        visitors = {isp.device: lab.tcp_stream("upload", namespace=lab.internet, server=isp.address, source=SERVER)
                    for isp in lab.isps}
        begun = time.monotonic()
        time.sleep(2)
        for device, visitor in visitors.items():
            expect(visitor.report(begun)[0]["progress"] > 50, (device, visitor.report(begun)))
        time.sleep(CALM_S)
        better.cut("blackhole")
        suite.wait_active(10, other.device)
        time.sleep(EVICT_AFTER_S + 2)
        better.repair("blackhole")
        time.sleep(8)
        for device, visitor in visitors.items():
            rows = visitor.report(begun)
            expect(len(rows) == 1 and rows[0]["ended"] is None, (device, rows))
        expect(service.report(begun)["open"] == 2, service.report(begun))


def test_programs_of_the_gateway_itself(options):
    """A connected UDP socket and a program that tries again, on the gateway, recover as fast as what it forwards."""
    with own_nat(options) as (lab, suite):
        better, other = lab.isps
        lab.stream_server()
        flow = lab.udp_flow(namespace=lab.gateway)
        streams = {way: lab.tcp_stream(way, namespace=lab.gateway) for way in ("upload", "download")}
        time.sleep(CALM_S)
        begun = better.cut("blackhole")
        suite.wait_active(5, other.device)
        time.sleep(EVICT_AFTER_S + 2)
        report = flow.report(begun - 0.5)
        expect(report["outage_ms"] <= DETECTION_MS, report)
        for way, stream in streams.items():
            row = stream.report(begun)
            expect(len(row) == 2 and row[0]["ended"] - begun < EVICT_AFTER_S + 2 and row[1]["progress"] > 50, (way, row))
        better.repair("blackhole")
        back = suite.wait_active(RETURN_S, better.device)
        stayed = flow.report(back - 1, back + 2)
        expect(stayed["lost"] == 0, stayed)
    return {"udp_outage_ms": report["outage_ms"]}


def test_flows_of_the_gateway_return(options):
    """C21, for the gateway's own: a socket that has kept the better uplink's address over the failure, as a VPN's does that
    is bound or connected, goes back after `failback_udp_after`."""
    with own_nat(options, "failback_udp_after = 3s\n") as (lab, suite):
        better, other = lab.isps
        flow = lab.udp_flow(namespace=lab.gateway)
        flow.alive(better.source)
        better.cut("carrier")
        flow.alive(other.source)
        better.repair("carrier")
        back = suite.wait_active(RETURN_S, better.device)
        stayed = flow.report(back - 1, back + 2)
        expect(stayed["lost"] == 0 and list(stayed["sources"]) == [other.source], stayed)
        moved = flow.alive(better.source, 10)
    return {"moved_back_after_s": round(moved - back, 1)}


def test_wireguard_returns(options):
    """C21: WireGuard stays on the backup for ever. A tunnel that the gateway itself ends, which sends from the address where
    its peer was last heard, goes back after `failback_udp_after`."""
    with own_nat(options, "failback_udp_after = 3s\n") as (lab, suite):
        better, other = lab.isps
        site = wireguard(lab)
        flow = lab.udp_flow(server=TAILNET_PEER)

        def only_by(one, another):
            before = {isp: heard_from(site, isp) for isp in lab.isps}
            time.sleep(0.5)
            return heard_from(site, one) > before[one] + 100 and heard_from(site, another) == before[another]

        expect(only_by(better, other), "it begins on wan1")
        better.cut("carrier")
        suite.wait_active(5, other.device)
        flow.alive(timeout=5)
        expect(only_by(other, better), "it goes on by wan2")
        better.repair("carrier")
        back = suite.wait_active(RETURN_S, better.device)
        stayed = flow.report(back - 1, back + 2)
        expect(stayed["lost"] == 0, stayed)
        moved = wait_until(lambda: only_by(better, other) and time.monotonic(), 15, what="it is back on wan1")
        after = flow.report(back + 2)
        expect(after["outage_ms"] <= 130, after)
        everything = lambda: len(re.findall(r"from 198\.18\.2\.2 .*proto 109", lab.gateway.run("ip", "rule"))) == 4
        suite.wait(everything, 40, "wan2 has its rules again")
        expect(only_by(better, other), "it stays on wan1")
    return {"moved_back_after_s": round(moved - back, 1), "outage_of_that_move_ms": after["outage_ms"]}


def test_table_is_put_back(options):
    """Somebody flushes the whole ruleset: our table is there again, and connections stay where they are."""
    with own_nat(options) as (lab, suite):
        flow = lab.udp_flow()
        time.sleep(2)
        begun = time.monotonic()
        lab.gateway.run("nft", "flush", "ruleset")
        wait_until(lambda: "inet multilink" in lab.gateway.run("nft", "list", "tables"), 2, every=0.005)
        repaired = time.monotonic()
        report = flow.report(begun - 1, repaired + 1)
        expect(report["outage_ms"] <= AT_ONCE_MS, report)
        expect("inet multilink" in lab.gateway.run("nft", "list", "tables"), suite.log("routed"))
    return {"repaired_ms": round((repaired - begun) * 1000), "lost": report["lost"]}


def test_downloads_survive_a_reload_of_the_firewall(options):
    """The only NAT is ours, and somebody flushes the whole ruleset again and again: what the servers send meanwhile must not
    be taken for this host's own and be answered with a reset."""
    with own_nat(options) as (lab, suite):
        lab.stream_server()
        streams = [lab.tcp_stream("download") for _ in range(5)]
        time.sleep(1)
        begun = time.monotonic()
        for _ in range(20):
            lab.gateway.run("nft", "flush", "ruleset")
            wait_until(lambda: "table inet multilink\n" in lab.gateway.run("nft", "list", "tables"), 2, every=0.005)
            time.sleep(0.1)
        time.sleep(1)
        for stream in streams:
            lives = stream.report(begun)
            expect(len(lives) == 1 and lives[0]["ended"] is None, lives)


def test_translation_survives_a_reload_of_the_firewall(options):
    """Somebody loads his ruleset anew, with a NAT of his own, while a flow stays on the uplink that does not carry any more:
    without its pin and its translation it would go on by the other one, untranslated, for as long as it lasts."""
    with own_nat(options) as (lab, suite):
        better, other = lab.isps
        better.cut("carrier")
        suite.wait_active(5, other.device)
        flow = lab.udp_flow()
        flow.alive(other.source)
        better.repair("carrier")
        suite.wait_active(RETURN_S, better.device)
        begun = time.monotonic()
        # As on a busy machine: until routed has its turn, many packets pass.
        os.kill(suite.pid("routed"), signal.SIGSTOP)
        try:
            lab.gateway.nft("flush ruleset\ntable ip admin {\nchain out {\ntype nat hook postrouting priority srcnat;\n"
                            'oifname "wg0" masquerade\n}\n}')
            time.sleep(1)
        finally:
            os.kill(suite.pid("routed"), signal.SIGCONT)
        moved = flow.alive(better.source, 3)
        report = flow.report(begun, moved)
    return {"lost": report["lost"], "outage_ms": report["outage_ms"]}


if __name__ == "__main__":
    main(globals())
