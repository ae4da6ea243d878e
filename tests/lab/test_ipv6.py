#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Both families at once: each fails over by itself, and everything that is promised for IPv4 holds for IPv6."""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from multilink_lab import Uplink
from multilink_lab.ipv6 import SERVER6
from multilink_lab.scenario import AT_ONCE_MS, expect, main
from multilink_lab.suite import running

# As for IPv4, where the other family still receives something on the link: the next regular probe tells, and a burst.
DETECTION_MS = 2500
CALM_S = 5
UP_AFTER_S = 25
OWN = "protocol", "109"


def answered(namespace, *words):
    return " 0% packet loss" in namespace.run("ping", "-n", "-i", "0.02", "-W", "1", "-c", "10", *words, check=False)


def fail_and_return(options, fault, bound_ms, kind="static"):
    """Cuts IPv6 on the better uplink, or all of it by its carrier: both families' flows are watched throughout."""
    with running(options, ipv6=kind) as (lab, suite):
        better, other = lab.isps
        flow, flow4 = lab.udp_flow(server=SERVER6), lab.udp_flow()
        time.sleep(CALM_S)
        begun = better.cut(fault, family=6)
        flow.alive(other.ipv6.address)
        suite.wait_active(2, other.device, 6)
        suite.wait_status(5, 6, wan1="FALSE", wan2="TRUE")
        if fault != "carrier":
            expect(suite.agrees(better.device) and suite.status("wan1", 4) == "TRUE", "IPv4 stays where it was")
            expect(suite.status("wan1") == "TRUE", "the uplink is usable in one family")
        failover, failover4 = flow.report(begun - 0.5), flow4.report(begun - 0.5)
        repaired = better.repair(fault)
        returned = flow.alive(better.ipv6.address, UP_AFTER_S)
        for family in (4, 6):
            suite.wait_active(UP_AFTER_S, better.device, family)
            suite.wait_status(2, family, wan1="TRUE", wan2="TRUE")
        failback, failback4 = flow.report(repaired), flow4.report(repaired)
    expect(failover["outage_ms"] <= bound_ms, failover)
    expect(failback["outage_ms"] <= 250 and failback["gap_count"] <= 2, failback)
    if fault != "carrier":
        expect(failover4["lost"] == failback4["lost"] == 0, (failover4, failback4))
    return {"outage_ms": failover["outage_ms"], "returned_s": round(returned - repaired, 2),
            "failback_outage_ms": failback["outage_ms"]}


def test_carrier(options):
    return fail_and_return(options, "carrier", AT_ONCE_MS)


def test_silent_black_hole(options):
    return fail_and_return(options, "blackhole", DETECTION_MS)


def test_dead_next_hop(options):
    return fail_and_return(options, "dead_next_hop", DETECTION_MS)


def test_unreachable(options):
    return fail_and_return(options, "unreachable", DETECTION_MS)


def test_ipv4_down_alone(options):
    """The other way round: IPv6 does not notice."""
    with running(options, ipv6="static") as (lab, suite):
        better, other = lab.isps
        flow, flow6 = lab.udp_flow(), lab.udp_flow(server=SERVER6)
        begun = better.cut("blackhole", family=4)
        flow.alive(other.source)
        suite.wait_active(2, other.device)
        suite.wait_status(5, 4, wan1="FALSE", wan2="TRUE")
        report, report6 = flow.report(begun - 0.5), flow6.report(begun - 0.5)
        expect(suite.agrees(better.device, family=6), suite.routing())
    expect(report["outage_ms"] <= DETECTION_MS and report6["lost"] == 0, (report, report6))
    return {"outage_ms": report["outage_ms"]}


def test_users_of_ipv6_only(options):
    """Where the users' traffic that falls silent is IPv6 alone, that sets off the burst as IPv4's does."""
    with running(options, ipv6="static") as (lab, suite):
        flow = lab.udp_flow(server=SERVER6)
        time.sleep(CALM_S)
        begun = lab.isps[0].cut("blackhole", family=6)
        flow.alive(lab.isps[1].ipv6.address)
        report = flow.report(begun - 0.5)
    expect(report["outage_ms"] <= 1500, report)
    return {"outage_ms": report["outage_ms"]}


def test_tcp_connections(options):
    """New connections, 50 a second, over the loss of the carrier."""
    with running(options, ipv6="static") as (lab, _):
        flow = lab.tcp_flow(server=SERVER6)
        begun = time.monotonic()
        lab.isps[0].cut("carrier")
        report = flow.report(begun, begun + 3)
    expect(report["failed"] <= 5, report)
    expect(report["longest_without_success_ms"] < 500, report)
    return {"failed": report["failed"], "longest_without_success_ms": report["longest_without_success_ms"]}


