#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Two gateways, each with two uplinks and a multilink of its own; keepalived moves the LAN's gateway address between
them as docs/operations.md tells ("Two gateways with keepalived")."""

import contextlib
import os
import re
import subprocess
import sys
import time
import types

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from multilink_lab.lab import GATEWAY_LAN, Lab
from multilink_lab.scenario import expect, main
from multilink_lab.suite import DAEMONS, Suite
from multilink_lab.uplink import Uplink
from multilink_lab.waiting import RouteWatch, wait_until

ADDRESSES = ("192.168.77.3", "192.168.77.4")  # of the gateways themselves; GATEWAY_LAN moves
GUIDE = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../docs/operations.md")
# The figures printed are what counts; what is left is for a busy machine.
PULLED_S = 10  # three announcements and a bit, each a second
DEAD_S = 20  # `down`, two checks and three announcements
WITHOUT_S = 10  # the check says so twice, and three announcements


class Keepalived:
    """The configuration and the check are those of the guide."""

    def __init__(self, directory, suite, namespace, number):
        with open(GUIDE, encoding="utf-8") as file:
            guide = file.read()
        check, conf = (re.search(rf"```\n(# {name}\n.*?)```", guide, re.DOTALL).group(1) for name in (
            "/usr/local/sbin/multilink-usable", "/etc/keepalived/keepalived.conf"))
        script = f"{directory}/usable"
        check = check.replace("multilinkctl status --json", f"{suite.bin}/multilinkctl status --json --config {suite.config}")
        with open(script, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o755)) as file:
            file.write("#!/bin/sh\n" + check)
        conf = conf.replace("/usr/local/sbin/multilink-usable", script).replace("192.168.1.1/24", f"{GATEWAY_LAN}/24")
        conf = conf.replace("priority 150", f"priority {150 if number == 1 else 100}")
        with open(f"{directory}/keepalived.conf", "w", encoding="utf-8") as file:
            file.write(conf)
        with open(f"{directory}/keepalived.log", "wb") as log:
            self._process = namespace.popen(
                "keepalived", "--dont-fork", "--log-console", "--vrrp", f"--use-file={directory}/keepalived.conf",
                f"--pid={directory}/keepalived.pid", f"--vrrp_pid={directory}/vrrp.pid", stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)

    def close(self):
        self._process.terminate()
        self._process.wait()


def add_second_gateway(lab):
    """Gives what a Suite needs of a lab: a gateway in the same LAN, with two uplinks of its own."""
    gateway = lab.namespace("gw2")
    gateway.sysctl(net__ipv4__ip_forward=1, net__ipv4__conf__all__rp_filter=0, net__ipv4__conf__default__rp_filter=0)
    directory = f"/run/{gateway.name}-lab"
    os.mkdir(directory)
    # The client becomes the LAN's switch, too.
    lab.client.ip("link add br0 type bridge", "addr flush dev eth0", "link set eth0 master br0",
                  f"link add eth1 type veth peer name lan0 netns {gateway.name}", "link set eth1 master br0 up",
                  "addr add 192.168.77.2/24 brd + dev br0", "link set br0 up", f"route add default via {GATEWAY_LAN}")
    lab.gateway.ip(f"addr del {GATEWAY_LAN}/24 dev lan0", f"addr add {ADDRESSES[0]}/24 brd + dev lan0")
    gateway.ip(f"addr add {ADDRESSES[1]}/24 brd + dev lan0", "link set lan0 up")
    isps = [lab.add_isp(number, Uplink(rtt_ms=20 * number), gateway) for number in (3, 4)]
    for isp in isps:
        gateway.ip(f"route add default via {isp.router} dev {isp.device} proto dhcp metric {100 + isp.number}")
    second = types.SimpleNamespace(directory=directory, gateway=gateway, isps=isps, keep=lab.keep,
                                   watch=lab.keep(RouteWatch(gateway)))
    second.path_of = lambda destination: (gateway.route_get(destination) or {}).get("dev")
    return second


@contextlib.contextmanager
def pair(options, one_redis=False):
    """Gives (lab, second, suites): the first gateway has the LAN's address."""
    with Lab(options.tools, nat=False) as lab:
        second = add_second_gateway(lab)
        suites = []
        for number, at in enumerate((lab, second), 1):
            sections = "".join(f"[{isp.device}]\nmasquerade = yes\n" for isp in at.isps)
            suite = Suite(at, options.bin, sections, site=f"gateway{number}" if one_redis else "local")
            if one_redis and suites:
                suite.socket = suites[0].socket
                suite.configure(sections)
                suite.start(*DAEMONS)
                suite.redis()
            else:
                suite.start()
            suites.append(suite)
        for number, (suite, at) in enumerate(zip(suites, (lab, second)), 1):
            suite.wait_status(10, **{isp.device: "TRUE" for isp in at.isps})
            suite.wait_active(5, at.isps[0].device)
            lab.keep(Keepalived(at.directory, suite, at.gateway, number))
        wait_until(lambda: has_address(lab.gateway) and not has_address(second.gateway), 15, what="the first is master")
        yield lab, second, suites
        expect(not any(suite.died() for suite in suites), "ended by themselves")


