# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab: a gateway with several ISPs on real packets, in network namespaces of one process tree.

    client (LAN) -- gateway (the host under test) == ISP 1, ISP 2 ... == the Internet

Call isolate() first: it moves the calling script into private PID and mount namespaces, in which all of the lab
lives, so that the kernel removes every process, namespace and file of it however the script ends.
"""

from multilink_lab.isolation import isolate
from multilink_lab.lab import Lab
from multilink_lab.uplink import Uplink
from multilink_lab.suite import Suite
from multilink_lab.waiting import wait_until

__all__ = ["Lab", "Suite", "Uplink", "isolate", "wait_until"]
