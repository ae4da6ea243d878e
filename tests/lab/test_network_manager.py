#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Beside the real NetworkManager: it takes the devices over, takes connections down and up, starts anew, reapplies."""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from multilink_lab import Lab, Suite, Uplink, dhcp
from multilink_lab.ipv6 import GATEWAY_LAN6, ROUTER6
from multilink_lab.lab import GATEWAY_LAN
from multilink_lab.monitor import Monitor
from multilink_lab.neighbour import QUICK_RETURN, RETURN_S, Paths, changes_of_ours, down_and_up
from multilink_lab.network_manager import NetworkManager
from multilink_lab.scenario import expect, main
from multilink_lab.suite import running

LAN = (f"[ipv4]\nmethod = manual\naddress1 = {GATEWAY_LAN}/24\n"
       f"[ipv6]\nmethod = manual\naddress1 = {GATEWAY_LAN6}/64\n")


def manual(isp):
    return (f"[ipv4]\nmethod = manual\naddress1 = {isp.address}/24,{isp.router}\n"
            f"[ipv6]\nmethod = manual\naddress1 = {isp.ipv6.address}/64,{ROUTER6}\n")


def automatic(isp):
    """DHCP, and advertisements, which NetworkManager hears itself. Of the backup the kernel is told no IPv4 default, as who
    wants one way out in NetworkManager's eyes asks for."""
    never = "never-default = true\n" if isp.number == 2 else ""
    return f"[ipv4]\nmethod = auto\n{never}[ipv6]\nmethod = auto\naddr-gen-mode = eui64\ntoken = ::2\n"


def network_manager(lab, connection):
    return NetworkManager(lab, {"lan0": LAN, **{isp.device: connection(isp) for isp in lab.isps}})


def untouched(lab, paths, act, what):
    """It loses nothing, and neither adds nor deletes a route or rule of multilink's, nor has multilink do so."""
    monitor, begun = Monitor(lab, lab.gateway), time.monotonic()
    act()
    paths.lost_nothing(begun, what)
    expect(not changes_of_ours(monitor), (what, changes_of_ours(monitor)))


def test_manual(options):
    """multilink is there first, beside addresses and routes that somebody else has set; NetworkManager takes them over."""
    with running(options, defaults=QUICK_RETURN, ipv6="static") as (lab, suite):
        paths = Paths(lab, suite, (4, 6))
        manager = network_manager(lab, manual)
        untouched(lab, paths, manager.start, "its start")
        begun = time.monotonic()
        manager.up("wan2")
        paths.lost_nothing(begun, "the backup is taken over")
        paths.status(RETURN_S, wan2="TRUE")
        begun = time.monotonic()
        manager.up("wan1")
        paths.status(RETURN_S, wan1="TRUE")
        paths.carries(5, 1)
        figures = {"taken_over_ms": paths.outages_ms(begun)}
        paths.are_as_before()
        untouched(lab, paths, lambda: [manager.nmcli("device", "reapply", isp.device) for isp in lab.isps], "reapply")
        untouched(lab, paths, manager.restart, "its restart")
        figures |= down_and_up(lab, paths, manager)
    return figures


def test_automatic(options):
    with Lab(options.tools, [Uplink(rtt_ms=20, metric=None), Uplink(rtt_ms=80, metric=None)], ipv6="ra") as lab:
        for isp in lab.isps:
            lab.gateway.ip(f"addr flush dev {isp.device}")
            lab.keep(dhcp.Server(isp, f"{lab.directory}/udhcpd{isp.number}", 120))
        manager = network_manager(lab, automatic)
        manager.start()
        suite = Suite(lab, options.bin, defaults=QUICK_RETURN)
        suite.start()
        for family in (4, 6):
            suite.wait_status(10, family, wan1="TRUE", wan2="TRUE")
            suite.wait_active(5, "wan1", family)
        paths = Paths(lab, suite, (4, 6))
        expect("wan2" not in lab.gateway.run("ip", "route", "show", "default"), "the lease alone tells wan2's gateway")
        figures = down_and_up(lab, paths, manager)
        begun = time.monotonic()
        manager.restart()
        paths.status(RETURN_S, wan1="TRUE", wan2="TRUE")
        paths.carries(5, 1)
        # The address that it has made of an advertisement it takes away until it hears the next one.
        figures["restart_ms"] = paths.outages_ms(begun)
        expect(figures["restart_ms"]["ipv4"] == 0, figures)
        paths.are_as_before()
        expect(not suite.died(), f"ended by themselves: {suite.died()}")
    return figures


if __name__ == "__main__":
    main(globals())