def has_address(gateway):
    return f" {GATEWAY_LAN}/24" in gateway.run("ip", "-o", "-4", "addr", "show", "dev", "lan0")


def test_the_first_gateway_is_lost(options):
    """Its cable to the LAN is pulled, and put in again. UDP goes on, TCP connections do not survive either move: they
    are translated to an address of the other gateway's."""
    with pair(options) as (lab, second, _):
        flow = lab.udp_flow()
        lab.stream_server()
        streams = {way: lab.tcp_stream(way) for way in ("upload", "download")}
        flow.alive(lab.isps[0].source)
        time.sleep(2)
        begun = time.monotonic()
        lab.client.ip("link set eth0 down")
        flow.alive(second.isps[0].source, 20)
        lost = flow.report(begun - 0.2)
        time.sleep(5)
        rows = {way: stream.report(begun) for way, stream in streams.items()}
        returned = time.monotonic()
        lab.client.ip("link set eth0 up")
        flow.alive(lab.isps[0].source, 20)
        back = flow.report(returned)
        time.sleep(5)
        cut = [row for row in streams["upload"].report(returned) if row["ended"] and row["ended"] > returned]
    expect(lost["outage_ms"] < PULLED_S * 1000, lost)
    expect(back["outage_ms"] < 1000, back)
    ended = {way: round(row[0]["ended"] - begun, 2) if row[0]["ended"] else None for way, row in rows.items()}
    return {"outage_ms": lost["outage_ms"], "return_ms": back["outage_ms"], "ended_s": ended,
            "cut_by_the_return": len(cut), "errors": {way: row[0]["error"] for way, row in rows.items()}}


def test_all_uplinks_of_the_first_gateway_are_dead(options):
    with pair(options) as (lab, second, suites):
        flow = lab.udp_flow()
        flow.alive(lab.isps[0].source)
        time.sleep(2)
        begun = lab.isps[0].cut("blackhole")
        lab.isps[1].cut("blackhole")
        flow.alive(second.isps[0].source, 30)
        report = flow.report(begun - 0.2)
        # With those of the second dead too the LAN keeps its gateway.
        for isp in second.isps:
            isp.cut("blackhole")
        suites[1].wait_status(15, wan3="FALSE", wan4="FALSE")
        time.sleep(6)
        expect(has_address(lab.gateway) != has_address(second.gateway), "one of them has the address")
        second.isps[0].repair("blackhole")
        flow.alive(second.isps[0].source, 60)
    expect(report["outage_ms"] < DEAD_S * 1000, report)
    return {"outage_ms": report["outage_ms"]}


def lose_redis(lab, second, suite):
    """Neither the traffic nor the gateway's address minds. Gives the flow."""
    flow = lab.udp_flow()
    flow.alive(lab.isps[0].source)
    begun = time.monotonic()
    suite.kill("redis")
    time.sleep(WITHOUT_S)
    report = flow.report(begun)
    expect(report["lost"] == 0 and has_address(lab.gateway) and not has_address(second.gateway), report)
    return flow


def test_a_gateway_without_its_redis_keeps_the_address(options):
    with pair(options) as (lab, second, suites):
        lose_redis(lab, second, suites[0])
    return {"without_redis_s": WITHOUT_S}


def test_one_redis_with_two_sites(options):
    """Each has its own keys; without Redis neither the traffic nor the gateway's address moves."""
    with pair(options, one_redis=True) as (lab, second, suites):
        for suite, own, other in ((suites[0], "wan1", "wan3"), (suites[1], "wan3", "wan1")):
            told = lab.gateway.run(f"{options.bin}/multilinkctl", "status", "--config", suite.config)
            expect(own in told and other not in told, told)
        flow = lose_redis(lab, second, suites[0])
        # A switch by a fact needs no Redis.
        cut = lab.isps[0].cut("carrier")
        flow.alive(lab.isps[1].source, 5)
        outage = flow.report(cut - 0.2)["outage_ms"]
    return {"without_redis_s": WITHOUT_S, "carrier_outage_ms": outage}


if __name__ == "__main__":
    main(globals())
