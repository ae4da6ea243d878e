# SPDX-License-Identifier: GPL-2.0-or-later
"""Who is measured: multilink at its defaults, a script that switches at the instant of the fault, and what
people use otherwise, each as its users would set it up: it watches the better uplink, and a script switches the
default route."""

import contextlib
import os
import shutil
import subprocess
import time

from multilink_lab import Lab, wait_until
from multilink_lab.lab import TARGETS
from multilink_lab.suite import DAEMONS, running

_PING = f"ping -n -c 1 -W 1 -I wan1 {TARGETS[0]} >/dev/null 2>&1"


def tree_cpu_ms(pid):
    """Of a process and all its descendants, those that have ended included."""
    children, used = {}, {}
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError, ValueError), open(f"/proc/{int(entry)}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
            children.setdefault(int(fields[1]), []).append(int(entry))
            used[int(entry)] = sum(int(field) for field in fields[11:15])
    family, ticks = [pid], 0
    while family:
        member = family.pop()
        ticks += used.get(member, 0)
        family += children.get(member, [])
    return 1000 * ticks / os.sysconf("SC_CLK_TCK")


class Contestant:
    """One of those measured, in a lab of its own, ready and with the better uplink in use."""

    name = ""
    program = None  # what must be installed, and in which package
    package = None
    seconds_to_return = 60

    def __init__(self, lab):
        self.lab = lab

    @classmethod
    @contextlib.contextmanager
    def ready(cls, options):
        with Lab(options.tools) as lab:
            contestant = cls(lab)
            contestant.start()
            yield contestant

    def start(self):
        pass

    def cut(self, fault):
        return self.lab.isps[0].cut(fault)

    def repair(self, fault):
        return self.lab.isps[0].repair(fault)

    def cpu_ms(self):
        """Used so far by all its processes, those that have ended included."""
        return 0


class Instant(Contestant):
    name = "instant script"

    def cut(self, fault):
        return self.lab.cut_and_switch(fault, *self.lab.isps)

    def repair(self, fault):
        begun = self.lab.isps[0].repair(fault)
        self.lab.switch(self.lab.isps[0])
        return begun


class Multilink(Contestant):
    name = "multilink"

    def __init__(self, lab, suite):
        super().__init__(lab)
        self._suite = suite

    @classmethod
    @contextlib.contextmanager
    def ready(cls, options):
        with running(options) as (lab, suite):
            yield cls(lab, suite)

    def cpu_ms(self):
        return sum(tree_cpu_ms(self._suite.pid(name)) for name in ("redis", *DAEMONS))


class Peer(Contestant):
    """A program that calls `switch 1` and `switch 2`, which move the default route as such scripts do."""

    def start(self):
        self.directory = self.lab.directory
        cases = "".join(f"{isp.number}) exec ip route replace default via {isp.router} dev {isp.device} metric 1 ;;\n"
                        for isp in self.lab.isps)
        self.switch = self.file("switch", f"#!/bin/sh\ncase $1 in\n{cases}esac\n", 0o755)
        with open(f"{self.directory}/peer.log", "ab") as log:
            self._process = self.lab.gateway.popen(*self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.lab.keep(self)
        self._wait_in_use()

    def command(self):
        raise NotImplementedError

    def file(self, name, text, mode=0o600):
        path = f"{self.directory}/{name}"
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def _wait_in_use(self):
        def in_use():
            if self._process.poll() is not None:
                with open(f"{self.directory}/peer.log", encoding="utf-8", errors="replace") as log:
                    raise RuntimeError(f"{self.name} ended with status {self._process.returncode}: {log.read()}")
            return self.lab.gateway.run("ip", "route", "show", "default", "metric", "1", "dev", "wan1")

        wait_until(in_use, 60, self.lab.watch, what=f"{self.name} is ready")

    def close(self):
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def cpu_ms(self):
        return tree_cpu_ms(self._process.pid)


class Keepalived(Peer):
    name = "keepalived, ping 1 s, fall 3"
    program, package = "keepalived", "keepalived"

    def command(self):
        check = self.file("check", f"#!/bin/sh\n{_PING}\n", 0o755)
        conf = self.file("keepalived.conf", f"""
            global_defs {{
                script_user root
                enable_script_security
            }}
            vrrp_script internet {{
                script "{check}"
                interval 1
                timeout 2
                fall 3
                rise 3
            }}
            vrrp_instance lan {{
                state MASTER
                interface lan0
                virtual_router_id 51
                priority 100
                advert_int 1
                virtual_ipaddress {{
                    192.168.77.254/24
                }}
                track_interface {{
                    wan1
                }}
                track_script {{
                    internet
                }}
                notify_master "{self.switch} 1"
                notify_fault "{self.switch} 2"
                notify_backup "{self.switch} 2"
            }}
            """)
        return ("keepalived", "--dont-fork", "--log-console", "--vrrp", f"--use-file={conf}",
                f"--pid={self.directory}/keepalived.pid", f"--vrrp_pid={self.directory}/vrrp.pid")


class Lsm(Peer):
    name = "lsm, defaults"
    program, package = "lsm", "lsm"
    seconds_to_return = 180

    def command(self):
        event = self.file("event", f"""#!/bin/sh
# state name ...
case $1-$2 in
down-wan1) exec {self.switch} 2 ;;
up-wan1) exec {self.switch} 1 ;;
esac
""", 0o755)
        connections = "".join(f"""
connection {{
  name={isp.device}
  checkip={TARGETS[0]}
  device={isp.device}
  eventscript={event}
  notifyscript=
}}
""" for isp in self.lab.isps)
        conf = self.file("lsm.conf", connections)
        return ("lsm", "--config", conf, "--pidfile", f"{self.directory}/lsm.pid", "--no-fork")


class Loop(Peer):
    name = "shell loop, ping 1 s, 3 losses"

    def command(self):
        script = self.file("loop", f"""#!/bin/sh
losses=0 on=0
use() {{
  [ "$on" = "$1" ] || {self.switch} "$1"
  on=$1
}}
while :; do
  if {_PING}; then
    losses=0
    use 1
  else
    losses=$((losses + 1))
    [ "$losses" -lt 3 ] || use 2
  fi
  sleep 1
done
""", 0o755)
        return (script,)


ALL = (Instant, Multilink, Keepalived, Lsm, Loop)


def missing(contestants):
    """What to install for those; it starts no service."""
    packages = [each.package for each in contestants if each.program and not shutil.which(each.program)]
    if not packages:
        return None
    return (f"these packages are missing: {' '.join(packages)}. Install them without starting their services:\n"
            "  printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d\n"
            f"  apt-get install -y --no-install-recommends {' '.join(packages)}; rm /usr/sbin/policy-rc.d\n"
            "or leave them out with --who")


def calm_cost(contestant, seconds):
    """CPU ms a minute."""
    before, begun = contestant.cpu_ms(), time.monotonic()
    time.sleep(seconds)  # what is measured is that nothing happens
    return (contestant.cpu_ms() - before) / (time.monotonic() - begun) * 60
