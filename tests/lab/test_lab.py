#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab tested by itself, without multilink: what it says must be what is."""

import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from multilink_lab import Lab, Suite, Uplink, wait_until
from multilink_lab.ipv6 import SERVER6, TARGETS6
from multilink_lab.lab import CLIENT, SERVER, TARGETS
from multilink_lab.namespace import Namespace
from multilink_lab.redis import RedisError
from multilink_lab.scenario import expect, main
from multilink_lab.uplink import FAULTS
from multilink_lab.vpn import SITE, TAILNET_PEER, tailscale, wg_quick


def ping(namespace, address, count=1, *words):
    """How many of `count` were answered, 20 ms apart; and the output."""
    output = namespace.run("ping", "-n", "-i", "0.02", "-W", "0.3", "-c", str(count), *words, address, check=False)
    return int(output.split(" received")[0].rsplit(" ", 1)[1]), output


def test_delays(options):
    with Lab(options.tools, [Uplink(rtt_ms=20), Uplink(rtt_ms=80, jitter_ms=10, metric=None)]) as lab:
        flow = lab.udp_flow()
        first = flow.report(time.monotonic(), time.monotonic() + 2)
        lab.switch(lab.isps[1])
        begun = flow.alive(lab.isps[1].source)
        second = flow.report(begun, begun + 2)
    expect(first["lost"] == 0 and abs(first["rtt_ms"]["median"] - 20) < 1, first)
    expect(second["lost"] == 0 and second["rtt_ms"]["min"] > 79.9, second)
    expect(82 < second["rtt_ms"]["median"] < 98, second)
    return {"rtt_20": first["rtt_ms"], "rtt_80_jitter_10_each_way": second["rtt_ms"]}


def test_rate_and_line_loss(options):
    with Lab(options.tools, [Uplink(rtt_ms=20)]) as lab:
        line, flow = lab.isps[0].line, lab.udp_flow()
        line.set("ab", loss_percent=20)
        begun = time.monotonic()
        lossy = flow.report(begun, begun + 3)
        line.set("ab", loss_percent=0, rate_bps=500 * 100 * 8, queue_us=50000)  # half of 1 000 packets of 100 bytes
        begun = time.monotonic() + 0.5
        limited = flow.report(begun, begun + 2)
    expect(450 < lossy["lost"] < 750, lossy)
    expect(900 < limited["lost"] < 1200 and 60 < limited["rtt_ms"]["median"] < 80, limited)
    return {"lost_of_3000_at_20_percent": lossy["lost"], "lost_of_2000_at_half_rate": limited["lost"]}


def test_forwarder_is_light(options):
    with Lab(options.tools, [Uplink(rtt_ms=20)]) as lab:
        flow = lab.udp_flow(rate=5000)
        line = lab.isps[0].line
        begun, before = time.monotonic(), _cpu(line.pid)
        report = flow.report(begun, begun + 3)
        used = (_cpu(line.pid) - before) / (time.monotonic() - begun)
    expect(report["sent"] > 14900 and report["lost"] == 0, report)
    expect(report["rtt_ms"]["median"] < 21, report)
    # Delivering a packet runs the receiving namespace's whole network stack on the forwarder's account.
    expect(used < 0.8, f"{used:.2f} of a core for 5 000 packets/s each way")
    return {"core_share_at_5000_per_second": round(used, 3), "rtt_ms": report["rtt_ms"]}


