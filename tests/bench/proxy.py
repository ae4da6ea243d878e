#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The web proxy beside one plain Squid, in turns: what a request costs at 100 a second, and how many there can be.

Both serve the same users in the same lab, over an uplink with an RTT of 1 ms: what they differ in is the proxies' own work. Wants a
machine with nothing else to do.
"""

import json
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lab"))

from multilink_lab.lab import GATEWAY_LAN
from multilink_lab.proxy import proxied
from multilink_lab.scenario import main
from multilink_lab.uplink import Uplink
from multilink_lab.waiting import wait_until
from multilink_lab.web import PROXY

ROUNDS = 5
PLAIN = (GATEWAY_LAN, 3129)
_PLAIN_CONF = """http_port 3129
visible_hostname plain
pid_filename none
cache_log /dev/null
access_log none
netdb_filename none
coredump_dir none
pinger_enable off
eui_lookup off
cache_mem 64 MB
memory_cache_shared off
http_access allow all
"""


class PlainSquid:
    def __init__(self, lab):
        path = f"{lab.directory}/plain.conf"
        with open(path, "w", encoding="ascii") as file:
            file.write(_PLAIN_CONF)
        with open(f"{lab.directory}/plain.log", "ab") as log:
            self._process = lab.gateway.popen("setpriv", "--reuid", "multilink-squid", "--regid", "multilink-squid", "--clear-groups",
                                              "squid", "-N", "-n", "plain", "-f", path, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        lab.keep(self)
        wait_until(lambda: ":3129 " in lab.gateway.run("ss", "-Hltn"), 15, what="the plain Squid listens")

    def close(self):
        self._process.kill()
        self._process.wait()


def median_ms(users, proxy, kind):
    """Of 300 requests at 100 a second."""
    visits = users.steadily(100, 3, (kind,), proxy=proxy)()
    assert all(visit.is_good for visit in visits), [visit for visit in visits if not visit.is_good][:2]
    return statistics.median(visit.took for visit in visits) * 1000


def per_second(users, proxy, kind):
    begun = time.monotonic()
    visits = users.many(1500, proxy=proxy, kind=kind)
    assert all(visit.is_good for visit in visits)
    return len(visits) / (time.monotonic() - begun)


def test_beside_a_plain_squid(options):
    figures = {}
    with proxied(options, [Uplink(rtt_ms=1, metric=100), Uplink(rtt_ms=1, metric=101)]) as (lab, _, proxies, _, users):
        PlainSquid(lab)
        proxies.wait_shares(within=0.2, wan1=0.5, wan2=0.5)
        for proxy in (PROXY, PLAIN):
            users.many(200, proxy=proxy)  # so that both are warm
        for kind in ("get", "connect"):
            for name, measure in (("median_ms", median_ms), ("per_second", per_second)):
                rounds = [(measure(users, PROXY, kind), measure(users, PLAIN, kind)) for _ in range(ROUNDS)]
                ours, plain = (round(statistics.median(values), 2) for values in zip(*rounds))
                figures[f"{kind}_{name}"] = {"hierarchy": ours, "plain": plain, "difference": round(ours - plain, 2)}
    print(json.dumps(figures, indent=1), file=sys.stderr)
    return figures


if __name__ == "__main__":
    main(globals())
