#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The installed suite under a real systemd.

usage: units_test.py BUILD_DIR (in namespaces of its own, see machine.py)
"""

import json
import re
import unittest

from installed import DAEMONS, SERVICES, MachineTest
from machine import await_that
from providers import CONFIG, NETWORK

UNITS = (*SERVICES, "multilink-redis-users", "multilink-proxy")
SQUIDS = ("multilink-squid", "multilink-squid@wan1", "multilink-squid@wan2")


class Units(MachineTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.install()
        cls.configure("wan1", "wan2")
        cls.machine.boot()
        cls.machine.run("sh", "-c", NETWORK)
        cls.machine.run("systemctl", "start", "multilink.target")

    def setUp(self):
        self.await_level("ok")

    def test_an_installation_over_another_keeps_what_the_administrator_has_written(self):
        folder = self.machine.root / "etc/multilink"
        examples = self.machine.root / "usr/share/doc/multilink/examples"
        redis = (folder / "redis.conf").read_text()
        self.assertEqual(redis, (examples / "redis.conf").read_text(), "installed where there was none")
        (folder / "redis.conf").write_text(redis + "# mine\n")
        try:
            self.install()
            self.assertEqual((folder / "redis.conf").read_text(), redis + "# mine\n")
            self.assertEqual((folder / "interfaces.conf").read_text(), CONFIG.format("wan1", "wan2"))
        finally:
            (folder / "redis.conf").write_text(redis)

    def test_unit_files_are_right(self):
        # The exit status is 0 on misspelt settings too.
        paths = [f"/usr/lib/systemd/system/{unit}.service" for unit in (*UNITS, *SQUIDS)]
        done = self.machine.run("systemd-analyze", "verify", *paths, "/usr/lib/systemd/system/multilink.target")
        self.assertEqual(done.stdout + done.stderr, "")

    def test_units_are_exposed_as_little_as_promised(self):
        bounds = {"pingd": 15, "routed": 15, "healthd": 5, "notifyd": 20, "multilink-redis": 5, "multilink-redis-users": 15,
                  "multilink-proxy": 25, "multilink-squid": 20, "multilink-squid@wan1": 20}
        for unit, bound in bounds.items():
            done = self.machine.run("systemd-analyze", "security", f"--threshold={bound}", f"{unit}.service",
                                    check=False)
            self.assertEqual(done.returncode, 0, done.stdout.splitlines()[-1:])

    def test_all_are_ready_and_the_better_uplink_carries(self):
        self.assert_active(*UNITS)
        self.assertEqual(self.way_out(), "wan1")
        self.assertEqual(self.status()["problems"], [])

    def test_transitions_have_fields_in_the_journal(self):
        for unit, kind, uplink in (("healthd", "health", "wan1"), ("routed", "route", "wan1")):
            lines = self.machine.output("journalctl", "--output=json", f"--unit={unit}", f"MULTILINK_KIND={kind}",
                                        f"MULTILINK_UPLINK={uplink}").splitlines()
            self.assertTrue(lines, unit)
            entry = json.loads(lines[0])
            self.assertEqual((entry["MULTILINK_FAMILY"], entry["PRIORITY"], entry["SYSLOG_IDENTIFIER"]), ("4", "6", unit))
            self.assertIn(entry["MULTILINK_REASON"], entry["MESSAGE"])
            self.assertRegex(entry["MULTILINK_ID"], "^[0-9a-f]{8}-[0-9a-f]+$")

    def test_each_process_has_its_own_user_and_no_capability_but_its_own(self):
        wanted = {"pingd": 1 << 13, "healthd": 0, "notifyd": 0, "routed": 3 << 12, "multilink-redis": 0}  # CAP_NET_RAW 13, CAP_NET_ADMIN 12
        users = set()
        for unit, capabilities in wanted.items():
            fields = dict(line.split(":\t", 1) for line in
                          self.machine.output("cat", f"/proc/{self.main_pid(unit)}/status").splitlines())
            for kind in ("CapEff", "CapPrm", "CapBnd", "CapAmb"):
                self.assertEqual(int(fields[kind], 16), capabilities, (unit, kind))
            users.add(fields["Uid"])
        self.assertEqual(len(users), len(wanted))
        self.assertNotIn("0\t0\t0\t0", users)

    def test_passwords_are_for_their_owners(self):
        modes = self.machine.output("sh", "-c", "stat -c '%n %a %U %G' /etc/multilink/credentials/*")
        for line in modes.splitlines():
            path, *mode = line.split()
            wanted = ["640", "root", "multilink"] if path.endswith("/reader") else ["600", "root", "root"]
            self.assertEqual(mode, wanted, path)
        self.assertEqual(self.machine.output("stat", "-c", "%a %G", "/run/multilink/redis.sock"), "660 multilink")

    def test_members_of_the_group_read_the_status_and_nobody_else(self):
        as_user = lambda user, *command: self.machine.run(
            "setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", *command, check=False)
        page = as_user("www-data", "env", "REQUEST_METHOD=GET", "/usr/lib/cgi-bin/multilink/status.cgi")
        self.assertIn("Status: 200 OK", page.stdout)
        self.assertIn("wan1 carries the traffic.", page.stdout)
        stranger = as_user("games", "multilinkctl", "status")
        self.assertEqual(stranger.returncode, 78)
        self.assertIn("be root or a member of the group multilink", stranger.stderr)

    def test_making_the_passwords_again_changes_none(self):
        seen = lambda: (self.main_pid("multilink-redis"), self.machine.output("sh", "-c", "cat /etc/multilink/credentials/*"))
        before = seen()
        self.machine.run("systemctl", "restart", "multilink-redis-users")
        self.assertEqual(seen(), before)

    def test_redis_starts_with_the_passwords_that_are_there_where_none_can_be_made(self):
        drop_in = "etc/systemd/system/multilink-redis-users.service.d/full.conf"
        self.addCleanup(self.machine.run, "systemctl", "restart", "multilink-redis-users", "multilink-redis")
        self.addCleanup(self.machine.run, "systemctl", "daemon-reload")
        self.addCleanup((self.machine.root / drop_in).unlink)
        self.write(drop_in, "[Service]\nExecStart=\nExecStart=/bin/false\n")
        self.machine.run("systemctl", "daemon-reload")
        self.machine.run("systemctl", "stop", "multilink-redis", "multilink-redis-users")
        self.machine.run("systemctl", "start", "multilink.target")
        await_that(lambda: self.show("multilink-redis-users", "ActiveState") == "failed", 5, "no passwords can be made")
        await_that(lambda: self.show("multilink-redis", "ActiveState") == "active", 5, "Redis starts all the same")
        self.await_level("ok")

    def test_reload_applies_a_new_file(self):
        pids = [self.main_pid(unit) for unit in DAEMONS]
        self.addCleanup(self.machine.run, "systemctl", "reload", *DAEMONS)
        self.addCleanup(self.configure, "wan1", "wan2")
        self.configure("wan2", "wan1")
        self.machine.run("systemctl", "reload", *DAEMONS)
        await_that(lambda: self.way_out() == "wan2", 10, "the other uplink carries")
        self.assertEqual([self.main_pid(unit) for unit in DAEMONS], pids)

    def test_what_is_killed_comes_back(self):
        for unit in SERVICES:
            with self.subTest(unit):
                before = self.main_pid(unit)
                self.machine.run("kill", "-KILL", before)
                self.assertEqual(self.way_out(), "wan1")
                await_that(lambda: self.main_pid(unit) not in (0, before), 5, f"{unit} is back")
                self.await_level("ok")

    def test_many_crashes_do_not_leave_it_dead(self):
        for _ in range(12):
            before = self.main_pid("routed")
            self.machine.run("kill", "-KILL", before)
            await_that(lambda: self.main_pid("routed") not in (0, before), 5, "routed is back")

    def test_a_refused_configuration_ends_in_failed_and_keeps_the_route(self):
        self.addCleanup(self.machine.run, "systemctl", "restart", "routed")
        self.addCleanup(self.configure, "wan1", "wan2")
        self.configure("wan1", "wan1")
        self.machine.run("systemctl", "restart", "routed", check=False)
        await_that(lambda: self.show("routed", "ActiveState") == "failed", 5, "routed has failed")
        self.assertEqual(self.show("routed", "ExecMainStatus"), "78")
        self.assertEqual(self.way_out(), "wan1")

    def test_a_refused_reload_changes_nothing(self):
        self.addCleanup(self.machine.run, "systemctl", "reload", *DAEMONS)
        self.addCleanup(self.configure, "wan1", "wan2")
        before = {unit: self.main_pid(unit) for unit in DAEMONS}
        self.configure("wan1", "wan1")
        for unit, pid in before.items():
            self.assertNotEqual(self.machine.run("systemctl", "reload", unit, check=False).returncode, 0, unit)
            await_that(lambda: "is refused whole" in self.machine.output("journalctl", f"--unit={unit}", f"_PID={pid}"),
                       5, f"{unit} says so")
        self.assertEqual({unit: self.main_pid(unit) for unit in DAEMONS}, before)
        self.assert_active(*DAEMONS)
        self.assertEqual(self.way_out(), "wan1")

    def test_strict_source_checks_are_loosened_on_uplinks_and_come_back(self):
        path = "/proc/sys/net/ipv4/conf/wan1/rp_filter"
        strict = lambda: self.machine.output("cat", path)
        before = strict()
        self.addCleanup(self.machine.run, "systemctl", "start", "routed")
        self.addCleanup(self.machine.run, "sh", "-c", f"echo {before} > {path}")
        self.machine.run("sh", "-c", f"echo 1 > {path}")
        self.machine.run("systemctl", "restart", "routed")
        await_that(lambda: strict() == "2", 5, lambda: self.machine.output("journalctl", "--unit=routed", "--lines=5"))
        self.await_level("ok")
        told = lambda: self.machine.output("multilinkctl", "status")
        await_that(lambda: "rp_filter is 1 (strict)" in told(), 10, told)
        self.machine.run("systemctl", "stop", "routed")
        self.assertEqual(strict(), "2", "stopping leaves it")
        self.assertIn("sysctl -w net.ipv4.conf.wan1.rp_filter=1", self.machine.output("routed", "--clear"))
        self.assertEqual(strict(), "1")

    def test_a_gateway_is_learned_from_a_lease_file_inside_the_sandbox(self):
        lease = ('lease {{ interface "wan2"; fixed-address {0}.2; option routers {0}.1; expire never; }}'
                 .format("203.0.113"))
        self.addCleanup(self.machine.run, "ip", "route", "add", "default", "via", "203.0.113.1", "dev", "wan2", "metric",
                        "200")
        self.addCleanup(self.machine.run, "rm", "-f", "/var/lib/dhcp/dhclient.wan2.leases")
        self.addCleanup(self.machine.run, "systemctl", "start", "multilink.target")
        self.machine.run("systemctl", "stop", "multilink.target", *DAEMONS)
        self.machine.run("routed", "--clear")
        self.machine.run("ip", "route", "del", "default", "dev", "wan2")
        self.machine.run("systemctl", "start", "multilink.target")
        await_that(lambda: "no IPv4 gateway" in json.dumps(self.status()), 20, lambda: json.dumps(self.status(), indent=1))
        self.machine.run("sh", "-c", f"mkdir -p /var/lib/dhcp; echo '{lease}' >/var/lib/dhcp/dhclient.wan2.leases")
        self.await_level("ok")
        self.assertIn("via 203.0.113.1", self.machine.output("ip", "route", "show", "table", "7002"))

    def fetch(self, url="http://192.0.2.1/"):
        """What curl prints of the answer that comes through the proxy: status, and the address that the server has seen."""
        return self.machine.output("python3", "-c", (
            "import sys, urllib.error, urllib.request as r\n"
            "try: print(200, r.build_opener(r.ProxyHandler({'http': 'http://127.0.0.1:3128'})).open(sys.argv[1], timeout=10).read().decode())\n"
            "except urllib.error.HTTPError as e: print(e.code)\n"), url)

    def serve_web(self):
        """At each provider a server that answers with its visitor's address."""
        script = ("import http.server as h\n"
                  "class P(h.BaseHTTPRequestHandler):\n"
                  " def do_GET(self): self.send_response(200); self.end_headers(); self.wfile.write(self.client_address[0].encode())\n"
                  "h.ThreadingHTTPServer(('192.0.2.1', 80), P).serve_forever()\n")
        for number in (1, 2):
            self.machine.run("systemd-run", "--quiet", f"--unit=web{number}", "ip", "netns", "exec", f"isp{number}", "python3",
                             "-c", script)
            self.addCleanup(self.machine.run, "systemctl", "stop", f"web{number}")

    def test_the_proxy_comes_and_goes_with_the_file(self):
        def disable():
            self.configure("wan1", "wan2")
            self.machine.run("systemctl", "reload", "routed", "multilink-proxy")
        self.serve_web()
        self.addCleanup(disable)
        self.configure("wan1", "wan2")
        with open(self.machine.root / "etc/multilink/interfaces.conf", "a", encoding="utf-8") as file:
            file.write("[squid]\nenabled = yes\n")
        self.machine.run("systemctl", "reload", *DAEMONS, "multilink-proxy")
        self.assert_active(*SQUIDS)
        for unit, user in zip(SQUIDS, ("multilink-squid", "multilink-squid-1", "multilink-squid-2")):
            status = self.machine.output("cat", f"/proc/{self.main_pid(unit)}/status")
            uid = self.machine.output("id", "-u", user)
            self.assertRegex(status, rf"(?m)^Uid:\t{uid}\t{uid}\t{uid}\t{uid}$", unit)
            self.assertRegex(status, r"(?m)^CapBnd:\t0+$", unit)
        await_that(lambda: self.fetch().startswith("200"), 10, lambda: self.machine.output("journalctl", "--lines=40"))
        # 192.0.2.1 is at both providers: the answer tells who was asked, and by which uplink.
        await_that(lambda: {self.fetch() for _ in range(6)} == {"200 198.51.100.2", "200 203.0.113.2"}, 20,
                   lambda: self.machine.output("multilinkctl", "proxy"))
        self.assertEqual(self.fetch("http://127.0.0.1/"), "403")
        told = lambda: self.machine.output("multilinkctl", "proxy")
        await_that(lambda: re.search(r"wan1 +yes +\d", told()), 15, told)
        heard = lambda: self.machine.output("journalctl", "--identifier=multilink-squid-helper", "--unit=multilink-squid")
        await_that(lambda: "Redis: connected" in heard(), 5, heard)
        before = {unit: self.main_pid(unit) for unit in SQUIDS}
        self.machine.run("systemctl", "reload", "multilink-proxy")
        self.assertEqual({unit: self.main_pid(unit) for unit in SQUIDS}, before, "nothing has changed")
        self.machine.run("kill", "-KILL", before[SQUIDS[1]])
        await_that(lambda: self.main_pid(SQUIDS[1]) not in (0, before[SQUIDS[1]]), 5, "the parent is back")
        disable()
        for unit in SQUIDS:
            self.assertEqual(self.show(unit, "ActiveState"), "inactive", unit)
        self.assertNotIn("uidrange", self.machine.output("ip", "rule"))

    def test_what_redis_holds_outlives_its_restart(self):
        ids = lambda: {event["id"] for event in self.status()["events"]}
        before = ids()
        self.assertTrue(before)
        self.machine.run("systemctl", "restart", "multilink-redis")
        self.await_level("ok")
        self.assertTrue(before & ids(), (before, ids()))

    def test_another_redis_as_the_manual_says(self):
        manual = (self.machine.root / "usr/share/doc/multilink/examples/other-redis.conf").read_text()
        units = ("pingd", "healthd", "routed", "notifyd")
        folders = [self.machine.root / f"etc/systemd/system/{unit}.service.d" for unit in units]
        path = self.machine.root / "etc/multilink/interfaces.conf"
        before = path.read_text()

        def undo():
            for folder in folders:
                (folder / "redis.conf").unlink()
            path.write_text(before)
            self.machine.run("systemctl", "daemon-reload")
            self.machine.run("systemctl", "restart", *units)
        self.addCleanup(undo)
        for folder in folders:
            folder.mkdir(exist_ok=True)
            (folder / "redis.conf").write_text(manual.replace("192.0.2.10", "127.0.0.1"))
        self.machine.run("systemd-run", "--unit=other-redis", "redis-server", "--port", "6390", "--save", "",
                         "--aclfile", "/etc/multilink/credentials/redis.acl")
        self.addCleanup(self.machine.run, "systemctl", "stop", "other-redis")
        path.write_text(before.replace("[multilink]", "[multilink]\nredis = redis://127.0.0.1:6390/0"))
        self.machine.run("systemctl", "daemon-reload")
        self.machine.run("systemctl", "restart", *units)
        self.machine.run("systemctl", "stop", "multilink-redis")
        self.addCleanup(self.machine.run, "systemctl", "start", "multilink-redis")
        self.await_level("ok")

    def test_stopping_leaves_the_routes(self):
        self.addCleanup(self.machine.run, "systemctl", "start", "multilink.target")
        routes = self.machine.output("ip", "route", "show", "table", "all")
        rules = self.machine.output("ip", "rule")
        self.assertIn("proto 109", routes)
        self.machine.run("systemctl", "stop", "multilink.target")
        for unit in SERVICES:
            await_that(lambda: self.show(unit, "ActiveState") == "inactive", 15, f"{unit} has stopped")
        self.assertEqual(self.machine.output("ip", "route", "show", "table", "all"), routes)
        self.assertEqual(self.machine.output("ip", "rule"), rules)


if __name__ == "__main__":
    unittest.main(verbosity=2)
