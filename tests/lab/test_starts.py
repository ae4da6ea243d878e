#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What connections notice of the suite's start, of a reload and of its end: nothing, if they can live."""

import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from multilink_lab import Uplink
from multilink_lab.lab import SERVER, Lab
from multilink_lab.own_nat import NAT, own_nat, sections
from multilink_lab.scenario import AT_ONCE_MS, expect, main
from multilink_lab.suite import Suite
from multilink_lab.waiting import wait_until

RETURN_S = 25
ECHO_SERVER = """
import socket, sys
with socket.create_server((sys.argv[1], 7077)) as listener:
    print("listens", flush=True)
    connection, _ = listener.accept()
    while data := connection.recv(64):
        connection.sendall(data)
"""
ECHO_CLIENT = """
import socket, sys
with socket.create_connection((sys.argv[1], 7077), 5) as connection:
    connection.settimeout(3)
    for line in sys.stdin:
        connection.sendall(line.encode())
        try:
            print(connection.recv(64).decode().strip(), flush=True)
        except OSError as error:
            print(error, flush=True)
"""


def test_first_start_cuts_nothing(options):
    """Connections that lived before the suite began go on, also those that it would lead elsewhere: under multilink's own
    translation, none is there before; the administrator's masquerade, and translation to an address, are."""
    figures = {}
    for kind, rule in {"masquerade": "masquerade", "snat": None}.items():
        with Lab(options.tools, nat=False) as lab:
            better, other = lab.isps
            words = [f'oifname "{isp.device}" {rule or f"snat to {isp.address}"}' for isp in lab.isps]
            lab.gateway.nft("table ip admin {\nchain out {\ntype nat hook postrouting priority srcnat;\n" + "\n".join(words) + "\n}\n}")
            lab.stream_server()
            # The administrator's routes prefer the uplink that is second in the configuration.
            lab.gateway.ip(f"route add default via {other.router} dev {other.device} metric 50")
            flow, streams = lab.udp_flow(), [lab.tcp_stream("upload"), lab.tcp_stream("download")]
            flow.alive(other.source)
            time.sleep(1)
            suite = Suite(lab, options.bin, defaults="failback_udp_after = 2min\n")
            begun = time.monotonic()
            suite.start()
            suite.wait_active(10, better.device)
            time.sleep(3)
            report = flow.report(begun)
            expect(report["lost"] == 0 and list(report["sources"]) == [other.source], (kind, report))
            rows = [stream.report(begun) for stream in streams]
            expect(all(len(row) == 1 and row[0]["ended"] is None and row[0]["longest_gap_ms"] < 400 for row in rows), (kind, rows))
            expect(not suite.died(), suite.died())
            # New connections go by the better one.
            new = lab.tcp_stream("download")
            time.sleep(1)
            expect(new.report(begun)[0]["progress"] > 50, new.report(begun))
            cleared = time.monotonic()
            suite.kill("routed")
            lab.gateway.run(f"{options.bin}/routed", "--config", suite.config, "--clear")
            time.sleep(2)
            report = flow.report(cleared)
            expect(report["lost"] == 0, (kind, "at --clear", report))
            rows = [stream.report(cleared) for stream in streams]
            expect(all(len(row) == 1 and row[0]["ended"] is None for row in rows), (kind, "at --clear", rows))
            figures[kind] = {"lost": report["lost"], "longest_gap_ms": max(row[0]["longest_gap_ms"] for row in rows)}
    return figures


