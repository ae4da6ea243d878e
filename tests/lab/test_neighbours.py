#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Life beside others: foreign default routes and the rules of VPNs, set up before the suite starts and after."""

import contextlib
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from multilink_lab import Uplink
from multilink_lab.scenario import expect, main
from multilink_lab.suite import running
from multilink_lab.vpn import SITE, TAILNET_PEER, tailscale, wg_quick

GATEWAYS = "[wan1]\ngateway = 198.18.1.1\n[wan2]\ngateway = 198.18.2.1\n"


def without_defaults():
    return [Uplink(rtt_ms=20, metric=None), Uplink(rtt_ms=80, metric=None)]


@contextlib.contextmanager
def beside(options, neighbour, first, uplinks=None, sections=None):
    """The suite with neighbour(lab) called before its start or after, without a packet lost by whichever comes
    second. Gives (lab, suite, what neighbour gave)."""
    given = []
    with running(options, uplinks, sections,
                 before=(lambda lab: given.append(neighbour(lab))) if first else None) as (lab, suite):
        if not first:
            given.append(neighbour(lab))
            suite.wait_active(2, "wan1")
        yield lab, suite, given[0]


def carrier_fails_over(lab, suite, flow, sources):
    """The flow goes on within 200 ms and is only ever seen under the addresses `sources`."""
    begun = lab.isps[0].cut("carrier")
    suite.wait_active(5, "wan2")
    flow.alive(sources[-1], 5)
    report = flow.report(begun - 0.5)
    expect(report["outage_ms"] <= 200, report)
    expect(set(report["sources"]) == set(sources), report["sources"])
    return report["outage_ms"]


def is_taken(lab, route):
    metric = int(route.split("metric ")[1]) if "metric" in route else 0
    return any(each.get("metric", 0) == metric for each in lab.gateway.ip_json("route", "show", "default"))


def foreign_default(options, route, uplinks=None, sections=None):
    """`route` is in main before the start, or added after it, deleted and added again as a DHCP client does. When ours
    has the same metric, it makes room between the two."""
    figures = {}
    for first in (True, False):
        with beside(options, lambda lab: lab.gateway.ip(f"route add {route}"), first, uplinks, sections) as \
                (lab, suite, _):
            flow = lab.udp_flow()
            begun = time.monotonic()
            for _ in range(5):  # ip() raises when the kernel refuses
                lab.gateway.ip(f"route del {route}")
                suite.wait(lambda: not is_taken(lab, route), 0.1, "there is room for the route that went")
                lab.gateway.ip(f"route add {route}")
                suite.wait_active(2, "wan1")
            report = flow.report(begun - 0.2)
            # A foreign route with metric 0 is the first choice from its add until ours precedes it. In that
            # millisecond translation gives up what is in flight.
            expect(report["outage_ms"] <= (100 if route.endswith("metric 0") else 0), report)
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


def test_dhcp_clients_metric_0_twice(options):
    """Two clients that give no metric: the second add fails on a host without multilink as well; the first must
    still succeed at each renewal, and gateways learned once stay known."""
    with running(options) as (lab, suite):
        flow = lab.udp_flow()
        begun = time.monotonic()
        for _ in range(5):
            lab.gateway.ip("route replace default via 198.18.1.1 dev wan1 proto dhcp src 198.18.1.2 metric 100",
                           "route replace default via 198.18.2.1 dev wan2 proto dhcp src 198.18.2.2 metric 101")
            lab.gateway.ip("route del default via 198.18.1.1 dev wan1 metric 100")
            lab.gateway.ip("route add default via 198.18.1.1 dev wan1 proto dhcp src 198.18.1.2 metric 100")
        suite.wait_active(2, "wan1")
        report = flow.report(begun - 0.2)
    expect(report["lost"] == 0, report)


def tunnelled(options, first):
    """wg-quick's full tunnel: everything leaves by the tunnel, the tunnel itself by the best uplink."""
    with beside(options, wg_quick, first) as (lab, suite, _):
        flow = lab.udp_flow()
        outage = carrier_fails_over(lab, suite, flow, [SITE])
    return {"outage_ms": outage}


def test_wg_quick_before(options):
    return tunnelled(options, True)


def test_wg_quick_after(options):
    return tunnelled(options, False)


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


def in_tailnet(options, first):
    """Tailscale's rules: its addresses stay reachable, its own packets and the plain ones go by the best uplink."""
    with beside(options, tailscale, first) as (lab, suite, _):
        tailnet, plain = lab.udp_flow(server=TAILNET_PEER), lab.udp_flow()
        begun = time.monotonic()
        calm = tailnet.report(begun, begun + 1)
        expect(calm["lost"] == 0, calm)
        begun = time.monotonic()
        plain_outage = carrier_fails_over(lab, suite, plain, [isp.source for isp in lab.isps])
        tailnet.alive(timeout=5)
        report = tailnet.report(begun)
        expect(report["outage_ms"] <= 200, report)
    return {"plain_outage_ms": plain_outage, "tailnet_outage_ms": report["outage_ms"]}


def test_tailscale_before(options):
    return in_tailnet(options, True)


def test_tailscale_after(options):
    return in_tailnet(options, False)


if __name__ == "__main__":
    main(globals())
