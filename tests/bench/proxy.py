#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The web proxy beside one plain Squid and beside a Squid that chooses among the same parents by its own weighted round robin.

Beside the plain one, in turns: what a request costs at 100 a second, and how many there can be, over an uplink with an RTT of 1 ms, so
that what they differ in is the proxies' own work. Beside the weighted round robin: the shares at weights 1:1 and 3:1 and at RTTs of 20
and 60 ms, requests a second, and 50 requests a second while the first uplink is a black hole for 8 s. Wants a machine with nothing
else to do.
"""

import collections
import json
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lab"))

from multilink_lab.lab import GATEWAY_LAN
from multilink_lab.proxy import SQUID, proxied
from multilink_lab.scenario import main
from multilink_lab.uplink import Uplink
from multilink_lab.waiting import wait_until
from multilink_lab.web import PROXY

ROUNDS = 5
PLAIN = (GATEWAY_LAN, 3129)
_CONF = """http_port 3129
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
_PEER = "cache_peer 127.0.0.1 parent {port} 0 no-query no-digest no-netdb-exchange name={name} weighted-round-robin weight={weight}\n"


class AnotherSquid:
    """Beside multilink's, on PLAIN. With `parents` it asks these, (name, port, weight), and never the servers themselves."""

    def __init__(self, lab, parents=()):
        path = f"{lab.directory}/plain.conf"
        with open(path, "w", encoding="ascii") as file:
            file.write(_CONF + "".join(_PEER.format(name=name, port=port, weight=weight) for name, port, weight in parents))
            if parents:
                file.write("never_direct allow all\nnonhierarchical_direct off\ncache deny all\n")
        with open(f"{lab.directory}/plain.log", "ab") as log:
            self._process = lab.gateway.popen("setpriv", "--reuid", "multilink-squid", "--regid", "multilink-squid", "--clear-groups",
                                              "squid", "-N", "-n", "plain", "-f", path, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        lab.keep(self)
        wait_until(lambda: ":3129 " in lab.gateway.run("ss", "-Hltn"), 15, what="the other Squid listens")

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
        AnotherSquid(lab)
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


def share_of_first(lab, users, proxy, kind):
    visits = users.many(400, proxy=proxy, kind=kind)
    assert all(visit.is_good for visit in visits), [visit for visit in visits if not visit.is_good][:2]
    return round(collections.Counter(visit.body for visit in visits)[lab.isps[0].address] / len(visits), 4)


def through_a_black_hole(lab, suite, users, proxy):
    """12 s of 50 requests a second, GET and CONNECT in turn; the first uplink is silent from the 2nd to the 10th."""
    finish = users.steadily(50, 12, proxy=proxy)
    time.sleep(2)
    lab.isps[0].cut("blackhole")
    time.sleep(8)
    lab.isps[0].repair("blackhole")
    visits = finish()
    suite.wait_status(300, wan1="TRUE")  # flap damping may hold it a while
    return {"requests": len(visits), "failed": sum(visit.has_failed for visit in visits),
            "over_1_s": sum(visit.took > 1 for visit in visits), "slowest_s": round(max(visit.took for visit in visits), 2)}


def test_beside_squids_own_weighted_round_robin(options):
    figures = collections.defaultdict(dict)
    sides = (("hierarchy", PROXY), ("weighted-round-robin", PLAIN))
    with proxied(options, [Uplink(rtt_ms=20, metric=100), Uplink(rtt_ms=20, metric=101)]) as (lab, suite, proxies, _, users):
        ports = [(name, proxies.port_of(f"parent-{name}")) for name in ("wan1", "wan2")]

        def compare(what, weights, share, *measures):
            suite.configure(SQUID + "".join(f"[{name}]\nweight = {weight}\n" for (name, _), weight in zip(ports, weights)))
            suite.reload()
            proxies.wait_shares(20, 0.01, wan1=share, wan2=1 - share)
            other = AnotherSquid(lab, [(*parent, weight) for parent, weight in zip(ports, weights)])
            for side, proxy in sides:
                users.many(50, proxy=proxy)
                for name, measure in measures:
                    figures[f"{what}: {name}"][side] = measure(proxy)
            other.close()

        shares = [(f"share of the first, {kind}", lambda proxy, kind=kind: share_of_first(lab, users, proxy, kind))
                  for kind in ("get", "connect")]
        compare("weights 1:1", (1, 1), 0.5, *shares)
        compare("weights 3:1", (3, 1), 0.75, *shares)
        compare("RTT 20 and 20 ms", (1, 1), 0.5, ("GET per second", lambda proxy: round(per_second(users, proxy, "get"))))
        lab.isps[1].line.set(delay_us=30_000)
        compare("RTT 20 and 60 ms", (1, 1), 0.75, *shares)
        lab.isps[1].line.set(delay_us=10_000)
        compare("black hole", (1, 1), 0.5, ("8 s", lambda proxy: through_a_black_hole(lab, suite, users, proxy)))
    print(json.dumps(figures, indent=1), file=sys.stderr)
    return figures


if __name__ == "__main__":
    main(globals())
