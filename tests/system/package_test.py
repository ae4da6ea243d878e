#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The Debian package in a real systemd: installed, it starts nothing; after `multilinkctl init` it fails over within a
minute, and again after a reboot; an upgrade loses no packet and no work of the administrator; a purge leaves nothing,
and the network up.

usage: package_test.py BUILD, in mount and PID namespaces of its own"""

import pathlib
import re
import subprocess
import tempfile
import time
import unittest

from installed import BUILD, DAEMONS, SERVICES, MachineTest
from machine import await_that
from providers import NETWORK

FILES = ("/usr/sbin/pingd", "/usr/lib/systemd/system/multilink.target", "/usr/lib/cgi-bin/multilink/status.cgi",
         "/usr/share/bash-completion/completions/multilinkctl", "/usr/share/multilink/interfaces.conf")
# A host's dpkg may be told to leave these away.
PAGES = ("/usr/share/man/man8/routed.8.gz", "/usr/share/man/man5/interfaces.conf.5.gz")
CONFIG = "etc/multilink/interfaces.conf"
REDIS_CONFIG = "etc/multilink/redis.conf"
# Sets up at a boot what another host's network service would; nothing says that multilink starts later.
PROVIDERS_UNIT = """\
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh /root/network
[Install]
WantedBy=multi-user.target
"""


def older(package, to):
    """The same package under a lower version, with another redis.conf."""
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder, "tree")
        subprocess.run(["dpkg-deb", "--raw-extract", package, tree], check=True)
        control = tree / "DEBIAN/control"
        control.write_text(re.sub(r"(?m)^(Version: .*)$", r"\1~older", control.read_text()))
        with open(tree / "usr/share/multilink/redis.conf", "a", encoding="utf-8") as file:
            file.write("# of the older version\n")
        subprocess.run(["dpkg-deb", "-Zgzip", "-z1", "--build", tree, to], check=True, stdout=subprocess.DEVNULL)


class Package(MachineTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["cpack", "-G", "DEB", "--config", f"{BUILD}/CPackConfig.cmake", "-B", folder], check=True,
                           stdout=subprocess.DEVNULL)
            made, = pathlib.Path(folder).glob("*.deb")
            subprocess.run(["lintian", "--allow-root", "--fail-on", "error", made], check=True)
            (cls.machine.root / "root/multilink.deb").write_bytes(made.read_bytes())
            older(made, cls.machine.root / "root/older.deb")
        cls.write("root/network", NETWORK)
        cls.write("etc/systemd/system/providers.service", PROVIDERS_UNIT)
        cls.machine.boot()
        cls.machine.run("systemctl", "enable", "--now", "providers")
        cls.before = cls.traces()

    @classmethod
    def traces(cls):
        """What a purge has to leave as it was."""
        return cls.machine.output("sh", "-c", """
            ip rule; ip -6 rule; ip -4 route show table all; ip -6 route show table all | grep -v -e fe80 -e ff00
            nft list tables
            sysctl --all --pattern '^net[.]ipv[46][.](conf|fib|ip_forward|icmp)' 2>/dev/null
            find /etc /lib /run /usr /var -xdev -name '*multilink*' | sort
            cut -d: -f1 /etc/passwd /etc/group""").splitlines()

    def assert_no_traces(self):
        now = self.traces()
        self.assertEqual(([line for line in now if line not in self.before],
                          [line for line in self.before if line not in now]), ([], []))

    def active(self):
        return [unit for unit in SERVICES if self.show(unit, "ActiveState") == "active"]

    def await_protection(self, seconds):
        await_that(lambda: self.active() == list(SERVICES), seconds, self.active)
        self.await_level("ok", seconds)
        self.assertEqual(self.way_out(), "wan1")

    def assert_failover(self):
        self.cut(1)
        self.await_way_out("wan2", 10)

    def return_to_the_better_one(self):
        self.repair(1)
        self.await_way_out("wan1", 60)
        self.await_level("ok")

    def read(self, path):
        return (self.machine.root / path).read_text()

    def install_package(self, name):
        return self.machine.output("dpkg", "--install", f"/root/{name}.deb")

    def test_its_whole_life(self):
        begin = time.monotonic()
        self.install_at_first()
        self.assertEqual(self.machine.run("multilinkctl", "init").returncode, 0)
        self.machine.run("systemctl", "enable", "--now", "multilink.target")
        self.await_protection(40)
        self.assert_failover()
        took = time.monotonic() - begin
        print(f"from the first command until a failover was seen: {took:.1f} s", flush=True)
        self.assertLessEqual(took, 60)
        self.repair(1)

        # The administrator's own lines; without the one the test would wait for each return.
        self.write(CONFIG, self.read(CONFIG).replace("[multilink]\n", "[multilink]\n# mine\nup_after = 2s\n"))
        self.write(REDIS_CONFIG, self.read(REDIS_CONFIG) + "# mine\n")
        self.reboot()
        self.upgrade()
        self.purge()

    def install_at_first(self):
        said = self.machine.output("apt-get", "install", "--yes", "--no-install-recommends", "/root/older.deb")
        self.assertIn("writes them into /etc/multilink/interfaces.conf", said)
        self.assertEqual(self.active(), [], "nothing starts by itself")
        self.assertEqual([line for line in self.traces() if "proto 109" in line or line.startswith("table ")],
                         [line for line in self.before if line.startswith("table ")], "and nothing is in the kernel")
        contents = self.machine.output("dpkg-deb", "--contents", "/root/multilink.deb")
        for path in PAGES:
            self.assertIn(f" .{path}\n", contents)
        for path in FILES:
            self.assertTrue((self.machine.root / path[1:]).exists(), path)

    def reboot(self):
        """Without a login, and without a command, all is back."""
        self.machine.shut_down()
        # It is the same boot of the kernel, for which healthd would remember the first failure, and damp after the second.
        (self.machine.root / "var/lib/multilink-redis/dump.rdb").unlink()
        begin = time.monotonic()
        self.machine.boot("multi-user.target")
        self.await_protection(40)
        print(f"from the power button until all is well: {time.monotonic() - begin:.1f} s", flush=True)
        self.assert_failover()
        self.return_to_the_better_one()

    def upgrade(self):
        """Over what runs, from an older version. What the administrator has written stays, and nobody is asked."""
        written = [self.read(path) for path in (CONFIG, REDIS_CONFIG)]
        self.assertTrue(all("# mine" in text for text in written), written)
        ours = "usr/share/multilink/redis.conf"
        self.serve()
        flow = self.flow()
        for name, said, wanted in (("multilink", "redis.conf stays as you have it", written[1]), ("older", "", None)):
            before = [self.main_pid(unit) for unit in DAEMONS]
            redis = self.main_pid("multilink-redis")
            begin = time.monotonic()
            self.assertIn(said, self.install_package(name))
            self.await_protection(40)
            self.assertEqual(flow.report(begin)["lost"], 0)
            self.assertTrue(all(a != self.main_pid(unit) for a, unit in zip(before, DAEMONS)), "all run the new version")
            self.assertEqual(self.main_pid("multilink-redis") == redis, wanted is not None, "only a new redis.conf restarts Redis")
            self.assertEqual(self.read(CONFIG), written[0])
            self.assertEqual(self.read(REDIS_CONFIG), wanted or self.read(ours))
            # From now on it is the package's again.
            self.write(REDIS_CONFIG, self.read(ours))
        self.assertIn("# of the older version", self.read(REDIS_CONFIG))

    def purge(self):
        self.machine.run("apt-get", "purge", "--yes", "multilink")
        self.assert_no_traces()
        self.assertEqual(self.active(), [])
        self.assertEqual(self.way_out(), "wan1")
        self.machine.run("ping", "-c", "1", "-W", "5", "192.0.2.1")


if __name__ == "__main__":
    unittest.main()
