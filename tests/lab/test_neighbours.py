#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Life beside others: foreign default routes and the rules of VPNs, set up before the suite starts and after."""

import contextlib
import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from multilink_lab import Uplink
from multilink_lab.firewall import Docker, dropped, firewalld, rules_of
from multilink_lab.lab import CLIENT
from multilink_lab.scenario import AT_ONCE_MS, expect, main
from multilink_lab.suite import running
from multilink_lab.vpn import SITE, TAILNET_PEER, tailscale, wg_quick, wg_quick_down

GATEWAYS = "[wan1]\ngateway = 198.18.1.1\n[wan2]\ngateway = 198.18.2.1\n"


def without_defaults():
    return [Uplink(rtt_ms=20, metric=None), Uplink(rtt_ms=80, metric=None)]


@contextlib.contextmanager
def beside(options, neighbour, first, uplinks=None, sections=None, **lab_options):
    """The suite with neighbour(lab) called before its start or after, without a packet lost by whichever comes
    second. Gives (lab, suite, what neighbour gave)."""
    given = []
    with running(options, uplinks, sections,
                 before=(lambda lab: given.append(neighbour(lab))) if first else None, **lab_options) as (lab, suite):
        if not first:
            given.append(neighbour(lab))
            suite.wait_active(2, "wan1")
        yield lab, suite, given[0]


def carrier_fails_over(lab, suite, flow, sources):
    """The flow goes on at once and is only ever seen under the addresses `sources`."""
    begun = lab.isps[0].cut("carrier")
    suite.wait_active(5, "wan2")
    flow.alive(sources[-1], 5)
    report = flow.report(begun - 0.5)
    expect(report["outage_ms"] <= AT_ONCE_MS, report)
    expect(set(report["sources"]) == set(sources), report["sources"])
    return report["outage_ms"]


def renew(lab, route, times=20):
    """What DHCP clients do with their default, back to back and with a pause. ip() raises when the kernel refuses."""
    for _ in range(times):
        lab.gateway.ip(f"route del {route}", f"route add {route}")
        lab.gateway.ip(f"route replace {route}")
        lab.gateway.ip(f"route del {route}")
        time.sleep(0.02)
        lab.gateway.ip(f"route add {route}")


def foreign_default(options, route, uplinks=None, sections=None):
    """`route` is in main before the start, or added after it, and renewed as a DHCP client does."""
    figures = {}
    for first in (True, False):
        with beside(options, lambda lab: lab.gateway.ip(f"route add {route}"), first, uplinks, sections) as \
                (lab, suite, _):
            flow = lab.udp_flow()
            begun = time.monotonic()
            renew(lab, route)
            suite.wait_active(2, "wan1")
            report = flow.report(begun - 0.2)
            expect(report["lost"] == 0, report)
            foreign = [line for line in lab.gateway.run("ip", "route", "show", "default").splitlines()
                       if "proto 109" not in line]
            expect(len(foreign) == (3 if uplinks is None else 1), f"the foreign routes are there: {foreign}")
            name = "before_ms" if first else "after_ms"
            figures[name] = carrier_fails_over(lab, suite, flow, [isp.source for isp in lab.isps])
    return figures


def test_foreign_default_with_metric_0(options):
    return foreign_default(options, "default via 198.18.2.1 dev wan2 proto dhcp metric 0", without_defaults(), GATEWAYS)


def test_foreign_default_with_metric_100(options):
    return foreign_default(options, "default via 198.18.2.1 dev wan2 proto dhcp metric 100", without_defaults(),
                           GATEWAYS)


def test_foreign_default_without_metric(options):
    """A classic static setup: no metric, no protocol of a DHCP client, by the better uplink."""
    return foreign_default(options, "default via 198.18.1.1 dev wan1", without_defaults(), GATEWAYS)


def test_unreachable_default(options):
    """A kill switch of somebody else is shadowed, not removed."""
    return foreign_default(options, "unreachable default metric 4278198272")


def test_no_foreign_default(options):
    with running(options, without_defaults(), GATEWAYS) as (lab, suite):
        return {"outage_ms": carrier_fails_over(lab, suite, lab.udp_flow(), [isp.source for isp in lab.isps])}


