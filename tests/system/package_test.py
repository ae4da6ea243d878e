#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The Debian package in a real systemd: installed, it starts nothing; configured and started, it fails over; an upgrade
loses no packet; a purge leaves nothing, and the network up.

usage: package_test.py BUILD, in mount and PID namespaces of its own"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from machine import Machine, await_that
from providers import CONFIG, NETWORK

BUILD = os.path.abspath(sys.argv.pop(1))
DAEMONS = ("pingd", "healthd", "routed", "notifyd")
UNITS = (*DAEMONS, "multilink-redis")
FILES = ("/usr/sbin/pingd", "/usr/lib/systemd/system/multilink.target", "/usr/lib/cgi-bin/multilink/status.cgi",
         "/usr/share/bash-completion/completions/multilinkctl", "/usr/share/multilink/interfaces.conf")
# A host's dpkg may be told to leave these away.
PAGES = ("/usr/share/man/man8/routed.8.gz", "/usr/share/man/man5/interfaces.conf.5.gz")


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.machine = Machine()
        cls.addClassCleanup(cls.machine.close)
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["cpack", "-G", "DEB", "--config", f"{BUILD}/CPackConfig.cmake", "-B", folder], check=True,
                           stdout=subprocess.DEVNULL)
            made, = pathlib.Path(folder).glob("*.deb")
            subprocess.run(["lintian", "--allow-root", "--fail-on", "error", made], check=True)
            (cls.machine.root / "root/multilink.deb").write_bytes(made.read_bytes())
        defaults = cls.machine.root / "etc/systemd/system.conf.d/sanitizers.conf"
        defaults.parent.mkdir(exist_ok=True)
        defaults.write_text("[Manager]\nDefaultEnvironment=ASAN_OPTIONS=detect_leaks=0\n")
        cls.machine.boot()
        cls.machine.run("sh", "-c", NETWORK)
        cls.kernel_before = cls.kernel()

    @classmethod
    def kernel(cls):
        return cls.machine.output("sh", "-c", "ip rule; ip -6 rule; ip -4 route show table all; nft list tables;"
                                              "ip -6 route show table all | grep -v -e fe80 -e ff00")

    def tearDown(self):
        result = self._outcome.result
        if any(test is self for test, _ in result.errors + result.failures):
            print(self.machine.run("journalctl", "--no-pager", "--lines=60", check=False).stdout, file=sys.stderr)

    def active(self):
        is_active = lambda unit: self.machine.run("systemctl", "is-active", "--quiet", unit, check=False).returncode == 0
        return [unit for unit in UNITS if is_active(unit)]

    def way_out(self):
        return re.search(r" dev (\S+)", self.machine.output("ip", "route", "get", "192.0.2.1")).group(1)

    def pids(self):
        return [self.machine.output("systemctl", "show", "--value", "-p", "MainPID", unit) for unit in DAEMONS]

    def install(self):
        return self.machine.output("dpkg", "--install", "/root/multilink.deb")

    def test_its_whole_life(self):
        said = self.install()
        self.assertIn("writes them into /etc/multilink/interfaces.conf", said)
        self.assertEqual(self.active(), [], "nothing starts by itself")
        self.assertEqual(self.kernel(), self.kernel_before)
        contents = self.machine.output("dpkg-deb", "--contents", "/root/multilink.deb")
        for path in PAGES:
            self.assertIn(f" .{path}\n", contents)
        for path in FILES:
            self.assertTrue((self.machine.root / path[1:]).exists(), path)

        config = self.machine.root / "etc/multilink/interfaces.conf"
        config.write_text(CONFIG.format("wan1", "wan2"))
        self.machine.run("systemctl", "enable", "--now", "multilink.target")
        await_that(lambda: self.active() == list(UNITS), 20, self.active)
        status = lambda: self.machine.run("multilinkctl", "status", check=False).stdout
        await_that(lambda: status().startswith("ok"), 20, status)
        self.assertEqual(self.way_out(), "wan1")
        self.machine.run("ip", "-n", "isp1", "link", "set", "port", "down")
        await_that(lambda: self.way_out() == "wan2", 5, self.way_out)
        self.machine.run("ip", "-n", "isp1", "link", "set", "port", "up")
        await_that(lambda: self.way_out() == "wan1", 60, self.way_out)

        before = self.pids()
        done = self.machine.run("sh", "-c", "ping -q -i 0.01 -c 500 192.0.2.1 > /root/ping & "
                                            "dpkg --install /root/multilink.deb; wait; cat /root/ping")
        self.assertIn(" 0% packet loss", done.stdout)
        self.assertTrue(all(a != b for a, b in zip(before, self.pids())), "an upgrade restarts what runs")
        self.assertEqual(config.read_text(), CONFIG.format("wan1", "wan2"))

        self.machine.run("dpkg", "--purge", "multilink")
        self.assertEqual(self.active(), [])
        self.assertEqual(self.kernel(), self.kernel_before)
        self.assertEqual(self.way_out(), "wan1")
        for path in ("/etc/multilink", "/run/multilink", "/usr/share/doc/multilink", *FILES):
            self.assertFalse((self.machine.root / path[1:]).exists(), path)
        users = self.machine.output("getent", "passwd") + self.machine.output("getent", "group")
        self.assertNotIn("multilink-", users)


if __name__ == "__main__":
    unittest.main()
