# SPDX-License-Identifier: GPL-2.0-or-later
"""multilink itself in the lab's gateway: Redis and the daemons, what they say, and what they cost."""

import contextlib
import os
import signal
import subprocess
import time

from multilink_lab.ipv6 import SERVER6
from multilink_lab.lab import SERVER, Lab
from multilink_lab.redis import Hints, Redis
from multilink_lab.scenario import expect
from multilink_lab.waiting import wait_until

DAEMONS = ("pingd", "healthd", "routed")
_REDIS_CONF = """
port 0
unixsocket {socket}
unixsocketperm 777
dir {directory}
save ""
appendonly no
hz 1
loglevel warning
daemonize no
{more}
"""


class Suite:
    """Not started by the constructor. `sections` is the text after [multilink]; `defaults` goes into [multilink],
    `redis_conf` to the end of Redis' configuration, `environment` to what each process is given.

    Everything is killed when the lab closes; the logs are in the lab's directory until the script ends.
    """

    def __init__(self, lab, bin_dir, sections=None, defaults="", site="local", redis_conf="", environment=None):
        self.lab = lab
        self.site = site
        self.bin = bin_dir
        self._defaults = defaults
        self._redis_conf = redis_conf
        self._environment = {**os.environ, **(environment or {})}
        self._processes = {}
        self._redis = None
        self._hints = None
        self.socket = f"{lab.directory}/redis.sock"
        self.config = f"{lab.directory}/interfaces.conf"
        self.configure(sections)
        lab.keep(self)

    def configure(self, sections=None, defaults=None):
        """Writes the configuration; default: an empty section per uplink, in order, and the defaults of before."""
        if defaults is not None:
            self._defaults = defaults
        if sections is None:
            sections = "".join(f"[{isp.device}]\n" for isp in self.lab.isps)
        with open(self.config, "w", encoding="utf-8") as file:
            # A flow that has moved returns with the route, not minutes later: most tests watch the route by a flow.
            returns = "" if "failback_udp_after" in self._defaults else "failback_udp_after = 0s\n"
            file.write(f"[multilink]\nredis = unix:{self.socket}\nsite = {self.site}\n{returns}{self._defaults}\n{sections}")

    # --- processes

    def start(self, *names):
        """Starts all, or the named ones of redis, pingd, healthd, routed."""
        for name in names or ("redis", *DAEMONS):
            log = open(self.log_path(name), "ab")
            if name == "redis":
                conf = f"{self.lab.directory}/redis.conf"
                with open(conf, "w", encoding="utf-8") as file:
                    file.write(_REDIS_CONF.format(socket=self.socket, directory=self.lab.directory, more=self._redis_conf))
                command = ["redis-server", conf]
            else:
                command = [f"{self.bin}/{name}", "--config", self.config]
            # A session each, as of services: the kernel may share the processor among sessions.
            self._processes[name] = self.lab.gateway.popen(*command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                             env=self._environment, start_new_session=True)
            log.close()
            if name == "redis":
                self.redis()

    def send(self, name, number):
        self._processes[name].send_signal(number)

    def kill(self, name, number=signal.SIGKILL):
        process = self._processes.pop(name)
        process.send_signal(number)
        status = process.wait(timeout=10)
        if name == "redis":
            self._forget_redis()
        return status

    def reload(self):
        for name in DAEMONS:
            self.send(name, signal.SIGHUP)

    def close(self):
        for name in list(self._processes):
            self.kill(name)
        self._forget_redis()

    def pid(self, name):
        return self._processes[name].pid

    def died(self):
        """The daemons that have ended by themselves, with their status."""
        return {name: process.returncode for name, process in self._processes.items() if process.poll() is not None}

    def log_path(self, name):
        return f"{self.lab.directory}/{name}.log"

    def log(self, name):
        with open(self.log_path(name), encoding="utf-8", errors="replace") as file:
            return file.read()

    # --- multilinkctl

    def start_multilinkctl(self, *arguments, stderr=subprocess.STDOUT):
        """It has the daemons' environment."""
        return self.lab.gateway.popen(f"{self.bin}/multilinkctl", "--config", self.config, *arguments, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=stderr, text=True, env=self._environment)

    def multilinkctl(self, *arguments, check=0):
        """What it prints; `check`: the exit status it must have."""
        process = self.start_multilinkctl(*arguments)
        said = process.communicate(timeout=600)[0]
        expect(process.returncode == check, (arguments, process.returncode, said))
        return said

    # --- Redis

    def redis(self):
        """The connection, made anew when Redis was restarted."""
        if self._redis is None:
            self._redis = wait_until(self._connect, 5, what="Redis answers")
            self._hints = Hints(self.socket)
        return self._redis

    def _connect(self):
        try:
            redis = Redis(self.socket)
            redis("PING")
            return redis
        except (OSError, ConnectionError):
            return None

    def _forget_redis(self):
        for connection in (self._redis, self._hints):
            if connection:
                connection.close()
        self._redis = self._hints = None

    def key(self, *parts):
        return ":".join(("multilink", self.site, *parts))

    def status(self, uplink, family=None):
        """Of any family, or of one."""
        return self.redis()("GET", self.key("uplink", uplink, "status", *([str(family)] if family else [])))

    def health(self, uplink):
        return self.redis().fields(self.key("uplink", uplink, "health"))

    def routing(self):
        return self.redis().fields(self.key("routing"))

    def active(self, family=4):
        """The devices that carry the family's default, as routed read it back from the kernel."""
        return [word.split("/")[1] for word in self.routing().get(f"{family}.active", "").split()]

    def agrees(self, *devices, family=4):
        """Whether the devices carry the default by the word of routed and of the kernel itself."""
        server = SERVER if family == 4 else SERVER6
        return self.active(family) == list(devices) and self.lab.path_of(server) in devices

    def events(self):
        """The stream of transitions: a list of dicts."""
        return [dict(zip(flat[::2], flat[1::2])) for _, flat in self.redis()("XRANGE", self.key("events"), "-", "+")]

    # --- waiting

    def wait(self, predicate, timeout, what):
        sources = [self.lab.watch]
        if self._hints:
            sources.append(self._hints)
        return wait_until(predicate, timeout, *sources, what=what)

    def wait_status(self, timeout, family=None, **wanted):
        """wait_status(5, wan1="TRUE", wan2="FALSE"). Gives the time."""
        self.wait(lambda: all(self.status(name, family) == value for name, value in wanted.items()), timeout,
                  f"status {wanted} of {f'IPv{family}' if family else 'any family'}")
        return time.monotonic()

    def wait_active(self, timeout, device, family=4):
        """Until routed and the kernel agree that `device` alone carries the default. Gives the time."""
        self.wait(lambda: self.agrees(device, family=family), timeout, f"{device} carries IPv{family}'s default")
        return time.monotonic()

    # --- cost

    def cost(self):
        """CPU seconds used so far and PSS in KiB now, of each process."""
        tick = os.sysconf("SC_CLK_TCK")
        costs = {}
        for name, process in self._processes.items():
            with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
                after_name = file.read().rsplit(")", 1)[1].split()
            with open(f"/proc/{process.pid}/smaps_rollup", encoding="ascii") as file:
                pss = next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
            costs[name] = {"cpu_s": (int(after_name[11]) + int(after_name[12])) / tick, "pss_kib": pss}
        return costs


@contextlib.contextmanager
def running(options, uplinks=None, sections=None, defaults="", before=None, **lab_options):
    """Gives (lab, suite): the suite is up, all uplinks are TRUE and the first carries the traffic. `before` is called
    with the lab before the suite starts."""
    with Lab(options.tools, uplinks, **lab_options) as lab:
        if before:
            before(lab)
        suite = Suite(lab, options.bin, sections, defaults)
        suite.start()
        for family in (4, 6) if lab_options.get("ipv6") else (4,):
            suite.wait_status(10, family, **{isp.device: "TRUE" for isp in lab.isps})
            suite.wait_active(5, lab.isps[0].device, family)
        yield lab, suite
        expect(not suite.died(), f"ended by themselves: {suite.died()}")