def _cpu(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_faults(options):
    """Each fault breaks what it says and no more, and its repair mends it."""
    expected = {  # carrier at the gateway, the ISP's router answers, the Internet answers
        "carrier": (False, False, False),
        "blackhole": (True, True, False),
        "dead_next_hop": (True, False, False),
        "unreachable": (True, True, False),
    }
    with Lab(options.tools) as lab:
        isp = lab.isps[0]

        def seen():
            link = lab.gateway.ip_json("link", "show", "dev", isp.device)[0]
            return ("LOWER_UP" in link["flags"], ping(lab.gateway, isp.router)[0] == 1,
                    ping(lab.gateway, SERVER, 1, "-I", isp.device)[0] == 1)

        expect(seen() == (True, True, True), "healthy at first")
        for fault, state in expected.items():
            isp.cut(fault)
            expect(wait_until(lambda: seen() == state, 3, lab.watch), fault)
            if fault == "unreachable":
                expect("Destination Host Unreachable" in ping(lab.gateway, SERVER, 1, "-I", isp.device)[1], fault)
            expect(ping(lab.gateway, SERVER, 1, "-I", "wan2")[0] == 1, "the other uplink is untouched")
            isp.repair(fault)
            expect(wait_until(lambda: seen() == (True, True, True), 5, lab.watch), f"{fault} repaired")
        expect(set(expected) | {"loss"} == set(FAULTS), "all faults are tested")


def test_partial_loss(options):
    with Lab(options.tools) as lab:
        flow = lab.udp_flow()
        lab.isps[0].cut("loss", percent=5)
        begun = time.monotonic()
        report = flow.report(begun, begun + 4)
        lab.isps[0].repair("loss")
        begun = time.monotonic()
        after = flow.report(begun, begun + 1)
    # 4 000 packets at 5 %: 200 expected, standard deviation 14.
    expect(120 < report["lost"] < 280, report)
    expect(after["lost"] == 0, after)
    return {"lost_of_4000_at_5_percent": report["lost"]}


def test_targets(options):
    with Lab(options.tools) as lab:
        for target in TARGETS:
            expect(ping(lab.gateway, target)[0] == 1, target)
        lab.kill_target(TARGETS[0])
        expect([ping(lab.gateway, target)[0] for target in TARGETS] == [0, 1, 1], "only one target is dead")
        lab.revive_targets()
        expect(ping(lab.gateway, TARGETS[0])[0] == 1, "revived")


def test_foreign_sources_are_dropped(options):
    """BCP 38, and that translation by the lab is what makes the client's packets acceptable."""
    with Lab(options.tools, nat=False) as lab:
        expect(ping(lab.client, SERVER)[0] == 0, f"{CLIENT} is no address of the ISP's customer")
        expect(lab.isps[0].foreign_sources() == 1, "counted")
        expect(ping(lab.gateway, SERVER, 1, "-I", lab.isps[1].address)[0] == 0, "the other ISP's address by wan1")
        expect(lab.isps[0].foreign_sources() == 2, "counted")
        expect(ping(lab.gateway, SERVER)[0] == 1, "own addresses pass")


def test_ipv6(options):
    """The other family: the same router address behind both uplinks, translation, BCP 38, and faults of one family."""
    with Lab(options.tools, ipv6="static") as lab:
        better, other = lab.isps

        def reached(family, isp=better):
            return ping(lab.gateway, SERVER if family == 4 else SERVER6, 1, "-I", isp.device)[0] == 1

        for target in (SERVER6, *TARGETS6):
            expect(ping(lab.client, target)[0] == 1, target)
        for isp in lab.isps:
            expect(ping(lab.gateway, f"fe80::1%{isp.device}")[0] == 1 and reached(6, isp), isp.device)
        for fault in ("blackhole", "unreachable", "dead_next_hop"):
            for family in (4, 6):
                better.cut(fault, family=family)
                expect([reached(4), reached(6)] == [family == 6, family == 4], f"{fault} of IPv{family} alone")
                better.repair(fault)
                wait_until(lambda: reached(4) and reached(6), 10, what=f"{fault} is repaired")
            better.cut(fault)
            expect(not reached(4) and not reached(6) and reached(6, other), f"{fault} of both families")
            better.repair(fault)
            wait_until(lambda: reached(4) and reached(6), 10, what=f"{fault} is repaired")
        flow = lab.udp_flow(server=SERVER6)
        begun = time.monotonic()
        report = flow.report(begun, begun + 1)
    expect(report["lost"] == 0 and list(report["sources"]) == [better.ipv6.address], report)
    with Lab(options.tools, ipv6="static", nat=False) as lab:
        expect(ping(lab.client, SERVER6)[0] == 0, "the client's address is none of the ISP's customer")
        expect(ping(lab.gateway, SERVER6, 1, "-I", lab.isps[1].ipv6.address)[0] == 0, "nor is the other ISP's")


def test_router_advertisements(options):
    with Lab(options.tools, ipv6="ra") as lab:
        for isp in lab.isps:
            expect(ping(lab.gateway, SERVER6, 1, "-I", isp.device)[0] == 1, isp.device)
        lab.isps[0].ipv6.radvd.stop()
        wait_until(lambda: lab.path_of(SERVER6) == "wan2", 5, lab.watch, what="a router that says farewell is left")


def test_same_subnet_twice(options):
    uplinks = [Uplink(subnet="192.168.1.0/24", cpe=True, metric=100),
               Uplink(subnet="192.168.1.0/24", cpe=True, metric=101, rtt_ms=80)]
    with Lab(options.tools, uplinks) as lab:
        flow = lab.udp_flow()
        begun = time.monotonic()
        report = flow.report(begun, begun + 1)
        expect(list(report["sources"]) == [lab.isps[0].source] and report["lost"] == 0, report)


def test_instant_script(options):
    """A switch at the instant of the fault costs one round trip of the path that died: the flow loses what is in
    flight on it. The lab adds no more than a few milliseconds to that."""
    figures = {}
    for fault in ("carrier", "blackhole", "dead_next_hop"):
        with Lab(options.tools) as lab:
            flow = lab.udp_flow()
            begun = lab.cut_and_switch(fault, lab.isps[0], lab.isps[1])
            flow.alive(lab.isps[1].source)
            report = flow.report(begun - 0.2)
        expect(19 <= report["outage_ms"] <= 40, (fault, report))
        figures[fault] = report["outage_ms"]
    return {"outage_ms": figures}


def test_tcp_flow(options):
    with Lab(options.tools) as lab:
        flow = lab.tcp_flow()
        begun = time.monotonic()
        calm = flow.report(begun, begun + 2)
        lab.isps[0].cut("unreachable")
        begun = time.monotonic()
        cut = flow.report(begun, begun + 1)
    expect(95 <= calm["begun"] <= 105 and calm["failed"] == 0, calm)
    expect(40 <= calm["latency_ms"]["median"] <= 44, calm)
    expect(cut["failed"] == cut["begun"] > 40 and "No route to host" in cut["errors"], cut)
    expect(cut["longest_without_success_ms"] > 900, cut)
    return {"calm": calm["latency_ms"]}


def test_tcp_stream(options):
    """Long connections live through a short silence, and tell when and how they end."""
    with Lab(options.tools) as lab:
        server = lab.stream_server()
        streams = {way: lab.tcp_stream(way) for way in ("upload", "download")}
        begun = time.monotonic()
        time.sleep(1)
        cut = lab.isps[0].cut("blackhole")
        time.sleep(0.5)
        lab.isps[0].repair("blackhole")
        time.sleep(2)
        for way, stream in streams.items():
            rows = stream.report(begun)
            expect(len(rows) == 1 and rows[0]["ended"] is None and rows[0]["progress"] > 100, (way, rows))
            expect(500 <= rows[0]["longest_gap_ms"] < 2000, (way, rows))
        lab.gateway.nft("""
            table inet resets {
                chain forward {
                    type filter hook forward priority filter; policy accept;
                    tcp dport 7002 reject with tcp reset
                    tcp sport 7002 reject with tcp reset
                }
            }""")
        reset = time.monotonic()
        time.sleep(1)
        first, *later = streams["upload"].report(cut)
        expect(first["error"] == "Connection reset by peer" and first["ended"] - reset < 0.5, first)
        expect(later and all(row["error"] for row in later if row["ended"]), later)
        # Who only receives has nothing to send that could be answered by a reset, but for the last packet on its way: the
        # server alone has learned of it.
        hanging, *_ = streams["download"].report(cut)
        is_told = hanging["error"] == "Connection reset by peer"
        expect(is_told or hanging["ended"] is None and hanging["longest_gap_ms"] > 900, hanging)
        expect(server.report(reset)["open"] == 0, server.report(reset))
        lab.gateway.nft("delete table inet resets")
        anew = time.monotonic()
        time.sleep(1)
        expect(streams["upload"].report(anew)[-1]["progress"] > 50, streams["upload"].report(anew))


def test_vpns(options):
    """Both kinds of tunnel carry what they should, and their outer packets follow the default route."""
    with Lab(options.tools) as lab:
        tailscale(lab)
        plain, tailnet = lab.udp_flow(), lab.udp_flow(server=TAILNET_PEER)
        begun = time.monotonic()
        expect(list(plain.report(begun, begun + 1)["sources"]) == [lab.isps[0].source], "plain traffic stays out")
        begun = lab.cut_and_switch("carrier", *lab.isps)
        tailnet.alive(timeout=5)
        report = tailnet.report(begun - 0.2)
        expect(report["outage_ms"] < 40 and list(report["sources"]) == [CLIENT], report)
    with Lab(options.tools) as lab:
        wg_quick(lab)
        flow = lab.udp_flow()
        begun = time.monotonic()
        report = flow.report(begun, begun + 1)
        expect(report["lost"] == 0 and list(report["sources"]) == [SITE], report)


def test_redis_client(options):
    with Lab(options.tools) as lab:
        suite = Suite(lab, options.bin)
        suite.start("redis")
        redis = suite.redis()
        redis("HSET", suite.key("routing"), "4.active", "a/wan1/1/198.18.1.1 b/wan2/3/")
        expect(suite.active() == ["wan1", "wan2"] and suite.status("wan1") is None, suite.routing())
        redis("XADD", suite.key("events"), "*", "kind", "route", "to", "b\xff\r\n")
        expect(suite.events() == [{"kind": "route", "to": "b\xff\r\n"}], suite.events())
        try:
            redis("INCR", suite.key("events"))
        except RedisError as error:
            expect("WRONGTYPE" in str(error), error)
        else:
            raise AssertionError("INCR of a stream succeeded")
        suite.kill("redis")
        suite.start("redis")
        expect(suite.routing() == {}, "a new Redis is empty")
        expect(set(suite.cost()) == {"redis"} and suite.cost()["redis"]["pss_kib"] > 1000, suite.cost())


_VICTIM = """
import os, sys, time
sys.path.insert(0, {package!r})
from multilink_lab import Lab, isolate
isolate()
with Lab({tools!r}) as lab:
    flow = lab.udp_flow()
    lab.gateway.ip("link add {witness} type veth peer name {witness} netns /proc/1/fd/{fd}")
    print("up", flush=True)
    sys.stdin.readline()
    {ending}
"""


def test_nothing_is_left(options):
    """After a normal end, an exception, SIGTERM and SIGKILL of either process: no process remains, and no network
    namespace: with it went the veth whose other end this test holds."""
    witness = Namespace("witness")
    space = os.open(witness.path, os.O_RDONLY)
    package = os.path.dirname(os.path.realpath(__file__))
    before = _pids()

    def victim(name, ending):
        code = _VICTIM.format(package=package, tools=options.tools, ending=ending, fd=space, witness=name)
        process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True, pass_fds=[space])
        expect(process.stdout.readline() == "up\n", "the victim's lab is up")
        expect(len(_pids()) > len(before) + 5 and _links(witness) == {"lo", name}, "it is there to be removed")
        return process

    def gone(how, process, status):
        got = process.wait(timeout=10)
        expect(got == status, f"{how}: exit status {got}")
        wait_until(lambda: _pids() == before, 5, what=f"{how}: no process left")
        wait_until(lambda: _links(witness) == {"lo"}, 10, what=f"{how}: no namespace left")

    def inner_of(process):
        with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
            return int(file.read().split()[0])

    for how, ending, status in (("end", "pass", 0), ("exception", "raise RuntimeError", 1)):
        process = victim(how, ending)
        process.stdin.write("\n")
        process.stdin.flush()
        gone(how, process, status)
    for how, number, status in (("term", signal.SIGTERM, 143), ("kill", signal.SIGKILL, -9)):
        process = victim(how, "pass")
        process.send_signal(number)
        gone(how, process, status)
    process = victim("inner", "pass")
    os.kill(inner_of(process), signal.SIGKILL)
    gone("inner", process, 137)


def _pids():
    """All processes but those that are dead and wait for this one, their new parent, to notice."""
    alive = set()
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="ascii") as file:
                if file.read().rsplit(")", 1)[1].split()[0] != "Z":
                    alive.add(int(name))
        except OSError:
            pass  # gone meanwhile
    return alive


def _links(namespace):
    return {link["ifname"] for link in namespace.ip_json("link", "show")}


def test_two_at_once(options):
    """Two labs in one process and the same addresses in both: a fault in one is none in the other."""
    with Lab(options.tools) as one, Lab(options.tools) as two:
        flows = [one.udp_flow(), two.udp_flow()]
        one.isps[0].cut("blackhole")
        begun = time.monotonic()
        reports = [flow.report(begun, begun + 1) for flow in flows]
    expect(reports[0]["lost"] >= reports[0]["sent"] - 25, reports[0])  # but for answers on their way
    expect(reports[1]["lost"] == 0, reports[1])


if __name__ == "__main__":
    main(globals())