def test_the_same_router_on_both_uplinks(options):
    """fe80::1 is everybody's router: each is reached by its own device, and each address goes out by its own uplink."""
    with running(options, ipv6="static") as (lab, suite):
        for isp in lab.isps:
            expect(answered(lab.gateway, f"fe80::1%{isp.device}"), f"{isp.device}: its router answers")
            expect(answered(lab.gateway, "-I", isp.device, SERVER6), f"{isp.device}: bound to the device")
            expect(answered(lab.gateway, "-I", isp.ipv6.address, SERVER6), f"{isp.device}: from its address")
            expect(answered(lab.internet, isp.ipv6.address), f"{isp.device} is answered from outside")
            routes = lab.gateway.ip_json("-6", "route", "show", "default", "table", f"{7000 + isp.number}")
            expect([(route["gateway"], route["dev"]) for route in routes] == [("fe80::1", isp.device)], routes)
        expect(suite.routing()["sync"] == "in_sync", suite.routing())


def owned(lab):
    return [lab.gateway.ip_json(family, *what) for family in ("-4", "-6")
            for what in (("route", "show", "table", "all", *OWN), ("rule", "show", *OWN))]


def delete_all_owned(lab):
    lab.gateway.run("sh", "-c", "for f in -4 -6; do ip $f rule flush protocol 109; "
                    "ip $f route flush table all protocol 109; done")


def test_deletion(options):
    """Everything of routed is deleted: put back, in both families."""
    with running(options, ipv6="static") as (lab, suite):
        flow = lab.udp_flow(server=SERVER6)
        before = owned(lab)
        expect(all(before), "routed owns routes and rules of both families")
        begun = time.monotonic()
        delete_all_owned(lab)
        suite.wait(lambda: owned(lab) == before, 2, "all is put back")
        repaired = time.monotonic() - begun
        suite.wait_active(2, "wan1", 6)
        report = flow.report(begun - 0.5, begun + 1)
    expect(report["outage_ms"] <= AT_ONCE_MS, report)
    return {"outage_ms": report["outage_ms"], "repaired_ms": round(repaired * 1000, 1)}


def deletion_of_the_only_defaults(options):
    gateways = "".join(f"[wan{n}]\ngateway = 198.18.{n}.1, fe80::1\n" for n in (1, 2))
    with running(options, [Uplink(rtt_ms=20, metric=None), Uplink(rtt_ms=80, metric=None)], gateways,
                 ipv6="static") as (lab, suite):
        flow = lab.udp_flow(server=SERVER6)
        before = owned(lab)
        begun = time.monotonic()
        delete_all_owned(lab)
        suite.wait(lambda: owned(lab) == before, 2, "all is put back")
        report = flow.report(begun - 0.5, begun + 1)
    expect(report["outage_ms"] <= AT_ONCE_MS, report)
    return {"outage_ms": report["outage_ms"]}


def test_configured_gateways(options):
    """Without any foreign default, by configured gateways, one a family."""
    return deletion_of_the_only_defaults(options)


def host_state(lab):
    """All routes, rules and addresses of IPv6, but for what counts down."""
    def lasting(things):
        return [{key: value for key, value in thing.items() if key not in ("expires", "used", "age")}
                for thing in things]
    gateway = lab.gateway
    routes = lasting(gateway.ip_json("-6", "route", "show", "table", "all"))
    return sorted(map(str, routes)), gateway.ip_json("-6", "rule", "show")


def test_clear(options):
    """After a failover, and a crash, `routed --clear` leaves IPv6 as it was before the first start."""
    before = []
    with running(options, ipv6="ra", before=lambda lab: before.append(host_state(lab))) as (lab, suite):
        lab.isps[0].cut("blackhole", family=6)
        suite.wait_active(5, "wan2", 6)
        suite.kill("routed")
        expect(host_state(lab) != before[0], "there is something to clear")
        lab.gateway.run(f"{options.bin}/routed", "--config", suite.config, "--clear")
        after = host_state(lab)
        expect(after == before[0], f"before: {before[0]}\nafter: {after}")


def test_restart_adopts(options):
    """Killed while the second uplink carries IPv6 alone, and started again: nothing moves, nothing is lost."""
    with running(options, ipv6="static") as (lab, suite):
        lab.isps[0].cut("blackhole", family=6)
        suite.wait_active(5, "wan2", 6)
        flow, flow4 = lab.udp_flow(server=SERVER6), lab.udp_flow()
        before, begun = owned(lab), time.monotonic()
        suite.kill("routed")
        suite.start("routed")
        time.sleep(2)
        expect(owned(lab) == before, (before, owned(lab)))
        reports = flow.report(begun), flow4.report(begun)
        expect(suite.agrees("wan2", family=6) and suite.agrees("wan1"), suite.routing())
    expect([report["lost"] for report in reports] == [0, 0], reports)


# --- with a real radvd

def fact(suite, device):
    return suite.redis().fields(suite.key("uplink", device, "link")).get("6.fact")


