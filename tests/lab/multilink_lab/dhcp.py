# SPDX-License-Identifier: GPL-2.0-or-later
"""Real DHCP on the uplinks: busybox' udhcpd in the ISPs, Debian's dhclient with its own script in the gateway."""

import glob
import os
import re
import signal
import subprocess

from multilink_lab.namespace import READ_ONLY_ETC, in_private
from multilink_lab.waiting import wait_until

LEASES = "/var/lib/dhcp"  # where routed and pingd look; the lab has one of its own
_SERVER = """
interface port
start {address}
end {address}
max_leases 1
offer_time 1
conflict_time 1
min_lease 1
auto_time 0
lease_file {folder}/leases
pidfile {folder}/pid
option subnet {mask}
option router {router}
option lease {lease_s}
"""
_CLIENT = """
script "{folder}/script";
option rfc3442-classless-static-routes code 121 = array of unsigned integer 8;
request subnet-mask, broadcast-address, routers, interface-mtu, rfc3442-classless-static-routes;
timeout 30;
retry 1;
initial-interval 1;
"""
# The script's `ip` says how each call ended.
_IP = """#!/bin/sh
{ip} "$@"
status=$?
read up rest </proc/uptime
echo "$up $status $interface $reason ip $*" >>{log}
exit $status
"""
_SCRIPT = """#!/bin/sh
PATH={folder}/bin:$PATH
export PATH
exec dhclient-script
"""


class Server:
    """udhcpd of one ISP: gives out one address."""

    def __init__(self, isp, folder, lease_s, address=None, router=None):
        self._isp = isp
        self._folder = folder
        self._process = None
        os.mkdir(folder)
        self.offer(lease_s, address, router)

    def offer(self, lease_s, address=None, router=None):
        """From now on this and nothing else; who has another address is refused at the next renewal."""
        self.close()
        for path in glob.glob(f"{self._folder}/*"):
            os.remove(path)
        with open(f"{self._folder}/conf", "w", encoding="ascii") as file:
            file.write(_SERVER.format(folder=self._folder, address=address or self._isp.address, lease_s=lease_s,
                                      router=router or self._isp.router, mask=self._isp.subnet.netmask))
        with open(f"{self._folder}.log", "ab") as log:
            self._process = self._isp.namespace.popen("busybox", "udhcpd", "-f", "-a", "200", f"{self._folder}/conf",
                                                      stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def close(self):
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None


class Settings:
    """What all dhclients of a lab share: `conf`, by which they run Debian's own script and note its calls of ip."""

    def __init__(self, lab):
        folder = f"{lab.directory}/dhclient"
        self.conf = f"{folder}/conf"
        self._calls = f"{lab.directory}/dhclient-ip.log"
        if os.path.exists(folder):
            return
        os.makedirs(f"{folder}/bin")
        real = subprocess.run(["sh", "-c", "command -v ip"], capture_output=True, text=True, check=True).stdout.strip()
        for name, text in (("bin/ip", _IP.format(ip=real, log=self._calls)), ("script", _SCRIPT.format(folder=folder))):
            with open(f"{folder}/{name}", "w", encoding="ascii") as file:
                file.write(text)
            os.chmod(f"{folder}/{name}", 0o755)
        with open(self.conf, "w", encoding="ascii") as file:
            file.write(_CLIENT.format(folder=folder))
        with open(self._calls, "w", encoding="ascii"):
            pass

    def failed_calls(self, device):
        """The calls of ip by the script that failed, but for those that ask or flush where nothing is."""
        with open(self._calls, encoding="ascii") as file:
            lines = [line.split(maxsplit=4) for line in file.read().splitlines()]
        return [words for words in lines if words[1] != "0" and words[2] == device]


class Client:
    """dhclient on one uplink. `metric`: what ifupdown would tell its script; None: no metric, as ever."""

    def __init__(self, lab, isp, metric):
        self._isp = isp
        self._log = f"{lab.directory}/dhclient.{isp.device}.log"
        self._lab = lab
        self._settings = Settings(lab)
        metric = [] if metric is None else ["-e", f"IF_METRIC={metric}"]
        words = ["dhclient", "-4", "-d", "-v", *metric, "-cf", self._settings.conf,
                 "-pf", f"{lab.directory}/dhclient.{isp.device}.pid",
                 "-lf", f"{LEASES}/dhclient.{isp.device}.leases", isp.device]
        with open(self._log, "ab") as log:
            self._process = lab.gateway.popen(*in_private(READ_ONLY_ETC), *words, stdin=subprocess.DEVNULL,
                                              stdout=log, stderr=log)

    def log(self):
        with open(self._log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def bound(self):
        """The addresses it was bound to so far, one for each new lease and each renewal."""
        return re.findall(r"^bound to (\S+)", self.log(), re.MULTILINE)

    def wait_bound(self, address, timeout=20, since=0):
        """Until it is bound to `address` by more than its first `since` leases."""
        wait_until(lambda: address in self.bound()[since:], timeout, self._lab.watch,
                   what=f"dhclient on {self._isp.device} is bound to {address}")

    def failed_calls(self):
        return self._settings.failed_calls(self._isp.device)

    def close(self, number=signal.SIGKILL):
        if self._process:
            self._process.send_signal(number)
            self._process.wait()
            self._process = None


def watch_requests(isp):
    """Counts from now on what comes to the ISP from DHCP clients: its customer's own requests and those of others."""
    mac = isp.mac.replace(":", "")
    hardware_address = "@th,288,48"  # of the client, in the message
    isp.namespace.nft(f"""
        table ip requests {{
            counter own {{ }}
            counter others {{ }}
            chain prerouting {{
                type filter hook prerouting priority raw; policy accept;
                iifname "port" udp dport 67 {hardware_address} 0x{mac} counter name own
                iifname "port" udp dport 67 {hardware_address} != 0x{mac} counter name others
            }}
        }}""")


def requests(isp):
    """(own, others) since watch_requests()."""
    def packets(name):
        return int(isp.namespace.run("nft", "list", "counter", "ip", "requests", name).split("packets")[1].split()[0])
    return packets("own"), packets("others")


def forget_leases():
    for path in glob.glob(f"{LEASES}/*"):
        os.remove(path)
