#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What befalls the units, under traffic of this host and traffic that it forwards: no packet is lost.

usage: traffic_test.py BUILD_DIR (in namespaces of its own, see machine.py)
"""

import re
import time
import unittest

from installed import DAEMONS, RATE, SERVICES, MachineTest
from machine import await_that
from providers import INSIDE, NETWORK

SOCKET = "/run/multilink/redis.sock"
# Of a hang: the watchdog's patience, then that of the orderly end.
CURED_S = 20


class Traffic(MachineTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.install()
        cls.configure("wan1", "wan2")
        cls.machine.boot()
        cls.machine.run("sh", "-c", NETWORK + INSIDE)
        cls.machine.run("systemctl", "start", "multilink.target")

    def setUp(self):
        self.serve()
        self.await_level("ok")
        self.flows = {"local": self.flow(), "forwarded": self.flow("client")}

    def losses(self, begin, end=None):
        """Lost packets of each flow, of which none may have been silent meanwhile."""
        reports = {name: flow.report(begin, end) for name, flow in self.flows.items()}
        for name, report in reports.items():
            self.assertGreater(report["sent"], (report["to"] - report["from"]) * RATE / 2, name)
        return {name: report["lost"] for name, report in reports.items() if report["lost"]}

    def owned(self):
        text = self.machine.output("sh", "-c", "ip -4 route show table all; ip rule")
        return sorted(line.strip() for line in text.splitlines() if "proto 109" in line)

    def test_no_order_to_a_unit_costs_a_packet(self):
        steps = []
        for unit in SERVICES:
            # Redis has nothing to read anew.
            for order in ("reload", "restart", "stop", "start")[unit == "multilink-redis":]:
                begin = time.monotonic()
                self.machine.run("systemctl", order, unit)
                if order == "stop":
                    time.sleep(1)  # what its absence does is part of the step
                else:
                    self.await_level("ok")
                steps.append((f"{order} {unit}", begin, time.monotonic()))
        lost = {step: self.losses(begin, end) for step, begin, end in steps}
        for step, found in lost.items():
            print(f"{step}: {found or 'nothing'} lost", flush=True)
        self.assertEqual({step: found for step, found in lost.items() if found}, {})
        self.assertEqual(self.losses(steps[0][1]), {}, "nor between them")

    def test_what_hangs_is_ended_and_comes_back(self):
        before = {unit: self.main_pid(unit) for unit in DAEMONS}
        begin = time.monotonic()
        self.machine.run("kill", "-STOP", *before.values())
        for unit in DAEMONS:
            await_that(lambda: self.main_pid(unit) not in (0, before[unit]), begin + CURED_S - time.monotonic(),
                       f"{unit} is back")
            print(f"{unit} is back after {time.monotonic() - begin:.1f} s at most", flush=True)
        self.await_level("ok")
        self.assertEqual(self.losses(begin), {})
        self.assertEqual(self.way_out(), "wan1")

    def crash(self, *units):
        """From now on each start of them fails."""
        folders = [f"/run/systemd/system/{unit}.service.d" for unit in units]
        for folder in folders:
            self.machine.run("sh", "-c", f"mkdir -p {folder}; printf '[Service]\\nExecStart=\\nExecStart=/bin/false\\n' "
                                         f">{folder}/crash.conf")
        self.addCleanup(self.machine.run, "systemctl", "daemon-reload")
        self.addCleanup(self.machine.run, "rm", "-rf", *folders)
        self.machine.run("systemctl", "daemon-reload")
        for unit in units:
            self.machine.run("systemctl", "kill", "--signal=KILL", "--kill-who=main", unit)

    def test_what_crashes_again_and_again_is_told_and_leaves_the_routes(self):
        before = self.owned()
        begin = time.monotonic()
        self.crash("routed")
        told = lambda: self.machine.run("multilinkctl", "status", check=False).stdout
        await_that(lambda: "routed does not report" in told(), 40, told)
        self.assertGreater(int(self.show("routed", "NRestarts")), 3)
        self.crash(*(unit for unit in SERVICES if unit != "routed"))
        time.sleep(2)
        for unit in SERVICES:
            self.assertEqual(self.show(unit, "ActiveState"), "activating", f"{unit} is tried again for ever")
        self.assertEqual(self.owned(), before)
        self.assertEqual(self.losses(begin), {})
        self.doCleanups()
        self.await_level("ok")
        self.assert_active(*SERVICES)

    def as_user(self, user):
        """Orders to Redis with the login of one of its users."""
        name, password = (self.machine.root / f"etc/multilink/credentials/{user}").read_text().split()
        return lambda *words: self.machine.output("redis-cli", "-s", SOCKET, "--user", name, "--pass", password,
                                                  "--no-auth-warning", *words)

    def test_who_has_taken_healthd_over_chooses_among_the_uplinks_and_no_more(self):
        key = "multilink:{}:".format(self.status()["site"]) + "uplink:{}:health"
        good = self.as_user("reader")("HGETALL", key.format("wan1")).splitlines()
        good = dict(zip(good[::2], good[1::2]))
        healthd = self.as_user("healthd")
        for command in (("HSET", "multilink:x:routing", "4.active", "wan2"), ("HSET", "multilink:x:drill", "uplink", "wan1"),
                        ("HSET", "multilink:x:uplink:wan1:admin", "state", "disabled"), ("FLUSHALL",),
                        ("CONFIG", "SET", "dir", "/tmp"), ("ACL", "SETUSER", "healthd", "+@all")):
            self.assertIn("NOPERM", healthd(*command), command)
        self.addCleanup(self.machine.run, "systemctl", "start", "healthd")
        self.machine.run("systemctl", "stop", "healthd")
        pid = self.machine.output("sh", "-c", "ip -o monitor route rule >/root/monitor 2>&1 </dev/null & echo $!")
        self.addCleanup(self.machine.run, "kill", pid)

        def publish(uplink, fields):
            record = key.format(uplink)
            healthd("DEL", record)
            healthd("HSET", record, *(word for field in fields.items() for word in field))
            healthd("PUBLISH", record.split("uplink:")[0] + "status", uplink)

        # Well formed, and another's device.
        hostile = {**good, "device": "lan", "precedence": "1", "weight": "256", "4.answers": "1"}
        strange = {"gateway": "10.9.0.2", "table": "254", "4.gateway": "10.9.0.2", "4.device": "lan", "4.state": "x" * 5000}
        for uplink in ("lan", "wan3", "wan1;reboot", "../routing", "wan2", "wan1"):
            publish(uplink, hostile)
            publish(uplink, {**hostile, **strange})
            self.assertEqual(self.way_out(), "wan1")
        # What it may say: which of the two is sound.
        for states in (("up", "down"), ("down", "up"), ("down", "down"), ("unknown", "unknown"), ("down", "up")):
            for uplink, state in zip(("wan1", "wan2"), states):
                publish(uplink, {**good, "device": uplink, "4.state": state})
            if set(states) == {"up", "down"}:
                self.await_way_out("wan1" if states[0] == "up" else "wan2", 5)
            else:
                time.sleep(0.5)
                self.assertIn(self.way_out(), ("wan1", "wan2"))
        seen = self.owned() + [line for line in self.machine.output("cat", "/root/monitor").splitlines() if "proto 109" in line]
        devices = {device for line in seen for device in re.findall(r" (?:dev|oif|iif) (\S+)", line)}
        gateways = {gateway for line in seen for gateway in re.findall(r" via (?:inet6 )?(\S+)", line)}
        self.assertEqual((devices - {"lo"}, gateways), ({"wan1", "wan2"}, {"198.51.100.1", "203.0.113.1"}))
        self.machine.run("systemctl", "start", "healthd")
        self.await_level("ok")
        self.await_way_out("wan1", 20)


if __name__ == "__main__":
    unittest.main(verbosity=2)
