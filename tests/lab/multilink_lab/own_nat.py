# SPDX-License-Identifier: GPL-2.0-or-later
"""multilink's own NAT on every uplink."""

from .suite import running

NAT = "masquerade = yes\n"


def sections(lab_uplinks=2, extra=""):
    return "".join(f"[wan{number}]\n{NAT}{extra}" for number in range(1, lab_uplinks + 1))


def own_nat(options, extra="", **more):
    """The suite with its own NAT; the lab does none."""
    return running(options, sections=sections(extra=extra), defaults="failback_udp_after = 2min\n", nat=False, **more)
