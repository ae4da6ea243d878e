# SPDX-License-Identifier: GPL-2.0-or-later
"""What the administrator of a campaign wants: the file, and the orders given by multilinkctl."""

LAN_OF_STREAMS = "192.168.77.1"  # and the uplink's number
MARK_MASK = 0x3F000000  # the default
EXTRA_PORT = 7999  # of the policy that comes and goes: nobody's traffic


class Wishes:
    """Changed by the faults, written by `configure`. `defaults`: keys of [multilink]."""

    def __init__(self, lab, order):
        self._lab = lab
        self._all = list(order)
        self.orders = {}  # by device: "disabled" or "drained"
        self.as_begun()

    def as_begun(self):
        """The file of the beginning."""
        self.order = list(self._all)
        self.weights = {}  # of the two uplinks that share a precedence, by device; they stand together in `order`
        self.defaults = {}
        self.policy = ()  # the uplinks of one more policy, best first

    def configure(self, suite, more=""):
        """`more`: the same lines for each uplink."""
        suite.configure(self._sections(more), "".join(f"{key} = {value}\n" for key, value in self.defaults.items()))

    def left_out(self):
        return [device for device in self._all if device not in self.order]

    def is_manual(self):
        return self.defaults.get("failback") == "manual"

    def cuts_at_a_return(self):
        return self.defaults.get("failback") == "flush"

    def shows(self, order):
        """Whether this is the order that is wished for; who shares a precedence stands in any."""
        alike = [(device if device not in self.weights else "shared") for device in order]
        return sorted(order) == sorted(self.order) and alike == [(device if device not in self.weights else "shared") for device in self.order]

    def carriers(self, usable):
        """Who has to carry the traffic if these are usable, best first."""
        fit = [device for device in self.order if device in usable]
        fit = [device for device in fit if device not in self.orders] or fit
        return [device for device in fit if device == fit[0] or {device, fit[0]} <= set(self.weights)]

    def _sections(self, more):
        out = []
        for place, device in enumerate(self.order, 1):
            isp = self._isp(device)
            gateway = f"gateway = {isp.router}\n" if isp.wish.metric is None else ""
            if device in self.weights:
                gateway += f"weight = {self.weights[device]}\n"
                place = 1 + min(self.order.index(other) for other in self.weights)
            out.append(f"[{device}]\nmasquerade = yes\nprecedence = {place}\n{gateway}{more}")
        # Long connections that belong to one uplink each.
        out += [f"[policy by-{isp.device}]\nfrom = {LAN_OF_STREAMS}{isp.number}\nuse = {isp.device}\n" for isp in self._lab.isps
                if isp.device in self.order]
        if self.policy:
            out.append(f"[policy extra]\nproto = udp\nport = {EXTRA_PORT}\nuse = {', '.join(self.policy)}\n")
        return "".join(out)

    def _isp(self, device):
        return next(isp for isp in self._lab.isps if isp.device == device)