def renewed_while_another_carries(options, metric):
    """C11: a renewal clobbers the default route. wan1's client owns `default via ... metric N`; wan1 fails, so that the
    default passes it, and returns."""
    route = f"default via 198.18.1.1 dev wan1 proto dhcp src 198.18.1.2 metric {metric}"
    with beside(options, lambda lab: lab.gateway.ip(f"route add {route}"), True, without_defaults(), GATEWAYS) as \
            (lab, suite, _):
        flow = lab.udp_flow()
        lab.isps[0].cut("blackhole")
        suite.wait_active(5, "wan2")
        flow.alive(lab.isps[1].source, 5)
        begun = time.monotonic()
        renew(lab, route)
        expect(suite.active() == ["wan2"], suite.routing())
        expect(suite.routing()["sync"] == "in_sync", suite.routing())
        while_away = flow.report(begun)
        expect(while_away["lost"] == 0, while_away)
        expect(lab.path_of("192.168.77.2") == "lan0", "the LAN is reached")
        lab.isps[0].repair("blackhole")
        suite.wait_active(30, "wan1")
        begun = flow.alive(lab.isps[0].source, 5) + 0.2  # what was in flight at the switch is lost to translation
        time.sleep(0.2)
        renew(lab, route)
        suite.wait_active(2, "wan1")
        report = flow.report(begun)
        expect(report["lost"] == 0, report)
        expect(not lab.gateway.ip_json("route", "show", "table", "7000"), "what passed it is gone")


def test_renewals_without_a_metric_while_another_carries(options):
    renewed_while_another_carries(options, 0)


def test_renewals_with_metric_1_while_another_carries(options):
    renewed_while_another_carries(options, 1)


def test_renewals_with_our_metric_while_another_carries(options):
    renewed_while_another_carries(options, 3)


def test_renewals_with_metrics(options):
    """Two clients as NetworkManager or systemd-networkd set them."""
    with running(options) as (lab, suite):
        flow = lab.udp_flow()
        begun = time.monotonic()
        for number, metric in ((1, 100), (2, 101)):
            renew(lab, f"default via 198.18.{number}.1 dev wan{number} proto dhcp src 198.18.{number}.2 metric {metric}")
        suite.wait_active(2, "wan1")
        report = flow.report(begun - 0.2)
    expect(report["lost"] == 0, report)


def without_metric(vpn, number=1):
    """A VPN beside a DHCP client that gives its default by wan<number> no metric: that one stays first in main whoever
    carries."""
    def neighbour(lab):
        lab.gateway.ip(f"route add default via 198.18.{number}.1 dev wan{number} proto dhcp")
        return vpn(lab)
    return neighbour


def tunnelled(options, first, neighbour=wg_quick, *setup):
    """C17: mark and priority clashes. wg-quick's full tunnel: everything leaves by it, the tunnel itself by the best uplink."""
    with beside(options, neighbour, first, *setup) as (lab, suite, _):
        flow = lab.udp_flow()
        outage = carrier_fails_over(lab, suite, flow, [SITE])
    return {"outage_ms": outage}


def test_wg_quick_before(options):
    return tunnelled(options, True)


def test_wg_quick_after(options):
    return tunnelled(options, False)


def test_wg_quick_beside_a_default_without_metric(options):
    return tunnelled(options, True, without_metric(wg_quick), without_defaults(), GATEWAYS)


def answered_from_outside(lab):
    """By the wrong uplink, or by the tunnel, the answer would bear an address that is not wanted there."""
    for isp in lab.isps:
        out = lab.internet.run("ping", "-n", "-i", "0.02", "-W", "1", "-c", "10", isp.address, check=False)
        expect(" 0% packet loss" in out, f"{isp.device} is answered from outside: {out}")


def answers_beside_wg_quick(options, first, neighbour=wg_quick, *setup):
    """Who comes in through an uplink is answered through it, while the tunnel has all other traffic; and nobody is in
    the way of wg-quick when it ends."""
    with beside(options, neighbour, first, *setup) as (lab, suite, _):
        lab.udp_flow().alive(SITE, 2)
        answered_from_outside(lab)
        seconds = wg_quick_down(lab)
        lab.udp_flow().alive(lab.isps[0].source, 2)
        answered_from_outside(lab)
        suite.wait(lambda: lab.gateway.run("ip", "rule").count("proto 109") >= 18, 2, "all rules are there")
        expect("1010:" in lab.gateway.run("ip", "rule"), "at the ordinary place")
        expect(suite.routing()["sync"] == "in_sync", suite.routing())
    expect(seconds <= 2, f"wg-quick down took {seconds} s")
    return {"down_s": round(seconds, 2)}


def test_wg_quick_answers_before(options):
    return answers_beside_wg_quick(options, True)


def test_wg_quick_answers_after(options):
    return answers_beside_wg_quick(options, False)


def test_wg_quick_answers_beside_a_default_without_metric(options):
    return answers_beside_wg_quick(options, True, without_metric(wg_quick, 2), without_defaults(), GATEWAYS)


