# SPDX-License-Identifier: GPL-2.0-or-later
"""The real ifup and ifdown in the lab's gateway, with an interfaces(5) of its own."""

import contextlib
import glob
import os
import re
import signal
import subprocess

from multilink_lab import dhcp
from multilink_lab.fetched import fetched
from multilink_lab.namespace import READ_ONLY_ETC, in_private
from multilink_lab.scenario import expect

# Of the host's hooks (/etc/network/if-up.d) none is run, and dhclient finds the lab's configuration in the place of its own.
_OPTIONS = ("--verbose", "--no-scripts")
# ifdown undoes IPv6 when IPv4 has set the device down, with which its addresses went.
_OWN_COMPLAINT = r"ip -6 .*\n(RTNETLINK answers: No such process|Error: ipv6: address not found\.)\n"
_DHCLIENT_CONF = "/etc/dhcp/dhclient.conf"


class Ifupdown:
    """`interfaces`: its text. Nothing is set up by the constructor; closed with the lab."""

    def __init__(self, lab, interfaces):
        self._lab = lab
        self._folder = f"{lab.directory}/ifupdown"
        self._log = f"{lab.directory}/ifupdown.log"
        self._settings = dhcp.Settings(lab)
        os.makedirs(f"{self._folder}/state")
        with open(f"{self._folder}/interfaces", "w", encoding="ascii") as file:
            file.write(interfaces)
        lab.keep(self)

    def up(self, *devices):
        self._call("ifup", devices)

    def down(self, *devices):
        self._call("ifdown", devices)

    def all_up(self):
        """With all_down() what `systemctl restart networking` does."""
        self.up("wan1", "wan2")

    def all_down(self):
        self.down("wan1", "wan2")

    def _call(self, name, devices):
        """Expects that it succeeds and that none of the commands it runs has complained."""
        mounts = f"{READ_ONLY_ETC} && mount --bind {self._settings.conf} {_DHCLIENT_CONF}"
        command = ["ip", "netns", "exec", self._lab.gateway.name, *in_private(mounts), fetched(f"sbin/{name}"), *_OPTIONS,
                   "--interfaces", f"{self._folder}/interfaces", "--state-dir", f"{self._folder}/state", *devices]
        with open(self._log, "a+b") as log:  # a file and no pipe, which dhclient would hold open
            begun = log.seek(0, os.SEEK_END)
            status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False).returncode
            log.seek(begun)
            text = log.read().decode(errors="replace")
        complaint = re.search("RTNETLINK|Error|[Ff]ailed", re.sub(_OWN_COMPLAINT, "", text) if name == "ifdown" else text)
        expect(status == 0 and not complaint, f"{name}: {status}\n{text}")
        failed = [words for device in devices for words in self._settings.failed_calls(device)]
        expect(not failed, f"{name}: {failed}\n{text}")

    def close(self):
        """The dhclients that it has left running."""
        for path in glob.glob("/run/dhclient.*.pid"):
            with open(path, encoding="ascii") as file, contextlib.suppress(ProcessLookupError):
                os.kill(int(file.read()), signal.SIGKILL)
            os.remove(path)
