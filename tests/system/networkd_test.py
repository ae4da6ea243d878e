#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The installed suite beside a real systemd-networkd, which deletes what is not its own (C12).

usage: networkd_test.py BUILD_DIR (in namespaces of its own, see machine.py)
"""

import datetime
import re
import unittest

import providers
from installed import MachineTest
from machine import await_that

NETWORK = """\
[Match]
Name=wan{number}
[Network]
Address={net}.2/24
LinkLocalAddressing=no
IPv6AcceptRA=no
[Route]
Gateway={net}.1
Metric={number}00
"""
DROP_IN = "etc/systemd/networkd.conf.d/multilink.conf"
# Milliseconds on an idle machine; the figure printed is what counts.
REPAIR_MS = 500


class Networkd(MachineTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.install()
        # By hand and by networkd wan1 has the better default, by multilink wan2: what is deleted is seen in the path.
        cls.configure("wan2", "wan1")
        root = cls.machine.root
        (root / "etc/systemd/network").mkdir(exist_ok=True)
        (root / DROP_IN).parent.mkdir(exist_ok=True)
        cls.machine.boot()
        cls.machine.run("sh", "-c", providers.NETWORK)
        cls.machine.run("systemctl", "start", "multilink.target")

    def restart_networkd(self, drop_in):
        """networkd has read its configuration, and manages nothing."""
        root = self.machine.root
        for file in (*(root / "etc/systemd/network").glob("wan*"), root / DROP_IN):
            file.unlink(missing_ok=True)
        if drop_in:
            (root / DROP_IN).write_text((root / "usr/share/doc/multilink/examples/networkd.conf").read_text())
        self.machine.run("systemctl", "restart", "systemd-networkd")
        self.machine.run("sh", "-c", providers.BY_HAND)
        await_that(lambda: self.way_out() == "wan2" and "proto 109" in self.rules(), 20, self.rules)

    def rules(self):
        return self.machine.output("ip", "rule", "show")

    def owned(self):
        routes = self.machine.output("ip", "route", "show", "table", "all").splitlines()
        return sorted(line for line in routes + self.rules().splitlines() if "proto 109" in line)

    def take_over(self):
        """networkd sets both devices up, as after a restart. (A restart in a container deletes nothing: without udev
        to wait for, the devices are set up before the routes and rules have been looked at.)"""
        for number, net in ((1, "198.51.100"), (2, "203.0.113")):
            path = self.machine.root / f"etc/systemd/network/wan{number}.network"
            path.write_text(NETWORK.format(number=number, net=net))
        self.machine.run("networkctl", "reload")
        for device in ("wan1", "wan2"):
            await_that(lambda: "(configured)" in self.machine.output("networkctl", "status", device), 20,
                       lambda: self.machine.output("networkctl", "status", device))

    def events_of_take_over(self):
        """What was told of routes and rules: (seconds, text) each."""
        pid = self.machine.output("sh", "-c", "ip -ts -o monitor route rule >/tmp/monitor 2>&1 </dev/null & echo $!")
        try:
            self.take_over()
            # A rule of our own tells that all before it was written.
            self.machine.run("ip", "rule", "add", "pref", "60000", "table", "60000")
            await_that(lambda: "60000:" in self.machine.output("cat", "/tmp/monitor"), 5, "the end of the events")
        finally:
            self.machine.run("ip", "rule", "del", "pref", "60000", check=False)
            self.machine.run("kill", pid)
        events = []
        for line in self.machine.output("cat", "/tmp/monitor").splitlines():
            stamp, text = re.match(r"\[(\S+)\] (.*)", line).groups()
            events.append((datetime.datetime.fromisoformat(stamp).timestamp(), text))
        return events

    def test_what_it_deletes_is_put_back_at_once(self):
        self.restart_networkd(drop_in=False)
        before = self.owned()
        events = self.events_of_take_over()
        await_that(lambda: self.owned() == before, 5, lambda: f"{before}\n{self.owned()}")
        deleted = [(when, text) for when, text in events if text.startswith("Deleted") and "proto 109" in text]
        self.assertTrue(deleted, "without the drop-in it does delete, or this test tests nothing")
        longest = 0
        for when, text in deleted:
            rest = text.removeprefix("Deleted ")
            back = [later for later, again in events if later >= when and again == rest]
            self.assertTrue(back, f"put back: {rest}")
            longest = max(longest, back[0] - when)
        self.assertLess(longest * 1000, REPAIR_MS)
        self.assertEqual(self.way_out(), "wan2")
        print(f"{len(deleted)} deleted, the slowest back after {longest * 1000:.1f} ms", flush=True)

    def test_with_the_drop_in_nothing_is_deleted(self):
        self.restart_networkd(drop_in=True)
        before = self.owned()
        events = self.events_of_take_over()
        self.assertEqual([text for _, text in events if "proto 109" in text], [])
        self.assertEqual(self.owned(), before)
        self.assertEqual(self.way_out(), "wan2")


if __name__ == "__main__":
    unittest.main(verbosity=2)
