# SPDX-License-Identifier: GPL-2.0-or-later
"""The real NetworkManager in the lab's gateway, on a bus and with connections of its own."""

import os
import re
import signal
import subprocess

from multilink_lab.fetched import FOLDER, fetched
from multilink_lab.namespace import READ_ONLY_ETC, in_private
from multilink_lab.scenario import expect
from multilink_lab.waiting import wait_until

_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={folder}/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/> <allow own="*"/> <allow send_destination="*"/> <allow receive_sender="*"/>
  </policy>
</busconfig>
"""
# What reaches beyond the network namespace is switched off: names, the host's name.
_SETTINGS = """
[main]
plugins = keyfile
dhcp = internal
dns = none
hostname-mode = none
auth-polkit = false
no-auto-default = *
[keyfile]
path = {folder}/connections
"""
_CONNECTION = """
[connection]
id = {device}
uuid = 00000000-0000-4000-8000-{number:012}
type = ethernet
interface-name = {device}
"""
# With /sys for reading only it does not wait for udev, which knows nothing of this namespace's devices.
_MOUNTS = (f"{READ_ONLY_ETC} && mount -o remount,ro,bind /sys && mount -t tmpfs tmpfs /var/lib && "
           "mkdir /var/lib/NetworkManager")


class NetworkManager:
    """`connections`: for each device its groups [ipv4] and [ipv6]; the connection's name is the device's. Not started by
    the constructor. Closed with the lab."""

    def __init__(self, lab, connections):
        self._lab = lab
        self._folder = f"{lab.directory}/network_manager"
        self._process = None
        self._environment = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self._folder}/bus",
                             "LD_LIBRARY_PATH": f"{FOLDER}/usr/lib/x86_64-linux-gnu"}
        self._devices = list(connections)
        os.makedirs(f"{self._folder}/connections")
        os.makedirs(f"{self._folder}/conf.d")
        self._write("bus.conf", _BUS)
        self._write("NetworkManager.conf", _SETTINGS)
        for number, (device, groups) in enumerate(connections.items(), 1):
            self._write(f"connections/{device}.nmconnection", _CONNECTION + groups, device=device, number=number)
        self._bus = self._start("dbus", "dbus-daemon", "--nofork", "--nopidfile", f"--config-file={self._folder}/bus.conf")
        lab.keep(self)
        wait_until(lambda: os.path.exists(f"{self._folder}/bus"), 5, what="the bus is there")

    def _write(self, name, text, **values):
        with open(f"{self._folder}/{name}", "w", encoding="ascii",
                  opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(text.format(folder=self._folder, **values))

    def _start(self, name, *command):
        with open(f"{self._lab.directory}/{name}.log", "ab") as log:
            return self._lab.gateway.popen(*command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                           env=self._environment, start_new_session=True)

    def start(self):
        """Until it has set up all connections, or has found that others have ("connected (externally)")."""
        self._process = self._start("network_manager", *in_private(_MOUNTS), fetched("usr/sbin/NetworkManager"), "--debug",
                                    f"--config={self._folder}/NetworkManager.conf", f"--config-dir={self._folder}/conf.d")
        self.wait_connected(*self._devices)

    def stop(self):
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=10)
        self._process = None

    def nmcli(self, *words):
        """Its output. Expects that it succeeds."""
        done = self._nmcli(*words)
        expect(done.returncode == 0, f"nmcli {' '.join(words)}: {done.returncode} {done.stdout}{done.stderr}")
        return done.stdout

    def _nmcli(self, *words):
        return subprocess.run(["ip", "netns", "exec", self._lab.gateway.name, fetched("usr/bin/nmcli"), *words],
                              env=self._environment, text=True, capture_output=True, check=False)

    def up(self, *devices):
        for device in devices:
            self.nmcli("connection", "up", device)

    def down(self, *devices):
        for device in devices:
            self.nmcli("connection", "down", device)

    def all_up(self):
        self.nmcli("networking", "on")
        self.wait_connected(*self._devices)

    def all_down(self):
        self.nmcli("networking", "off")

    def restart(self):
        self.stop()
        self.start()

    def wait_connected(self, *devices):
        def connected():
            states = self._nmcli("--terse", "--fields", "DEVICE,STATE", "device").stdout
            return set(devices) <= set(re.findall(r"^(.*):connected\b", states, re.MULTILINE))
        wait_until(connected, 20, self._lab.watch, what=f"NetworkManager has set up {devices}")

    def close(self):
        for process in (self._process, self._bus):
            if process:
                process.kill()
                process.wait()
        self._process = self._bus = None
