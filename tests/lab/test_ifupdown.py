#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Beside the real ifupdown: ifdown and ifup of either uplink, which succeed and are felt no more than needs be."""

import contextlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from multilink_lab import Lab, Suite, Uplink, dhcp
from multilink_lab.ifupdown import Ifupdown
from multilink_lab.ipv6 import ROUTER6
from multilink_lab.neighbour import QUICK_RETURN, Paths, down_and_up
from multilink_lab.scenario import expect, main


def static(isp, metric=None, gateway=True):
    lines = [f"iface {isp.device} inet static", f"address {isp.address}/{isp.subnet.prefixlen}"]
    lines += [f"gateway {isp.router}"] if gateway else []
    return "\n".join(lines + ([f"metric {metric}"] if metric else [])) + "\n"


def static6(isp, metric):
    return (f"iface {isp.device} inet6 static\naddress {isp.ipv6.address}/64\ngateway {ROUTER6}\nmetric {metric}\n"
            "dad-attempts 0\n")


def by_dhcp(isp, metric):
    return f"iface {isp.device} inet dhcp\nmetric {metric}\n"


@contextlib.contextmanager
def set_up(options, interfaces, sections=None, servers=False, ipv6=None):
    """The uplinks are set up by ifup and the suite runs. `interfaces` is called with each ISP. Gives (lab, suite, ifupdown)."""
    with Lab(options.tools, [Uplink(rtt_ms=20, metric=None), Uplink(rtt_ms=80, metric=None)], ipv6=ipv6) as lab:
        dhcp.forget_leases()
        for isp in lab.isps:
            lab.gateway.ip(f"addr flush dev {isp.device}", f"link set {isp.device} down")
            if servers:
                lab.keep(dhcp.Server(isp, f"{lab.directory}/udhcpd{isp.number}", 120))
        ifupdown = Ifupdown(lab, "".join(interfaces(isp) for isp in lab.isps))
        ifupdown.up("wan1", "wan2")
        suite = Suite(lab, options.bin, sections, QUICK_RETURN)
        suite.start()
        for family in (4, 6) if ipv6 else (4,):
            suite.wait_status(10, family, wan1="TRUE", wan2="TRUE")
            suite.wait_active(5, "wan1", family)
        yield lab, suite, ifupdown
        expect(not suite.died(), f"ended by themselves: {suite.died()}")


def test_static(options):
    with set_up(options, lambda isp: static(isp, 100 + isp.number) + static6(isp, 100 + isp.number), ipv6="static") as \
            (lab, suite, ifupdown):
        return down_and_up(lab, Paths(lab, suite, (4, 6)), ifupdown)


def test_static_without_metrics(options):
    """As most have it: one gateway, without a metric. That of the other uplink multilink alone knows."""
    with set_up(options, lambda isp: static(isp, gateway=isp.number == 1), "[wan1]\n[wan2]\ngateway = 198.18.2.1\n") as \
            (lab, suite, ifupdown):
        return down_and_up(lab, Paths(lab, suite), ifupdown)


def test_dhcp(options):
    with set_up(options, lambda isp: by_dhcp(isp, 100 + isp.number), servers=True) as (lab, suite, ifupdown):
        return down_and_up(lab, Paths(lab, suite), ifupdown)


if __name__ == "__main__":
    main(globals())