def test_router_says_farewell(options):
    """A router lifetime of 0, while the router still forwards: IPv6 moves in time, and returns with the router."""
    with running(options, ipv6="ra") as (lab, suite):
        better, other = lab.isps
        flow, flow4 = lab.udp_flow(server=SERVER6), lab.udp_flow()
        begun = time.monotonic()
        better.ipv6.radvd.stop()
        suite.wait(lambda: fact(suite, "wan1") == "no_gateway", 5, "there is no gateway")
        suite.wait_active(2, other.device, 6)
        suite.wait_status(5, 6, wan1="FALSE", wan2="TRUE")
        expect(suite.agrees(better.device) and suite.status("wan1", 4) == "TRUE", "IPv4 stays where it was")
        left = flow.alive(other.ipv6.address)
        better.ipv6.radvd.start({better.ipv6.prefix: 1800})
        flow.alive(better.ipv6.address, UP_AFTER_S)
        suite.wait_active(2, better.device, 6)
        report, report4 = flow.report(begun), flow4.report(begun)
    # A translated flow that changes its uplink loses what is in flight on the old one.
    expect(report["outage_ms"] <= AT_ONCE_MS and report4["lost"] == 0, (report, report4))
    return {"left_s": round(left - begun, 2), "outage_ms": report["outage_ms"]}


def test_carrier_with_advertised_routers(options):
    return fail_and_return(options, "carrier", AT_ONCE_MS, kind="ra")


def test_renumbering(options):
    """The ISP gives out another prefix: new connections get the new address at once, those that have begun with the
    old one live on, also while the other uplink carries."""
    with running(options, ipv6="ra") as (lab, suite):
        better = lab.isps[0]
        old, prefix = better.ipv6.address, better.ipv6.new_prefix()
        new = str(prefix[2])
        flow = lab.udp_flow(server=SERVER6)
        begun = time.monotonic()
        better.ipv6.radvd.change({better.ipv6.prefix: 0, prefix: 1800})

        def rules_from(address):
            return [rule for rule in lab.gateway.ip_json("-6", "rule", "show", *OWN) if rule["src"] == address]

        suite.wait(lambda: len(rules_from(new)) == 4, 10, "the new address has its rules")
        suite.wait(lambda: old not in suite.redis().fields(suite.key("uplink", "wan1", "link")).get("6.addresses", ""),
                   10, "the old one is retired")
        expect(len(rules_from(old)) == 4, "and has its rules still")
        expect(lab.gateway.route_get(SERVER6)["prefsrc"] == new, lab.gateway.route_get(SERVER6))
        report = flow.report(begun)
        better.cut("blackhole", family=6)
        suite.wait_active(5, "wan2", 6)
        better.repair("blackhole")
        for address in (old, new):
            expect(answered(lab.gateway, "-I", address, SERVER6), f"from {address}")
    expect(report["lost"] == 0, report)


def privacy_addresses(lab):
    """On wan1 a new one every few seconds instead of every day."""
    lab.gateway.sysctl(**{f"net__ipv6__conf__wan1__{name}": value for name, value in
                          (("max_desync_factor", 0), ("temp_prefered_lft", 8), ("temp_valid_lft", 12),
                           ("use_tempaddr", 2))})


def test_privacy_addresses(options):
    """They come, are deprecated and go: each has its rules for as long as it is there, and the flow goes on."""
    with running(options, ipv6="ra", before=privacy_addresses) as (lab, suite):
        def addresses():
            return {address["local"] for link in lab.gateway.ip_json("-6", "addr", "show", "dev", "wan1")
                    for address in link["addr_info"] if address["scope"] == "global"}

        def with_rules():
            rules = [rule["src"] for rule in lab.gateway.ip_json("-6", "rule", "show", *OWN)]
            return {address for address in rules if address.startswith("2001:db8:1:") and rules.count(address) == 4}

        seen = set()
        suite.wait(lambda: len(addresses()) > 1, 10, "there is a privacy address")
        flow = lab.udp_flow(server=SERVER6)
        begun = time.monotonic()
        while time.monotonic() < begun + 15:
            suite.wait(lambda: addresses() == with_rules(), 2, "each address has its rules, and no other one")
            seen |= addresses()
            time.sleep(0.2)
        report = flow.report(begun)
        expect(suite.agrees("wan1", family=6), suite.routing())
    expect(len(seen) >= 5, f"they changed: {seen}")
    # Translation gives up what goes out under an address that is gone.
    expect(report["outage_ms"] <= AT_ONCE_MS, report)
    return {"addresses": len(seen), "outage_ms": report["outage_ms"]}


def test_all_addresses_gone_for_a_moment(options):
    """As a restart of a program that hears advertisements does it. What is forwarded meanwhile is masqueraded behind some
    other address of the gateway, and would be for as long as it goes on."""
    with running(options, ipv6="static") as (lab, suite):
        flow = lab.udp_flow(server=SERVER6)
        begun = time.monotonic()
        for isp in lab.isps:
            lab.gateway.ip_fast(f"addr del {isp.ipv6.address}/64 dev {isp.device}")
            time.sleep(0.005)  # so that the traffic moves
        for isp in reversed(lab.isps):
            time.sleep(0.05)
            lab.gateway.ip_fast(f"addr add {isp.ipv6.address}/64 dev {isp.device} nodad")
        flow.alive("", 5)
        report = flow.report(begun)
        expect(suite.status("wan1", 6) == "FALSE", "it is over before the return")
    expect(report["outage_ms"] <= AT_ONCE_MS, report)
    return {"outage_ms": report["outage_ms"]}


if __name__ == "__main__":
    main(globals())
