# SPDX-License-Identifier: GPL-2.0-or-later
"""What a campaign does to links, and what providers do to their customers' addresses. Each function does one thing, has it undone
later, and gives the Step; None: not possible now."""

import contextlib
import subprocess
import threading
import time

from multilink_lab.campaign import AT_ONCE_MS, LOSSY_MS, SILENCE_MS, Step

OTHER_HOST, OTHER_ROUTER = 77, 254  # in the uplink's subnet
ALLOWED_MS = {"carrier": AT_ONCE_MS, "device removed": AT_ONCE_MS, "set down": AT_ONCE_MS, "address gone": AT_ONCE_MS,
              "loss": LOSSY_MS}  # of all others SILENCE_MS
FLAPS, FLAP_S = 5, 0.2
AGREED_S = 2  # promised


class Links:
    def __init__(self, configure):
        self._configure = configure
        self._sound = ()

    def kinds(self):
        for kind, number in (("carrier", 3), ("blackhole", 3), ("dead_next_hop", 2), ("unreachable", 2), ("loss", 2), ("silence", 2),
                             ("device removed", 1), ("set down", 1)):
            yield lambda campaign, kind=kind: self.fault(campaign, kind), number

    def rarer_kinds(self):
        yield lambda campaign: self.fault(campaign, "address gone"), 1
        yield from ((self._two_at_once, 2), (self._flapping, 2), (self._new_address, 2), (self._new_gateway, 2))

    def remember_sound(self, campaign):
        self._sound = campaign.sound_uplinks()

    # --- faults

    def fault(self, campaign, kind):
        chosen = self._choose(campaign)
        if not chosen:
            return None
        device, carrying = chosen
        isp, seconds, percent = campaign.isp(device), campaign.dice.uniform(2, 9), campaign.dice.uniform(3, 40)
        if kind == "silence":
            seconds = campaign.dice.uniform(0.3, 1.5)
        at = time.monotonic()
        campaign.begin_fault(device, kind)
        self._repair_later(campaign, device, kind, seconds, self._cut(campaign, isp, kind, percent))
        allowed = ALLOWED_MS.get(kind, SILENCE_MS)
        text = f"{device}, for {seconds:.1f} s" + (f", {percent:.0f} %" if kind == "loss" else "")
        return Step(at, kind, text, device, allowed, needs="routed" if allowed == AT_ONCE_MS else "all", carrying=carrying)

    def _choose(self, campaign):
        """Gives (device to break, device that carries); another one is sound. None: there is no such device."""
        sound = campaign.sound_uplinks()
        carrying = campaign.lab.path_of()
        if campaign.impaired or not sound:
            # What was sound before somebody went is not known now: a fault on what carries, if another was sound then.
            sound = [device for device in self._sound if device not in campaign.faults]
        candidates = [device for device in sound if len(sound) > 1]
        candidates += [device for device in campaign.wishes.order
                       if device not in campaign.faults and device not in sound and sound]
        if not candidates:
            return None
        # A fault of what carries no traffic is only half the fun.
        device = carrying if carrying in candidates and campaign.dice.random() < 0.7 else campaign.dice.choice(candidates)
        self._sound = [other for other in sound if other != device]
        return device, carrying

    def _repair_later(self, campaign, device, kind, seconds, undo):
        def repair():
            undo()
            campaign.end_fault(device)
        campaign.later(seconds, f"{device} is repaired ({kind})", repair)

    def _cut(self, campaign, isp, kind, percent=0):
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
        if kind == "address gone":
            isp.drop_address()
            host = campaign.dice.choice([isp.host, OTHER_HOST if isp.host == isp.wish.host else isp.wish.host])
            return lambda: (isp.take_address(host), own_default())
        fault = "blackhole" if kind == "silence" else kind
        isp.cut(fault, percent)
        return lambda: isp.repair(fault)

    def _two_at_once(self, campaign):
        """A digger meets both cables: the one that carries, if it can be, and another one; a third is sound."""
        sound, carrying = campaign.sound_uplinks(), campaign.lab.path_of()
        if campaign.impaired or len(sound) < 3:
            return None
        first = carrying if carrying in sound else campaign.dice.choice(sound)
        second = campaign.dice.choice([device for device in sound if device != first])
        kinds = [campaign.dice.choice(["carrier", "blackhole", "dead_next_hop"]) for _ in range(2)]
        seconds = [campaign.dice.uniform(2, 9) for _ in range(2)]
        self._sound = [device for device in sound if device not in (first, second)]
        undo = {}

        def cut(device, kind):
            undo[device] = self._cut(campaign, campaign.isp(device), kind)
        for device, kind in zip((first, second), kinds):
            campaign.begin_fault(device, kind)
        at = time.monotonic()
        threads = [threading.Thread(target=cut, args=pair) for pair in zip((first, second), kinds)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for device, kind, length in zip((first, second), kinds, seconds):
            self._repair_later(campaign, device, kind, length, undo[device])
        text = ", ".join(f"{device} ({kind}, for {length:.1f} s)" for device, kind, length in zip((first, second), kinds, seconds))
        allowed = max(ALLOWED_MS.get(kind, SILENCE_MS) for kind in kinds)
        return Step(at, "two at once", text, first, allowed, needs="routed" if allowed == AT_ONCE_MS else "all", also=(second,),
                    carrying=carrying)

    def _flapping(self, campaign):
        """Off and on five times in two seconds."""
        chosen = None if campaign.impaired else self._choose(campaign)
        if not chosen:
            return None
        device, carrying = chosen
        kind = campaign.dice.choice(["carrier", "carrier", "blackhole"])
        at = time.monotonic()
        campaign.begin_fault(device, "flapping")
        for _ in range(FLAPS):
            undo = self._cut(campaign, campaign.isp(device), kind)
            time.sleep(FLAP_S)
            undo()
            time.sleep(FLAP_S)
        campaign.end_fault(device)
        allowed = ALLOWED_MS.get(kind, SILENCE_MS)
        return Step(at, "flapping", f"{device} ({kind}), {FLAPS} times in {2 * FLAPS * FLAP_S:.0f} s", device, allowed,
                    needs="routed" if allowed == AT_ONCE_MS else "all", carrying=carrying)

    # --- addresses

    def _untouched(self, campaign):
        """Of which the device, and what it hears, are as they should be."""
        return [device for device in campaign.wishes.order if device not in campaign.faults]

    def _new_address(self, campaign):
        """The ISP numbers its customer anew: the new address comes, the old one goes, and what it was masqueraded behind with it."""
        choices = self._untouched(campaign)
        if campaign.impaired or not choices:
            return None
        carrying = campaign.lab.path_of()
        device = carrying if carrying in choices and campaign.dice.random() < 0.7 else campaign.dice.choice(choices)
        at = time.monotonic()
        self._renumber(campaign, campaign.isp(device))
        return Step(at, "new address", f"{device} has {campaign.isp(device).address}", device, AT_ONCE_MS, needs="routed",
                    carrying=carrying)

    def _renumber(self, campaign, isp):
        former = isp.address
        campaign.begin_fault(isp.device, "new address")
        isp.take_address(OTHER_HOST if isp.host == isp.wish.host else isp.wish.host)
        isp.drop_address(former)
        if isp.wish.metric is not None:  # the kernel has taken the default with the old source away
            with contextlib.suppress(subprocess.CalledProcessError):
                campaign.lab.add_default(isp, isp.wish.metric)
        campaign.end_fault(isp.device)

    def _new_gateway(self, campaign):
        """The ISP's router gets another address. It has both for a while, as announced; nothing is lost."""
        choices = self._untouched(campaign)
        if campaign.impaired or not choices:
            return None
        carrying = campaign.lab.path_of()
        device = carrying if carrying in choices and campaign.dice.random() < 0.7 else campaign.dice.choice(choices)
        isp = campaign.isp(device)
        former = isp.router
        at = time.monotonic()
        self._lead_by_another_router(campaign, isp)
        campaign.later(campaign.dice.uniform(AGREED_S, 4), f"{device}'s router gives {former} up", lambda: isp.drop_router(former))
        return Step(at, "new gateway", f"{device} has {isp.router}", carrying=carrying)

    def _lead_by_another_router(self, campaign, isp):
        isp.take_router(OTHER_ROUTER if isp.router == str(isp.subnet[1]) else 1)
        if isp.wish.metric is None:
            self._configure()
            campaign.reload()
        else:
            campaign.lab.gateway.ip(f"route replace default via {isp.router} dev {isp.device} proto dhcp src {isp.address} "
                                    f"metric {isp.wish.metric}")

    def as_begun(self, campaign):
        """Addresses and gateways are those of the beginning."""
        for isp in campaign.lab.isps:
            if isp.host != isp.wish.host:
                self._renumber(campaign, isp)
            if isp.router != str(isp.subnet[1]):
                former = isp.router
                self._lead_by_another_router(campaign, isp)
                campaign.pause(AGREED_S)
                isp.drop_router(former)

