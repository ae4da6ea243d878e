# SPDX-License-Identifier: GPL-2.0-or-later
"""Beside a program that sets up the uplinks (Ifupdown, NetworkManager): what is promised whatever it does."""

import re
import time

from multilink_lab.ipv6 import SERVER6
from multilink_lab.lab import SERVER
from multilink_lab.monitor import OURS
from multilink_lab.scenario import AT_ONCE_MS, expect

QUICK_RETURN = "up_after = 1s"
RETURN_S = 10


def ours(lab):
    """What multilink has in the kernel. Its copies of connected routes have the metrics that the others choose."""
    lines = {f"{family} {line}" for family in ("-4", "-6") for kind, words in (("rule", ()), ("route", ("table", "all")))
             for line in lab.gateway.run("ip", family, kind, "show", *words, "proto", "109").splitlines()}
    return {re.sub(r"( table 700.*) metric \d+", r"\1", line) for line in lines}


def changes_of_ours(monitor):
    """What came or went of it, but for what follows the others: copies of their specific routes, and the way to a lease's
    server when the lease is forgotten and got again."""
    follows = re.compile(r"(Deleted )?(1060:|(?!default)\S+ dev \S+ table 700\d )")
    return [text for _, text in monitor.events() if OURS.search(text) and not follows.match(text)]


class Paths:
    """A flow of each family, and what is expected of all at once."""

    def __init__(self, lab, suite, families=(4,)):
        self._lab, self._suite = lab, suite
        self._flows = {family: lab.udp_flow(server=SERVER if family == 4 else SERVER6) for family in families}
        self._before = ours(lab)

    def are_as_before(self):
        try:
            self._suite.wait(lambda: ours(self._lab) == self._before, 2, "what multilink has in the kernel as before")
        except TimeoutError as error:
            raise AssertionError(f"{error}; different: {sorted(ours(self._lab) ^ self._before)}") from error
        expect(self._suite.routing()["sync"] == "in_sync", self._suite.routing())

    def status(self, timeout, **wanted):
        for family in self._flows:
            self._suite.wait_status(timeout, family, **wanted)

    def carries(self, timeout, number):
        """Until all goes by that uplink. Gives the time."""
        isp = self._lab.isps[number - 1]
        for family in self._flows:
            self._suite.wait_active(timeout, isp.device, family)
        return max(flow.alive(isp.source if family == 4 else isp.ipv6.address, 5) for family, flow in self._flows.items())

    def outages_ms(self, begun):
        """Of each family, e.g. {"ipv4": 20.0}. Expects that they are as short as what the kernel's news ends."""
        outages = {family: report["outage_ms"] for family, report in self._reports(begun)}
        expect(max(outages.values()) <= AT_ONCE_MS, outages)
        return outages

    def lost_nothing(self, begun, what):
        for family, report in self._reports(begun):
            expect(report["lost"] == 0, (what, family, report))

    def _reports(self, begun):
        end = max(begun + 0.2, time.monotonic())
        return [(f"ipv{family}", flow.report(begun, end)) for family, flow in self._flows.items()]


def down_and_up(lab, paths, neighbour):
    """It takes down and up the backup, the uplink that carries, one that is dead, and both. Gives the outages."""
    figures = {}

    begun = time.monotonic()
    neighbour.down("wan2")
    paths.status(2, wan2="FALSE")
    neighbour.up("wan2")
    paths.status(RETURN_S, wan2="TRUE")
    paths.lost_nothing(begun, "the backup")
    paths.are_as_before()

    begun = time.monotonic()
    neighbour.down("wan1")
    paths.carries(2, 2)
    figures["down_ms"] = paths.outages_ms(begun)
    begun = time.monotonic()
    neighbour.up("wan1")
    paths.carries(RETURN_S, 1)
    figures["up_ms"] = paths.outages_ms(begun)
    paths.are_as_before()

    lab.isps[0].cut("blackhole")  # and the administrator tries whether that helps
    begun = paths.carries(5, 2) + 0.2
    neighbour.down("wan1")
    neighbour.up("wan1")
    paths.status(2, wan1="FALSE")
    paths.lost_nothing(begun, "what is dead")

    neighbour.all_down()  # and restarts all of the network
    lab.isps[0].repair("blackhole")
    neighbour.all_up()
    paths.status(30, wan1="TRUE", wan2="TRUE")
    paths.carries(5, 1)
    paths.are_as_before()
    return figures
