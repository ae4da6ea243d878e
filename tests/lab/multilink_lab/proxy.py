# SPDX-License-Identifier: GPL-2.0-or-later
"""The suite's proxies in the gateway, as its units run them: real Squids, each as its own user."""

import contextlib
import os
import re
import signal
import subprocess

from multilink_lab.isolation import is_isolated
from multilink_lab.suite import running
from multilink_lab.waiting import wait_until
from multilink_lab.web import NAME_SERVER, Users, Web

SQUID = "[squid]\nenabled = yes\nallow = 192.168.77.0/24\n"
# So that what is measured of an uplink is told within two or three seconds.
QUICK = "probe_interval = 100ms\nloss_window = 2s\nup_after = 1s\n"


def _replace_file(path, text):
    """The host's file has another content for this lab's processes: in the mount namespace of the lab, which ends with it."""
    if not is_isolated():
        raise RuntimeError("call isolate() first")
    own = f"/run/{os.path.basename(path)}"
    with open(own, "w", encoding="utf-8") as file:
        file.write(text)
    subprocess.run(["mount", "--bind", own, path], check=True)


def prepare_host():
    """The users that the package makes, and a name server in the lab's Internet."""
    if os.path.exists("/run/passwd"):
        return
    names = ["multilink-squid", *(f"multilink-squid-{seat}" for seat in range(1, 17))]
    for path, entry in (("/etc/passwd", "{0}:x:{1}:{1}::/:/usr/sbin/nologin\n"), ("/etc/group", "{0}:x:{1}:\n")):
        with open(path, encoding="utf-8") as file:
            lines = [line for line in file if not line.startswith("multilink-squid")]
        _replace_file(path, "".join(lines) + "".join(entry.format(name, 48800 + i) for i, name in enumerate(names)))
    _replace_file("/etc/resolv.conf", f"nameserver {NAME_SERVER}\n")


class Proxies:
    """Not started by the constructor: set_up() does what the units do at the start and at a reload."""

    def __init__(self, lab, suite):
        self.lab, self._suite = lab, suite
        self.directory = os.environ["STATE_DIRECTORY"]
        self._processes = {}  # by the name of the configuration file: "child", "parent-wan1"
        lab.keep(self)

    def apply(self):
        """What multilinkctl says it has done."""
        return self.lab.gateway.run(f"{self._suite.bin}/multilinkctl", "--config", self._suite.config, "proxy", "apply",
                                    "--no-start")

    def set_up(self):
        said = self.apply()
        users = {"child": "multilink-squid"}
        for uplink, user in re.findall(r"^parent of (\S+): .* user (\S+),", said, re.M):
            users[f"parent-{uplink}"] = user
        for name, user in users.items():
            if name not in self._processes:
                self.start(name, user)
            elif re.search(rf"/{re.escape(name)}\.conf, written", said):
                self._processes[name].send_signal(signal.SIGHUP)
        for name in set(self._processes) - set(users):
            self.kill(name, signal.SIGTERM)
        for name in users:
            self.wait_listening(name)
        self.wake_up()
        return said

    def wake_up(self):
        """As multilinkctl does where it starts them: it has the child start its helper."""
        here = Users(self.lab, self.lab.gateway, 1)
        here.visit(host="127.0.0.1", port=2, path="/", proxy=("127.0.0.1", 3220))

    def start(self, name, user):
        with open(f"{self.lab.directory}/squid-{name}.log", "ab") as log:
            self._processes[name] = self.lab.gateway.popen(
                "setpriv", "--reuid", user, "--regid", user, "--clear-groups", "squid", "-N", "-n",
                re.sub("[^a-z0-9]", "", name), "-d", "1", "-f", f"{self.directory}/squid/{name}.conf",
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def user_of(self, name):
        with open(f"/proc/{self._processes[name].pid}/status", encoding="ascii") as file:
            return int(re.search(r"^Uid:\s+(\d+)", file.read(), re.M).group(1))

    def port_of(self, name):
        with open(f"{self.directory}/squid/{name}.conf", encoding="utf-8") as file:
            return re.search(r"^http_port (?:127\.0\.0\.1:)?(\d+)", file.read(), re.M).group(1)

    def wait_listening(self, name):
        port = self.port_of(name)
        wait_until(lambda: f":{port} " in self.lab.gateway.run("ss", "-Hltn"), 15, what=f"{name} listens on {port}")

    def kill(self, name, number=signal.SIGKILL):
        process = self._processes.pop(name)
        process.send_signal(number)
        process.wait(timeout=15)

    def kill_helper(self, number=signal.SIGKILL):
        for line in self.lab.gateway.run("pgrep", "-P", str(self._processes["child"].pid)).split():
            os.kill(int(line), number)

    def running(self):
        return set(self._processes)

    def died(self):
        return {name: process.returncode for name, process in self._processes.items() if process.poll() is not None}

    def record(self, uplink):
        """…:proxy:<uplink>, as the helper writes it."""
        return self._suite.redis().fields(self._suite.key("proxy", uplink))

    def wait_shares(self, timeout=10, within=0.02, **wanted):
        """Until the helper says that requests go by these uplinks in these shares: wait_shares(wan1=0.75, wan2=0.25)."""
        def agree():
            shares = {uplink: float(self.record(uplink).get("share", -1)) for uplink in wanted}
            return all(abs(shares[uplink] - share) <= within for uplink, share in wanted.items()) and shares
        return wait_until(agree, timeout, what=f"shares {wanted}")

    def close(self):
        for name in list(self._processes):
            self.kill(name)


@contextlib.contextmanager
def proxied(options, uplinks=None, sections="[wan1]\n[wan2]\n", squid=SQUID, defaults=QUICK, server6=None, **more):
    """Gives (lab, suite, proxies, web, users), all up."""
    prepare_host()
    made = {}

    def before(lab):
        os.environ["STATE_DIRECTORY"] = f"{lab.directory}/state"
        made["web"] = Web(lab, server6)
    try:
        with running(options, uplinks, squid + sections, defaults, before=before, **more) as (lab, suite):
            proxies = Proxies(lab, suite)
            proxies.set_up()
            yield lab, suite, proxies, made["web"], Users(lab)
            if proxies.died():
                raise AssertionError(f"ended by themselves: {proxies.died()}")
    finally:
        os.environ.pop("STATE_DIRECTORY", None)