def test_first_start_cuts_nothing_idle(options):
    """A connection that says nothing while the suite begins goes on as well, also with a routed address that no device has."""
    for kind in ("masquerade", "snat", "routed"):
        with Lab(options.tools, nat=False) as lab:
            better, other = lab.isps
            words = []
            for isp in lab.isps:
                address = isp.address
                if kind == "routed":
                    address = f"198.18.{isp.number}.200"
                    isp.namespace.ip(f"route add {address}/32 via {isp.address} dev port")
                words.append(f'oifname "{isp.device}" ' + ("masquerade" if kind == "masquerade" else f"snat to {address}"))
            lab.gateway.nft("table ip admin {\nchain out {\ntype nat hook postrouting priority srcnat;\n" + "\n".join(words) + "\n}\n}")
            lab.gateway.ip(f"route add default via {other.router} dev {other.device} metric 50")
            server = lab.internet.popen("python3", "-c", ECHO_SERVER, SERVER, stdout=subprocess.PIPE, text=True)
            server.stdout.readline()
            client = lab.client.popen("python3", "-c", ECHO_CLIENT, SERVER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

            def answers():
                client.stdin.write("x\n")
                client.stdin.flush()
                return client.stdout.readline().strip() == "x"

            expect(answers(), (kind, "before"))
            suite = Suite(lab, options.bin)
            suite.start()
            suite.wait_active(10, better.device)
            time.sleep(1)
            expect(answers(), (kind, "after the start"))
            suite.kill("routed")
            lab.gateway.run(f"{options.bin}/routed", "--config", suite.config, "--clear")
            expect(answers(), (kind, "after --clear"))
            for process in (client, server):
                process.kill()
                process.wait()


def replaced_uplink(options, restart):
    """An uplink's section gives way to that of a new one."""
    uplinks = [Uplink(rtt_ms=20 * number, metric=100 + number) for number in (1, 2, 3)]
    with Lab(options.tools, uplinks, nat=False) as lab:
        suite = Suite(lab, options.bin, sections(), "failback_udp_after = 2min\n")
        suite.start()
        suite.wait_status(10, wan1="TRUE", wan2="TRUE")
        suite.wait_active(5, "wan1")
        lab.stream_server()
        flow, stream = lab.udp_flow(), lab.tcp_stream("download")
        time.sleep(2)
        begun = time.monotonic()
        if restart:
            suite.kill("routed", signal.SIGTERM)
        suite.configure(f"[wan3]\n{NAT}[wan2]\n{NAT}")
        if restart:
            suite.start("routed")
            wait_until(lambda: suite.log("routed").count("brought the kernel in line") > 1, 10, what="routed acts")
        suite.reload()
        suite.wait_active(15, "wan3")
        time.sleep(2)
        report, rows = flow.report(begun), stream.report(begun)
        expect(report["outage_ms"] <= AT_ONCE_MS and report["gap_count"] <= 1, report)
        expect(len(rows) == 2 and rows[0]["ended"] is not None and rows[1]["connected"] is not None, rows)
    return {"udp_outage_ms": report["outage_ms"], "tcp_told_s": round(rows[0]["ended"] - begun, 2)}


def test_replaced_uplink(options):
    """By a reload."""
    return replaced_uplink(options, False)


def test_replaced_uplink_at_a_restart(options):
    """routed finds rules and connections of an uplink that it never knew."""
    return replaced_uplink(options, True)


def test_another_mark_mask_cuts_nothing(options):
    """By a reload: what is pinned keeps its uplink, on the one that carries and on the other one."""
    with own_nat(options) as (lab, suite):
        lab.stream_server()
        lab.isps[0].cut("carrier")
        suite.wait_active(5, "wan2")
        old = [lab.udp_flow(), lab.tcp_stream("upload"), lab.tcp_stream("download")]
        time.sleep(1)
        lab.isps[0].repair("carrier")
        suite.wait_active(RETURN_S, "wan1")
        new = [lab.udp_flow(), lab.tcp_stream("upload"), lab.tcp_stream("download")]
        time.sleep(1)
        begun = time.monotonic()
        for mask in ("0x00ff0000", "0x3f000000", "0x000000f0"):
            suite.configure(sections(), f"failback_udp_after = 2min\nmark_mask = {mask}\n")
            suite.reload()
            time.sleep(1.5)
        for (flow, *streams), isp in ((old, lab.isps[1]), (new, lab.isps[0])):
            report = flow.report(begun)
            expect(report["lost"] == 0 and list(report["sources"]) == [isp.source], report)
            for stream in streams:
                kept = stream.report(begun)
                expect(len(kept) == 1 and not kept[0]["ended"], kept)
        expect(not suite.died(), suite.died())


def test_a_foreign_default_in_between(options):
    """Between the defaults of two uplinks stands one of a third link that is no uplink and translates nothing. When the kernel takes
    the first one's routes away with its device, a flow may begin there for an instant: it is translated all the same."""
    uplinks = [Uplink(rtt_ms=20 * number, metric=100 + number) for number in (1, 2, 3)]
    outages = []
    for _ in range(3):
        with Lab(options.tools, uplinks, nat=False) as lab:
            suite = Suite(lab, options.bin, f"[wan1]\n{NAT}[wan3]\n{NAT}", "failback_udp_after = 2min\n")
            suite.start()
            suite.wait_active(10, "wan1")
            suite.wait_status(10, wan1="TRUE", wan3="TRUE")
            flow = lab.udp_flow()
            flow.alive(lab.isps[0].source, 5)
            time.sleep(1)
            begun = time.monotonic()
            lab.gateway.ip("link set wan1 down")
            flow.alive(lab.isps[2].source, 5)
            outages.append(flow.report(begun - 0.2)["outage_ms"])
    expect(max(outages) < 1000, outages)
    return {"outages_ms": outages}


def test_clear_leaves_the_host_as_before(options):
    """routed --clear after a crash: rules, routes, nftables and sysctls are what they were."""
    with Lab(options.tools) as lab:
        before = lab.picture()
        suite = Suite(lab, options.bin, sections())
        suite.start()
        suite.wait_active(10, lab.isps[0].device)
        expect(lab.picture() != before, "the suite has set something up")
        suite.kill("routed")
        lab.gateway.run(f"{options.bin}/routed", "--config", suite.config, "--clear")
        after = lab.picture()
        expect(after == before, [set(a) ^ set(b) for a, b in zip(after, before)])


if __name__ == "__main__":
    main(globals())
