# SPDX-License-Identifier: GPL-2.0-or-later
"""The faults of a campaign. Each function does one, has it undone later, and gives the Step; None: not possible now."""

import contextlib
import os
import signal
import struct
import time

from multilink_lab.campaign import AT_ONCE_MS, LOSSY_MS, SILENCE_MS, Step
from multilink_lab.redis import RedisError
from multilink_lab.suite import DAEMONS

PROCESSES = ("redis", *DAEMONS)
STORM_ROUTES = 20_000
# Redis counts the lives of keys by the wall clock: a step ahead ends those of the daemons' own records, which are written
# anew each 5 s.
LIVENESS_S = 5
MAX_MEMORY = "128mb"


class Clock:
    """The wall clock of the processes that have `environment`."""

    def __init__(self, lab):
        self._path = f"{lab.directory}/clock"
        self.environment = {"LD_PRELOAD": f"{os.path.abspath(lab.tools)}/clock_step.so", "LAB_CLOCK": self._path}
        self.set(0)

    def set(self, seconds):
        # In place, and at one go: it is mapped.
        fd = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o644)
        os.pwrite(fd, struct.pack("q", int(seconds * 1e9)), 0)
        os.close(fd)


class Faults:
    def __init__(self, configure, data, clock):
        """`configure` writes the good configuration, for an order of devices; `data` is Redis' folder, a small file system;
        `clock` may be None."""
        self._configure, self._data, self._clock = configure, data, clock
        self._deck = []

    def draw(self, campaign):
        """The next one of a shuffled deck that is possible now."""
        if not self._deck:
            self._deck = [deal for deal, number in self._kinds() for _ in range(number)]
            campaign.dice.shuffle(self._deck)
        for place, deal in enumerate(self._deck):
            step = deal(campaign)
            if step:
                del self._deck[place]
                return step
        return None

    def _kinds(self):
        links = (("carrier", 3), ("blackhole", 3), ("dead_next_hop", 2), ("unreachable", 2), ("loss", 2), ("silence", 2),
                 ("device removed", 1), ("set down", 1))
        for kind, number in links:
            yield lambda campaign, kind=kind: self._link(campaign, kind), number
        for name in PROCESSES:
            yield lambda campaign, name=name: self._kill(campaign, name), 1
            yield lambda campaign, name=name: self._freeze(campaign, name), 1
        yield self._amnesia, 3
        for deal in (self._out_of_memory, self._disk_full, self._storm, self._same_file, self._another_order, self._bad_file,
                     self._foreign_route, self._flush, self._delete_ours):
            yield deal, 1
        if self._clock:
            yield self._step_clock, 2

    # --- links

    def _link(self, campaign, kind):
        sound = campaign.sound_uplinks()
        carrying = campaign.lab.path_of()
        if campaign.impaired or not sound:
            # What was sound before somebody went is not known now: a fault on what carries, if another was sound then.
            sound = [device for device in self._sound_before(campaign) if device not in campaign.faults]
        candidates = [device for device in sound if len(sound) > 1 or device != carrying]
        candidates += [isp.device for isp in campaign.lab.isps
                       if isp.device not in campaign.faults and isp.device not in sound and sound]
        if not candidates:
            return None
        # A fault of what carries no traffic is only half the fun.
        device = carrying if carrying in candidates and campaign.dice.random() < 0.7 else campaign.dice.choice(candidates)
        if device == carrying and not [other for other in sound if other != device]:
            return None
        isp, seconds, percent = campaign.isp(device), campaign.dice.uniform(2, 9), campaign.dice.uniform(3, 40)
        if kind == "silence":
            seconds = campaign.dice.uniform(0.3, 1.5)
        at = time.monotonic()
        campaign.begin_fault(device, kind)
        undo = self._cut(campaign, isp, kind, percent)

        def repair():
            undo()
            campaign.end_fault(device)
        campaign.later(seconds, f"{device} is repaired ({kind})", repair)
        self._sound = [other for other in sound if other != device]
        allowed = {"carrier": AT_ONCE_MS, "device removed": AT_ONCE_MS, "set down": AT_ONCE_MS, "loss": LOSSY_MS}.get(kind, SILENCE_MS)
        text = f"{device}, for {seconds:.1f} s" + (f", {percent:.0f} %" if kind == "loss" else "")
        return Step(at, kind, text, device, allowed, needs="routed" if allowed == AT_ONCE_MS else "all", carrying=carrying)

    _sound = ()

    def _sound_before(self, campaign):
        return [device for device in self._sound if device in {isp.device for isp in campaign.lab.isps}]

    def _cut(self, campaign, isp, kind, percent):
        gateway = campaign.lab.gateway

        def own_default():
            if isp.wish.metric is not None:
                campaign.lab.add_default(isp, isp.wish.metric)
        if kind == "device removed":
            isp.unplug()
            return lambda: (isp.plug(), own_default())
        if kind == "set down":
            gateway.ip(f"link set {isp.device} down")
            return lambda: (gateway.ip(f"link set {isp.device} up"), own_default())
        fault = "blackhole" if kind == "silence" else kind
        isp.cut(fault, percent)
        return lambda: isp.repair(fault)

    # --- processes

    def _remember_sound(self, campaign):
        self._sound = campaign.sound_uplinks()

    def _may_go(self, campaign):
        """Not two at a time: nothing is promised then that could be measured."""
        if campaign.impaired:
            return False
        self._remember_sound(campaign)
        return True

    def _restart(self, campaign, *names):
        for name in names:
            campaign.suite.start(name)
            campaign.started[name] = time.monotonic()
        campaign.is_well_again(*names)

    def _kill(self, campaign, name):
        if not self._may_go(campaign):
            return None
        # The units' RestartSec is 100 ms.
        seconds = 0.1 if campaign.dice.random() < 0.6 else campaign.dice.uniform(1, 4)
        at = time.monotonic()
        campaign.impair(name)
        campaign.suite.kill(name)
        campaign.later(seconds, f"{name} is started", lambda: self._restart(campaign, name))
        return Step(at, f"kill {name}", f"away for {seconds:.1f} s", overlaps=seconds > 1 and campaign.dice.random() < 0.6,
                    carrying=campaign.lab.path_of())

    def _amnesia(self, campaign):
        """Redis and healthd at once, and what Redis has written: nobody remembers anything."""
        if not self._may_go(campaign):
            return None
        at = time.monotonic()
        campaign.impair("redis", "healthd")
        for name in ("redis", "healthd"):
            campaign.suite.kill(name)
        for file in os.listdir(self._data):
            os.remove(f"{self._data}/{file}")
        campaign.later(0.1, "Redis, which is empty, and healthd are started", lambda: self._restart(campaign, "redis", "healthd"))
        return Step(at, "amnesia", "Redis, its data and healthd", carrying=campaign.lab.path_of())

    def _freeze(self, campaign, name):
        if not self._may_go(campaign):
            return None
        # The units' watchdog would end it after 10 s.
        seconds = campaign.dice.uniform(0.3, 7)
        at = time.monotonic()
        campaign.impair(name)
        campaign.suite.send(name, signal.SIGSTOP)

        def go_on():
            campaign.suite.send(name, signal.SIGCONT)
            campaign.is_well_again(name)
        campaign.later(seconds, f"{name} goes on", go_on)
        return Step(at, f"freeze {name}", f"for {seconds:.1f} s", overlaps=seconds > 2 and campaign.dice.random() < 0.6,
                    carrying=campaign.lab.path_of())

    def _out_of_memory(self, campaign):
        if not self._may_go(campaign):
            return None
        seconds = campaign.dice.uniform(1, 5)
        at = time.monotonic()
        campaign.impair("redis")
        campaign.suite.redis()("CONFIG", "SET", "maxmemory", "1mb")

        def more():
            campaign.suite.redis()("CONFIG", "SET", "maxmemory", MAX_MEMORY)
            campaign.is_well_again("redis")
        campaign.later(seconds, "Redis may have its memory again", more)
        return Step(at, "Redis out of memory", f"for {seconds:.1f} s", overlaps=seconds > 2 and campaign.dice.random() < 0.5,
                    carrying=campaign.lab.path_of())

    def _disk_full(self, campaign):
        """Redis cannot write its snapshot, and is told to."""
        if not self._may_go(campaign):
            return None
        at = time.monotonic()
        with open(f"{self._data}/ballast", "wb") as file:
            try:
                while True:
                    file.write(b"\0" * 65536)
                    file.flush()
            except OSError:
                pass
        with contextlib.suppress(RedisError):  # it is at it
            campaign.suite.redis()("BGSAVE", "SCHEDULE")
        seconds = campaign.dice.uniform(1, 4)
        campaign.later(seconds, "there is room on the disk again",
                       lambda: os.path.exists(f"{self._data}/ballast") and os.remove(f"{self._data}/ballast"))
        return Step(at, "disk full", f"for {seconds:.1f} s", carrying=campaign.lab.path_of())

    def _step_clock(self, campaign):
        if campaign.impaired:
            return None
        seconds = campaign.dice.choice([-86400, -3600, -61, -5, 5, 61, 3600, 86400]) + campaign.dice.uniform(-3, 3)
        at = time.monotonic()
        self._clock.set(seconds)
        return Step(at, "clock step", f"{seconds:+.1f} s off from now on", settles_s=LIVENESS_S, carrying=campaign.lab.path_of())

    # --- configuration

    def _same_file(self, campaign):
        return self._reload(campaign, "same file", campaign.order, 0)

    def _another_order(self, campaign):
        order = campaign.dice.sample(campaign.order, len(campaign.order))
        return self._reload(campaign, "another order", order, AT_ONCE_MS)

    def _reload(self, campaign, kind, order, allowed):
        if campaign.impaired:
            return None
        at, carrying = time.monotonic(), campaign.lab.path_of()
        campaign.order = order
        self._configure(order)
        campaign.suite.reload()
        return Step(at, kind, " ".join(order), allowed_ms=allowed, carrying=carrying)

    def _bad_file(self, campaign):
        if campaign.impaired:
            return None
        at, carrying = time.monotonic(), campaign.lab.path_of()
        self._configure(list(reversed(campaign.order)), "weight = 257\n")
        campaign.suite.reload()
        campaign.pause(0.7)
        self._configure(campaign.order)  # who is started anew finds a good one
        return Step(at, "bad file", "is refused", carrying=carrying)

    # --- the kernel

    def _storm(self, campaign):
        """More news than the daemons' sockets can hold: they are held up while it goes on, as on a machine that is busy."""
        if campaign.impaired:
            return None
        at, carrying = time.monotonic(), campaign.lab.path_of()
        held = ("routed", "pingd")
        campaign.impair(*held)
        for name in held:
            campaign.suite.send(name, signal.SIGSTOP)
        gateway = campaign.lab.gateway
        gateway.ip(*(f"route add 10.{i >> 8}.{i & 255}.1/32 dev lan0 table 500" for i in range(STORM_ROUTES)),
                   "route flush table 500")
        for name in held:
            campaign.suite.send(name, signal.SIGCONT)
        campaign.is_well_again(*held)
        return Step(at, "netlink overrun", f"{2 * STORM_ROUTES} changes of routes", carrying=carrying)

    def _foreign_route(self, campaign):
        """A DHCP client takes its default away, and puts it back."""
        choices = [isp for isp in campaign.lab.isps if isp.wish.metric is not None and isp.device not in campaign.faults]
        if campaign.impaired or not choices:
            return None
        isp = campaign.dice.choice(choices)
        at, carrying = time.monotonic(), campaign.lab.path_of()
        campaign.lab.gateway.ip(f"route del default via {isp.router} dev {isp.device} metric {isp.wish.metric}")
        campaign.pause(campaign.dice.uniform(0, 1))
        campaign.lab.add_default(isp, isp.wish.metric)
        return Step(at, "foreign default", f"that by {isp.device} went and came back", carrying=carrying)

    def _flush(self, campaign):
        if campaign.impaired:
            return None
        at, carrying = time.monotonic(), campaign.lab.path_of()
        campaign.lab.gateway.run("nft", "flush", "ruleset")
        return Step(at, "nft flush ruleset", "", allowed_ms=AT_ONCE_MS, carrying=carrying)

    def _delete_ours(self, campaign):
        if campaign.impaired:
            return None
        at, carrying = time.monotonic(), campaign.lab.path_of()
        campaign.lab.gateway.run("sh", "-c", "ip rule flush protocol 109; ip route flush table all protocol 109")
        return Step(at, "all of ours deleted", "rules and routes", allowed_ms=AT_ONCE_MS, carrying=carrying)
