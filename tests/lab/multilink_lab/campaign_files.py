# SPDX-License-Identifier: GPL-2.0-or-later
"""Other configurations of a campaign, each by a reload. Each function writes one and gives the Step; None: not possible now."""

import time

from multilink_lab.campaign import AT_ONCE_MS, IN_FLIGHT_MS, Step
from multilink_lab.campaign_wishes import MARK_MASK

RETURNS = {"failback": ("graceful", "flush", "manual"), "failback_udp_after": ("0s", "3s", "2min")}
OTHER_MARK_MASK = 0x00FC0000


class Files:
    def __init__(self, configure):
        self._configure = configure

    def kinds(self):
        yield from ((self._same_file, 1), (self._another_order, 1), (self._bad_file, 1))

    def rarer_kinds(self):
        yield from ((self._another_return, 2), (self._shared, 2), (self._policy, 1), (self._mark_mask, 1), (self._left_out, 1))

    def _reload(self, campaign, kind, text, allowed=0, change=lambda: None):
        if campaign.impaired:
            return None
        at, carrying = time.monotonic(), campaign.lab.path_of()
        change()
        self._configure()
        campaign.reload()
        return Step(at, kind, text, allowed_ms=allowed, carrying=carrying)

    def _same_file(self, campaign):
        return self._reload(campaign, "same file", " ".join(campaign.wishes.order))

    def _another_order(self, campaign):
        wishes = campaign.wishes
        order = campaign.dice.sample(wishes.order, len(wishes.order))

        def change():
            wishes.order, wishes.weights = order, {}
        return self._reload(campaign, "another order", " ".join(order), AT_ONCE_MS, change)

    def _bad_file(self, campaign):
        if campaign.impaired:
            return None
        at, carrying = time.monotonic(), campaign.lab.path_of()
        order = campaign.wishes.order
        campaign.wishes.order = order[::-1]
        self._configure("weight = 257\n")
        campaign.wishes.order = order
        campaign.suite.reload()
        campaign.pause(0.7)
        self._configure()  # who is started anew finds a good one
        return Step(at, "bad file", "is refused", carrying=carrying)

    def _another_return(self, campaign):
        """How traffic returns. Nothing moves but what has waited for the administrator, or for its time, till now."""
        key = campaign.dice.choice(list(RETURNS))
        value = campaign.dice.choice([value for value in RETURNS[key] if value != campaign.wishes.defaults.get(key)])
        return self._reload(campaign, "another return", f"{key} = {value}", change=lambda: campaign.wishes.defaults.update({key: value}))

    def _shared(self, campaign):
        """Two uplinks get one precedence and weights, or the file is as before that. What runs stays where it is."""
        wishes = campaign.wishes
        place = campaign.dice.randrange(len(wishes.order) - 1)
        weights = {} if wishes.weights else {device: campaign.dice.randint(1, 5) for device in wishes.order[place:place + 2]}

        def change():
            wishes.weights = weights
        return self._reload(campaign, "shared precedence", ", ".join(f"{device}: {weight}" for device, weight in weights.items()) or "none",
                            change=change)

    def _policy(self, campaign):
        """One more policy, or not any more: of traffic that nobody has."""
        wishes = campaign.wishes
        policy = () if wishes.policy or wishes.left_out() else tuple(campaign.dice.sample(wishes.order, 2))

        def change():
            wishes.policy = policy
        return self._reload(campaign, "policy", f"use = {', '.join(policy)}" if policy else "none more", change=change)

    def _mark_mask(self, campaign):
        mask = OTHER_MARK_MASK if campaign.wishes.defaults.get("mark_mask", f"{MARK_MASK:#x}") == f"{MARK_MASK:#x}" else MARK_MASK
        return self._reload(campaign, "mark_mask", f"{mask:#010x}", change=lambda: campaign.wishes.defaults.update(mark_mask=f"{mask:#x}"))

    def _left_out(self, campaign):
        """An uplink leaves the file for a while; another one is sound."""
        wishes, sound = campaign.wishes, campaign.sound_uplinks()
        choices = [device for device in wishes.order if device not in campaign.faults and device not in wishes.orders
                   and device not in wishes.weights and set(sound) - {device} and set(sound) - {device} - set(wishes.orders)]
        if campaign.impaired or not choices or wishes.left_out() or wishes.policy:
            return None
        device, seconds = campaign.dice.choice(choices), campaign.dice.uniform(2, 6)
        place = wishes.order.index(device)
        campaign.begin_fault(device, "left out")

        def take_in():
            wishes.order = wishes.order[:place] + [device] + wishes.order[place:]
            if place and {wishes.order[place - 1], *wishes.order[place + 1:place + 2]} <= set(wishes.weights):
                wishes.weights = {}  # it stands between them
            self._configure()
            campaign.reload()
            campaign.end_fault(device)
        campaign.later(seconds, f"{device} is in the file again", take_in, needs_all=True)

        def change():
            wishes.order = [other for other in wishes.order if other != device]
        step = self._reload(campaign, "left out", f"{device}, for {seconds:.1f} s", IN_FLIGHT_MS, change)
        step.device = device
        return step
