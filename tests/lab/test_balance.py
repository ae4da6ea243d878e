#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Uplinks that share the traffic: by weight, each flow by one of them for as long as it lives."""

import collections
import os
import signal
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from multilink_lab.crowd import CLIENTS, SERVERS, client_addresses, percent, sections, server_addresses, sharing
from multilink_lab.scenario import expect, main

FLOWS = 2000
# Chance alone, one part of 2000 flows at a half: a standard deviation of 1.1 points; 5 are exceeded once in 130 000 times.
POINTS = 5


def new_flows(suite, crowd, *arguments, **more):
    """By which device each of FLOWS new flows goes. A busy machine makes an uplink suspect for a moment: then once more."""
    for _ in range(5):
        before = len(suite.events())
        ways = crowd.begin(FLOWS, *arguments, **more)
        if len(suite.events()) == before:
            return ways
    raise AssertionError(f"never calm: {suite.events()}")


def expect_shares(ways, what, **weights):
    """wan1=3, wan2=1: three quarters of the flows by wan1."""
    found = percent(ways, weights)
    total = sum(weights.values())
    expect(set(ways.values()) <= {device for device, weight in weights.items() if weight}, (what, found))
    expect(all(abs(found[device] - 100 * weight / total) <= POINTS for device, weight in weights.items()), (what, found, weights))
    return list(found.values())


def crowds_share(crowd, suite, weights, family):
    by_device = {f"wan{i}": weight for i, weight in enumerate(weights, 1)}
    suite.configure(sections(*weights))
    suite.reload()
    crowd.wait_sharing(suite, *weights)
    figures = {}
    for clients in (1, CLIENTS):
        ways = new_flows(suite, crowd, clients, family=family)
        name = ":".join(str(weight) for weight in weights if weight)
        figures[f"IPv{family} {name}, {clients} clients"] = expect_shares(ways, (weights, clients), **by_device)
        crowd.forget()
    return figures


def test_shares(options):
    """2000 new flows to 20 servers, from one client and from 50, land by the weights."""
    figures = {}
    with sharing(options, 5, 3, 2, ipv6="static") as (_, suite, crowd):
        expect(crowd.hashes() == (1, 1), crowd.hashes())
        for weights in ((5, 3, 2), (1, 1, 0), (3, 1, 0)):
            figures |= crowds_share(crowd, suite, weights, 4)
        figures |= crowds_share(crowd, suite, (3, 1, 0), 6)
    return figures


def moved(before, after):
    """The flows that have gone from one device to another: how many by both."""
    return collections.Counter((before[flow], after[flow]) for flow in before if after[flow] != before[flow])


def test_existing_flows_stay(options):
    """A member's failure moves its own flows alone and new ones go by the others in proportion; neither its return nor another
    weight moves any. `failback_udp_after` is 0 here: what would return does so at once. What a busy machine makes suspect moves
    nothing here."""
    with sharing(options, 5, 3, 2, defaults="suspect_moves = none\n") as (lab, suite, crowd):
        begun = new_flows(suite, crowd)
        expect_shares(begun, "at first", wan1=5, wan2=3, wan3=2)
        expect(not moved(begun, crowd.ask(begun)), "nothing has happened yet")
        lab.isps[0].cut("blackhole")
        suite.wait(lambda: any(event["to"] == "down" for event in suite.events()), 15, "wan1 is down")
        crowd.wait_sharing(suite, 0, 3, 2)
        failed = crowd.ask(begun)
        gone = moved(begun, failed)
        expect({before for before, _ in gone} == {"wan1"} and "wan1" not in failed.values(), gone)
        new = expect_shares(new_flows(suite, crowd), "new ones", wan1=0, wan2=3, wan3=2)
        lab.isps[0].repair("blackhole")
        crowd.wait_sharing(suite, 5, 3, 2, timeout=30)
        returned = crowd.ask(begun)
        expect(not moved(failed, returned), ("at the return", moved(failed, returned)))
        expect_shares(new_flows(suite, crowd), "after the return", wan1=5, wan2=3, wan3=2)
        suite.configure(sections(1, 1, 4))
        suite.reload()
        crowd.wait_sharing(suite, 1, 1, 4)
        weighted = crowd.ask(begun)
        expect(not moved(returned, weighted), ("by other weights", moved(returned, weighted)))
        expect_shares(new_flows(suite, crowd), "by other weights", wan1=1, wan2=1, wan3=4)
    return {"moved": {"/".join(way): number for way, number in gone.items()}, "new_while_failed": new}


class Echo:
    """TCP on all addresses of the Internet: tells a visitor its address."""

    def __init__(self, lab):
        with lab.internet.entered():
            self._socket = socket.create_server(("::", 7101), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
        lab.keep(self)

    def source_of(self, lab, client, server):
        """As whom the Internet sees a new connection."""
        with lab.client.entered(), socket.create_connection((server, 7101), 5, (client, 0)):
            visitor, address = self._socket.accept()
            visitor.close()
        return address[0].removeprefix("::ffff:")

    def close(self):
        self._socket.close()


def test_pairs_of_addresses(options):
    """hash = address: whatever a client has with a server goes by one uplink, UDP and TCP alike, in both families. What was set is
    told by --plan, and --clear brings back what was there before, also when routed was killed."""
    figures = {}
    with sharing(options, 1, 1, ipv6="static", defaults="hash = address\n") as (lab, suite, crowd):
        suite.wait(lambda: crowd.hashes() == (0, 3), 5, "IPv6 goes by the addresses alone")
        echo = Echo(lab)
        for family in (4, 6):
            ways = crowd.begin(3 * CLIENTS * SERVERS, family=family)
            pairs = collections.defaultdict(set)
            for flow, device in ways.items():
                pairs[flow.pair].add(device)
            torn = [pair for pair, devices in pairs.items() if len(devices) > 1]
            expect(len(pairs) == CLIENTS * SERVERS and not torn, f"IPv{family}: {len(torn)} pairs by several uplinks")
            by_address = {(isp.address if family == 4 else isp.ipv6.address): isp.device for isp in lab.isps}
            for client, server in list(zip(client_addresses(family), server_addresses(family) * 3))[:40]:
                device = by_address[echo.source_of(lab, client, server)]
                expect(pairs[client, server] == {device}, (client, server, pairs[client, server], device))
            figures[f"IPv{family}"] = share = percent(ways, ("wan1", "wan2"))
            expect(abs(share["wan1"] - 50) <= 8, share)  # of 1000 pairs: five standard deviations
            crowd.forget()
        suite.kill("routed", signal.SIGKILL)
        routed = (f"{options.bin}/routed", "--config", suite.config)
        said = lab.gateway.run(*routed, "--clear")
        expect("net.ipv6.fib_multipath_hash_policy=0" in said and "net.ipv6.fib_multipath_hash_fields=7" in said, said)
        expect(crowd.hashes() == (0, 0), crowd.hashes())
        expect("sysctl -w net.ipv6.fib_multipath_hash_policy=3" in lab.gateway.run(*routed, "--plan"), "the plan tells")
        suite.start("routed")
        suite.wait(lambda: crowd.hashes() == (0, 3), 5, "set again")
        suite.configure("[wan1]\n[wan2]\n")
        suite.reload()
        suite.wait(lambda: crowd.hashes() == (0, 0), 5, "no uplinks share any more")
    return figures


if __name__ == "__main__":
    main(globals())
