# SPDX-License-Identifier: GPL-2.0-or-later
"""The faults of a campaign. Each function does one, has it undone later, and gives the Step; None: not possible now."""

import contextlib
import itertools
import os
import signal
import struct
import time

from multilink_lab.campaign import AT_ONCE_MS, Step
from multilink_lab.campaign_files import Files
from multilink_lab.campaign_links import Links
from multilink_lab.campaign_orders import Orders
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
    """All that may happen in a campaign: of processes and the kernel here, of the rest by those that know it."""

    def __init__(self, configure, data, clock, rarer):
        """`rarer`: also what an administrator orders and a provider changes. `configure` writes the configuration that is wished for, with the same lines more for each uplink; `data` is Redis'
        folder, a small file system; `clock` may be None."""
        self._data, self._clock = data, clock
        self._links = Links(configure)
        self._files, self._orders, self._rarer = Files(configure), Orders(data), rarer
        self._deck = []
        self._promised = []  # what has to be dealt after so many others: (number, deal)

    def draw(self, campaign):
        """The next one of a shuffled deck that is possible now."""
        if not self._deck:
            self._deck = [deal for deal, number in self._kinds() for _ in range(number)]
            campaign.dice.shuffle(self._deck)
        self._promised = [(number - 1, deal) for number, deal in self._promised]
        for promise in [promise for promise in self._promised if promise[0] < 0]:
            if step := promise[1](campaign):
                self._promised.remove(promise)
                return step
        for place, deal in enumerate(self._deck):
            step = deal(campaign)
            if step:
                del self._deck[place]
                return step
        return None

    def as_begun(self, campaign):
        """Addresses, gateways and the file are those of the beginning."""
        campaign.wishes.as_begun()
        self._links.as_begun(campaign)

    def _kinds(self):
        yield from self._links.kinds()
        yield from self._files.kinds()
        for name in PROCESSES:
            yield lambda campaign, name=name: self._kill(campaign, name), 1
            yield lambda campaign, name=name: self._freeze(campaign, name), 1
        yield self._amnesia, 3
        for deal in (self._out_of_memory, self._disk_full, self._storm, self._foreign_route, self._flush, self._delete_ours):
            yield deal, 1
        if self._clock:
            yield self._step_clock, 2
        if self._rarer:
            yield from itertools.chain(self._links.rarer_kinds(), self._files.rarer_kinds(), self._orders.rarer_kinds())
            yield self._fault_after_a_snapshot, 2

    # --- processes

    def _may_go(self, campaign):
        """Not two at a time: nothing is promised then that could be measured."""
        if campaign.impaired:
            return False
        self._links.remember_sound(campaign)
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
        campaign.forget_orders()
        campaign.later(0.1, "Redis, which is empty, and healthd are started", lambda: self._restart(campaign, "redis", "healthd"))
        return Step(at, "amnesia", "Redis, its data and healthd", carrying=campaign.lab.path_of())

    def _fault_after_a_snapshot(self, campaign):
        """Redis writes a snapshot, and no more; then a link fails. Some faults later Redis is killed, and comes back with that."""
        if not self._may_go(campaign) or os.path.exists(f"{self._data}/ballast"):
            return None
        redis = campaign.suite.redis()
        redis("CONFIG", "SET", "save", "")
        with contextlib.suppress(RedisError):  # it writes one just now
            redis("SAVE")
        step = self._links.fault(campaign, campaign.dice.choice(["carrier", "blackhole", "dead_next_hop", "unreachable"]))
        if step:
            step.text += ", just after a snapshot"
            self._promised.append((campaign.dice.randint(0, 2), self._return_of_a_snapshot))
        return step

    def _return_of_a_snapshot(self, campaign):
        step = self._kill(campaign, "redis")
        if step:
            step.text += ", and comes with an old snapshot"
        return step

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
