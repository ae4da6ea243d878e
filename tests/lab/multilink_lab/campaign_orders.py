# SPDX-License-Identifier: GPL-2.0-or-later
"""What an administrator of a campaign does by multilinkctl and by the service manager. Each function does one thing, has it undone
later, and gives the Step; None: not possible now."""

import os
import signal
import time

from multilink_lab.campaign import IN_FLIGHT_MS, SILENCE_MS, Step
from multilink_lab.redis import RedisError
from multilink_lab.scenario import expect
from multilink_lab.suite import DAEMONS
from multilink_lab.waiting import wait_until


class Orders:
    def __init__(self, data):
        """`data` is Redis' folder."""
        self._data = data

    def rarer_kinds(self):
        yield from ((self._disable, 2), (self._drain, 2), (self._drill, 2))
        for name in ("redis", *DAEMONS):
            yield lambda campaign, name=name: self._restart(campaign, name), 1
        yield lambda campaign: self._restart(campaign, *DAEMONS), 1

    # --- multilinkctl

    def _disable(self, campaign):
        return self._order(campaign, "disable", IN_FLIGHT_MS)

    def _drain(self, campaign):
        """What runs there stays, and loses nothing."""
        return self._order(campaign, "drain", 0)

    def _order(self, campaign, word, allowed):
        device = self._choose(campaign)
        if not device:
            return None
        wishes = campaign.wishes
        seconds, has_end = campaign.dice.uniform(2, 9), campaign.dice.random() < 0.5
        at, carrying = time.monotonic(), campaign.lab.path_of()
        state = {"disable": "disabled", "drain": "drained"}[word]
        wishes.orders[device] = state
        if word == "disable":
            campaign.begin_fault(device, state)
        campaign.suite.multilinkctl(word, device, *(["--for", f"{seconds:.0f}s"] if has_end else []))
        ends = at + round(seconds)
        self._await_snapshot(campaign)

        def forget():
            """It is over, or Redis has forgotten it meanwhile."""
            if wishes.orders.pop(device, None) == "disabled":
                campaign.end_fault(device)

        def enable():
            if device not in wishes.orders or (has_end and time.monotonic() >= ends - 1):
                forget()
            else:
                campaign.suite.multilinkctl("enable", device)
                forget()
                self._await_snapshot(campaign)
        campaign.later(max(0, ends - time.monotonic()) if has_end else seconds, f"{state} is {device} no more", enable,
                       needs_all=True)
        return Step(at, word, f"{device}, " + (f"--for {seconds:.0f}s" if has_end else f"until enable in {seconds:.1f} s"), device, allowed,
                    carrying=carrying)

    def _choose(self, campaign):
        """An uplink that another one can stand in for, and of which nobody wants anything else."""
        wishes, sound = campaign.wishes, campaign.sound_uplinks()
        free = [device for device in sound if device not in wishes.orders]
        if campaign.impaired or len(free) < 2 or len(wishes.orders) > 1 or self._is_full():
            return None
        carrying = campaign.lab.path_of()
        return carrying if carrying in free and campaign.dice.random() < 0.7 else campaign.dice.choice(free)

    def _is_full(self):
        """Redis can write no snapshot."""
        return os.path.exists(f"{self._data}/ballast")

    def _await_snapshot(self, campaign):
        """An order lasts over a Redis that is killed once its snapshot is written."""
        def is_written():
            try:
                return "rdb_bgsave_in_progress:0" in campaign.suite.redis()("INFO", "persistence")
            except RedisError:
                return False
        wait_until(is_written, 5, every=0.02, what="Redis has written its snapshot")

    def _drill(self, campaign):
        """A black hole by the kernel's own clock, ended early by Ctrl-C, or with multilinkctl killed meanwhile."""
        device = self._choose(campaign)
        # One at a time: that of a multilinkctl that was killed goes on, and the next one would be refused.
        if not device or any(kind == "drill" for kind, _ in campaign.faults.values()):
            return None
        seconds = campaign.dice.randint(3, 9)
        interrupt = campaign.dice.choice([None, None, signal.SIGKILL, signal.SIGINT])
        suite, carrying = campaign.suite, campaign.lab.path_of()
        at = time.monotonic()
        campaign.begin_fault(device, "drill")
        process = suite.start_multilinkctl("drill", device, "--for", f"{seconds}s")

        def is_on():
            status = process.poll()
            expect(status is None, f"the drill of {device} ended with status {status}")
            return f'"{device}"' in campaign.lab.gateway.run("nft", "list", "set", "inet", "multilink", "drilled", check=False)
        wait_until(is_on, 5, every=0.02, what=f"the drill of {device} is on")

        def end():
            if process.poll() is None and time.monotonic() < at + seconds:
                process.send_signal(signal.SIGINT)
                wait_until(lambda: process.poll() is not None, 10, every=0.02, what="the drill ends with Ctrl-C")
            campaign.end_fault(device)
        length = seconds if interrupt != signal.SIGINT else campaign.dice.uniform(1, seconds)
        campaign.later(max(0, at + length + 0.2 - time.monotonic()), f"the drill of {device} is over", end)
        if interrupt == signal.SIGKILL:
            process.send_signal(signal.SIGKILL)
        text = f"{device}, --for {seconds}s" + (f", {interrupt.name}" if interrupt else "")
        return Step(at, "drill", text, device, SILENCE_MS, carrying=carrying)

    # --- the service manager

    def _restart(self, campaign, *names):
        """One after the other, as an upgrade does; each ends in order when told to."""
        if campaign.impaired or (names == ("redis",) and self._is_full()):  # which does not end without a snapshot
            return None
        at, carrying = time.monotonic(), campaign.lab.path_of()

        def restart(name):
            status = campaign.suite.kill(name, signal.SIGTERM)
            expect(status == 0, f"{name} ended with status {status}")
            campaign.suite.start(name)
        for name in names:
            campaign.is_away_for(lambda name=name: restart(name), name)
        return Step(at, f"restart {names[0]}" if len(names) == 1 else "upgrade", "in order", carrying=carrying)