def test_wg_quick_never_leaks(options):
    """A flow through the tunnel while the suite starts, fails over, and is killed: never seen in clear."""
    with running(options) as (lab, suite):
        for name in ("routed", "healthd", "pingd"):
            suite.kill(name)
        wg_quick(lab)
        flow = lab.udp_flow()
        begun = time.monotonic()
        suite.start("pingd", "healthd", "routed")
        suite.wait_active(5, "wan1")
        lab.isps[0].cut("carrier")
        suite.wait_active(5, "wan2")
        suite.kill("routed")
        flow.alive(SITE)
        report = flow.report(begun)
    expect(list(report["sources"]) == [SITE], report["sources"])
    return {"outage_ms": report["outage_ms"]}


def in_tailnet(options, first, neighbour=tailscale, *setup):
    """C17: mark and priority clashes with Tailscale. Its addresses stay reachable, its own packets and the plain ones go by
    the best uplink."""
    with beside(options, neighbour, first, *setup) as (lab, suite, _):
        tailnet, plain = lab.udp_flow(server=TAILNET_PEER), lab.udp_flow()
        begun = time.monotonic()
        calm = tailnet.report(begun, begun + 1)
        expect(calm["lost"] == 0, calm)
        begun = time.monotonic()
        plain_outage = carrier_fails_over(lab, suite, plain, [isp.source for isp in lab.isps])
        tailnet.alive(timeout=5)
        report = tailnet.report(begun)
        expect(report["outage_ms"] <= AT_ONCE_MS, report)
    return {"plain_outage_ms": plain_outage, "tailnet_outage_ms": report["outage_ms"]}


def test_tailscale_before(options):
    return in_tailnet(options, True)


def test_tailscale_after(options):
    return in_tailnet(options, False)


def test_tailscale_beside_a_default_without_metric(options):
    return in_tailnet(options, True, without_metric(tailscale), without_defaults(), GATEWAYS)


def marks_of_others(lab):
    """Somebody sets all bits that are not multilink's, and counts who bears just these where rules see them."""
    marks, forwarded, local = "0xc0ffffff", 'iifname "lan0" oifname "wan*"', 'ip saddr 198.18.0.0/16 udp dport 7000'
    lab.gateway.nft(f"""
        table inet others {{
            counter kept {{ }}
            counter kept_local {{ }}
            counter spoilt {{ }}
            chain forwarded {{
                type filter hook prerouting priority mangle; policy accept;
                iifname "lan0" meta mark set {marks} ct mark set ct mark or {marks}
            }}
            chain local {{
                type route hook output priority mangle; policy accept;
                {local} meta mark set {marks}
            }}
            chain before {{
                type filter hook postrouting priority mangle; policy accept;
                {local} meta mark {marks} counter name kept_local accept
                {local} counter name spoilt
            }}
            chain after {{
                type filter hook postrouting priority mangle + 100; policy accept;
                {forwarded} meta mark {marks} ct mark & {marks} == {marks} counter name kept accept
                {forwarded} counter name spoilt
            }}
        }}""")


def test_marks_of_others_are_kept(options):
    """C17: mark clashes with Tailscale, Calico. Forwarded packets leave with the marks of others and no more, the host's own
    are not touched if somebody has marked them; both fail over."""
    with beside(options, marks_of_others, True) as (lab, suite, _):
        local, forwarded = lab.udp_flow(namespace=lab.gateway), lab.udp_flow()
        outage = carrier_fails_over(lab, suite, forwarded, [isp.source for isp in lab.isps])
        local.alive(lab.isps[1].source, 5)
        listing = lab.gateway.run("nft", "list", "counters", "table", "inet", "others")
        counted = {name: int(count) for name, count in re.findall(r"counter (\w+) {\s*packets (\d+)", listing)}
        expect(min(counted["kept"], counted["kept_local"]) > 500 and counted["spoilt"] == 0, counted)
    return {"outage_ms": outage}


