# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests in a machine share: the machine itself, and what to ask it."""

import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lab"))

from machine import Machine, await_that
from multilink_lab.tools import Server, UdpFlow
from providers import CONFIG

BUILD = os.path.abspath(sys.argv.pop(1))
RATE = 500
DAEMONS = ("pingd", "healthd", "routed", "notifyd")
SERVICES = (*DAEMONS, "multilink-redis")


class MachineTest(unittest.TestCase):
    """A machine that is not yet booted, one for all tests of the class."""

    @classmethod
    def setUpClass(cls):
        cls.machine = Machine()
        cls.addClassCleanup(cls.machine.close)
        # Of a build with sanitizers: looking for leaks at the end needs ptrace, which the sandboxes of the units forbid.
        cls.write("etc/systemd/system.conf.d/sanitizers.conf", "[Manager]\nDefaultEnvironment=ASAN_OPTIONS=detect_leaks=0\n")

    def tearDown(self):
        result = self._outcome.result
        if any(test is self for test, _ in result.errors + result.failures) and self.machine.leader:
            print(self.machine.run("journalctl", "--no-pager", "--lines=60", check=False).stdout, file=sys.stderr)

    @classmethod
    def write(cls, path, text):
        file = cls.machine.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    @classmethod
    def install(cls):
        subprocess.run(["cmake", "--install", BUILD, "--prefix", "/usr"], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "DESTDIR": str(cls.machine.root)})

    @classmethod
    def configure(cls, *uplinks):
        cls.write("etc/multilink/interfaces.conf", CONFIG.format(*uplinks))

    def status(self):
        done = self.machine.run("multilinkctl", "status", "--json", check=False)
        return json.loads(done.stdout) if done.returncode == 0 else {"summary": {"level": done.stderr}}

    def await_level(self, level, seconds=20):
        await_that(lambda: self.status()["summary"]["level"] == level, seconds,
                   lambda: json.dumps(self.status(), indent=1))

    def way_out(self):
        """The uplink by which 192.0.2.1 is reached; None: by none."""
        found = re.search(r" dev (\S+)", self.machine.run("ip", "route", "get", "192.0.2.1", check=False).stdout)
        return found and found.group(1)

    def await_way_out(self, uplink, seconds):
        await_that(lambda: self.way_out() == uplink, seconds,
                   lambda: f"by {uplink}\n" + self.machine.run("multilinkctl", "status", check=False).stdout)

    def cut(self, number):
        self.machine.run("ip", "-n", f"isp{number}", "link", "set", "port", "down")

    def repair(self, number):
        self.machine.run("ip", "-n", f"isp{number}", "link", "set", "port", "up")

    def show(self, unit, name):
        return self.machine.output("systemctl", "show", "--value", "--property", name, f"{unit}.service")

    def main_pid(self, unit):
        return int(self.show(unit, "MainPID"))

    def assert_active(self, *units):
        for unit in units:
            self.assertEqual(self.show(unit, "ActiveState"), "active", unit)

    def serve(self):
        """At each provider a server that answers flows."""
        tool = self.machine.root / "root/udp_flow"
        tool.write_bytes(pathlib.Path(BUILD, "lab/udp_flow").read_bytes())
        tool.chmod(0o755)
        for number in (1, 2):
            self.keep(Server(self.machine, *inside(f"isp{number}"), "/root/udp_flow", "echo", "192.0.2.1", "7000"))

    def flow(self, namespace=None):
        """A steady flow from the machine or a namespace in it, which gets answers."""
        flow = self.keep(UdpFlow(self.machine, *inside(namespace), "/root/udp_flow", "client", "192.0.2.1", "7000", RATE))
        flow.alive()
        return flow

    def keep(self, tool):
        self.addCleanup(tool.close)
        return tool


def inside(namespace):
    return ("ip", "netns", "exec", namespace) if namespace else ()