def test_route_that_would_not_fail_over_is_reported(options):
    """A forgotten static route, and the one to the far end of a VPN: in the log once each, and by --plan."""
    routes = ("203.0.113.0/25 via 198.18.1.1 dev wan1 proto static", "203.0.113.200 via 198.18.2.1 dev wan2")
    with running(options) as (lab, suite):
        lab.gateway.ip(*(f"route add {route}" for route in routes), "route add 10.20.0.0/16 via 198.18.1.1 dev wan1")
        words = ("what goes to 203.0.113.0/25 does not fail over: a route in main keeps it on wan1",
                 "what goes to 203.0.113.200/32 does not fail over: a route in main keeps it on wan2")
        suite.wait(lambda: all(text in suite.log("routed") for text in words), 5, "routed says so")
        plan = lab.gateway.run(f"{options.bin}/routed", "--config", suite.config, "--plan")
        lab.isps[1].cut("carrier")
        suite.wait_status(5, wan2="FALSE")
        lab.isps[1].repair("carrier")
        suite.wait_status(20, wan2="TRUE")
        for text in words:
            expect(suite.log("routed").count(text) == 1, suite.log("routed"))
            expect(text in plan, plan)
        expect("10.20.0.0/16" not in suite.log("routed"), "the provider's own network is no matter")
        remedy = re.search(r"by any uplink: (ip route del 203.0.113.0/25 .*)", plan).group(1)
        lab.gateway.run("sh", "-c", remedy)
        expect(not lab.gateway.ip_json("route", "show", "203.0.113.0/25"), f"the remedy works: {remedy}")


def beside_firewall(options, first, neighbour, tables, last_rule, **lab_options):
    """The flows that a firewall of others lets pass lose nothing at the start and fail over; what it drops stays
    dropped; its rules are not touched. `last_rule`: where what is dropped is counted."""
    def set_up(lab):
        return neighbour(lab), rules_of(lab.gateway, *tables)
    with beside(options, set_up, first, **lab_options) as (lab, suite, (given, before)):
        flows = [lab.udp_flow()] + ([given.udp_flow()] if given else [])
        calm = time.monotonic()
        suite.kill("routed")
        suite.start("routed")
        suite.wait_active(5, "wan1")
        for flow in flows:
            report = flow.report(calm)
            expect(report["lost"] == 0, report)
        outages = []
        begun = lab.isps[0].cut("carrier")
        suite.wait_active(5, "wan2")
        for flow in flows:
            flow.alive(lab.isps[1].source, 5)
            outages.append(flow.report(begun - 0.5)["outage_ms"])
        expect(max(outages) <= AT_ONCE_MS, outages)
        refused = dropped(lab.gateway, *last_rule)
        lab.internet.ip(f"route add 192.168.77.0/24 via {lab.isps[1].address} dev isp2 onlink")
        lab.isps[1].namespace.ip(f"route add 192.168.77.0/24 via {lab.isps[1].address}")
        lab.internet.run("ping", "-c", "3", "-i", "0.1", "-W", "1", CLIENT, check=False)
        expect(dropped(lab.gateway, *last_rule) == refused + 3, "nobody from outside reaches the LAN")
        expect(rules_of(lab.gateway, *tables) == before, "their rules are as they were")
    return {"outage_ms": outages}


def docker(options, first):
    return beside_firewall(options, first, Docker, ("ip filter", "ip nat"), ("ip filter", "FORWARD"))


def test_docker_before(options):
    return docker(options, True)


def test_docker_after(options):
    return docker(options, False)


def test_docker_stops_the_lan(options):
    """Where nobody has let the LAN through, routed says so, with what to do, until somebody has."""
    def stopped(suite):
        return "DOCKER-USER" in suite.routing().get("warnings", "")
    with beside(options, Docker, True) as (lab, suite, _):
        suite.wait(suite.routing, 5, "routed's record")
        expect(not stopped(suite), "the LAN is let through")
        lab.gateway.run("nft", "flush chain ip filter DOCKER-USER")
        suite.reload()
        suite.wait(lambda: stopped(suite), 5, "the warning")
        lab.gateway.run("nft", "add rule ip filter DOCKER-USER iifname lan0 counter accept")
        suite.reload()
        suite.wait(lambda: not stopped(suite), 5, "no warning any more")


def test_docker_published_port(options):
    """Who comes in by the uplink that carries is answered by the container, and by nobody else's address."""
    with beside(options, Docker, True) as (lab, _, containers):
        flow = containers.flow_from_outside(lab.isps[0].address)
        begun = flow.alive()
        report = flow.report(begun, begun + 2)
        expect(report["lost"] == 0, report)
        expect([isp.foreign_sources() for isp in lab.isps] == [0, 0], "each uplink carries only its own address")


def test_firewalld_before(options):
    """With `ct state invalid drop`, and masquerading that is not ours."""
    return beside_firewall(options, True, firewalld, ("inet firewalld",), ("inet firewalld", "filter_FORWARD"), nat=False)


def test_firewalld_after(options):
    return beside_firewall(options, False, firewalld, ("inet firewalld",), ("inet firewalld", "filter_FORWARD"), nat=False)


if __name__ == "__main__":
    main(globals())
