#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the table of multilink costs the packets that a gateway forwards: bulk TCP, small UDP packets and new connections
each second, through a gateway with multilink beside one like it without. Both masquerade, as a LAN's gateway does; with
--router neither does, so that the bare one tracks no connections at all. No line delays anything: the server is the
ISP's router itself, and the processor is the limit. Wants iperf3. The two take turns, and each turn gives one ratio.
Prints one line of JSON a turn on stderr and a table of medians (minimum, maximum) on stdout."""

import argparse
import json
import os
import shutil
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lab"))

from multilink_lab import Lab, isolate
from multilink_lab.lab import CLIENT
from multilink_lab.scenario import Options, expect, newest_build
from multilink_lab.suite import Suite

NEAR_SERVER = "203.0.113.99"
IPERF_PORT, FIRST_PORT, PORTS = "5201", 20000, 64
LISTENER = f"""
import selectors, socket
selector = selectors.DefaultSelector()
sockets = [socket.create_server(("{NEAR_SERVER}", {FIRST_PORT} + i), backlog=4096) for i in range({PORTS})]
for each in sockets:
    each.setblocking(False)
    selector.register(each, selectors.EVENT_READ)
while True:
    for key, _ in selector.select():
        try:
            while True:
                key.fileobj.accept()[0].close()
        except OSError:
            pass
"""


class Gateway:
    """A lab whose first ISP's router is the server."""

    def __init__(self, options, name, nat, suite):
        self.name = name
        self.lab = Lab(options.tools, nat=nat)
        isp = self.lab.isps[0].namespace
        isp.ip(f"addr add {NEAR_SERVER}/32 dev lo", f"route add {CLIENT}/32 via {self.lab.isps[0].address} dev port")
        self.lab.client.sysctl(net__ipv4__ip_local_port_range="1024 65535")
        self.servers = [isp.popen("iperf3", "-s", "-B", NEAR_SERVER, stdout=-3),
                        isp.popen("/usr/bin/python3", "-c", LISTENER)]
        if suite:
            suite = Suite(self.lab, options.bin)
            suite.start()
            suite.wait_active(1, "wan1")
            time.sleep(3)
        self.tools = options.tools

    def close(self):
        for server in self.servers:
            server.kill()
            server.wait()
        self.lab.close()

    def iperf(self, seconds, *words):
        out = self.lab.client.run("iperf3", "-J", "-c", NEAR_SERVER, "-t", str(seconds), *words)
        return json.loads(out)["end"]

    def bulk(self, seconds):
        """Gbit/s of one TCP connection."""
        return self.iperf(seconds)["sum_received"]["bits_per_second"] / 1e9

    def packets(self, seconds):
        """Thousands of UDP packets of 64 bytes a second that arrive."""
        done = self.iperf(seconds, "-u", "-b", "0", "-l", "64")["sum"]
        return (done["packets"] - done["lost_packets"]) / done["seconds"] / 1e3

    def connections(self, seconds):
        """Thousands of new connections a second."""
        out = json.loads(self.lab.client.run(f"{self.tools}/connect_rate", NEAR_SERVER, str(FIRST_PORT), str(PORTS),
                                             str(seconds), "32"))
        expect(out["failed"] == 0, out)
        return out["connections_per_second"] / 1e3


WHAT = {"bulk TCP, Gbit/s": Gateway.bulk, "64-byte UDP, 1 000 packets/s": Gateway.packets,
        "new connections, 1 000/s": Gateway.connections}


def spread(values):
    return f"{statistics.median(values):.3g} ({min(values):.3g}, {max(values):.3g})"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=1, help="of each measurement")
    parser.add_argument("--router", action="store_true", help="neither gateway translates addresses")
    parser.add_argument("--build", default=newest_build(), help="build folder (default: the newest)")
    arguments = parser.parse_args()
    if not shutil.which("iperf3"):
        parser.exit(2, f"{parser.prog}: iperf3 is missing: apt-get install iperf3\n")
    options = Options(f"{arguments.build}/lab", f"{arguments.build}/bin", False)
    isolate()
    bare, ours = (Gateway(options, name, not arguments.router, name == "multilink") for name in ("bare", "multilink"))
    seconds = int(arguments.seconds) if arguments.seconds == int(arguments.seconds) else arguments.seconds
    print("| what | bare | with multilink | ratio |\n|---|---|---|---|")
    for what, measure in WHAT.items():
        figures = {gateway: [] for gateway in (bare, ours)}
        for turn in range(arguments.turns + 1):
            for gateway in (bare, ours) if turn % 2 else (ours, bare):
                figures[gateway].append(measure(gateway, seconds))
            print(json.dumps({"what": what, **{each.name: figures[each][-1] for each in figures}}), file=sys.stderr, flush=True)
        for values in figures.values():
            del values[0]  # the caches were cold
        ratios = [mine / plain for plain, mine in zip(figures[bare], figures[ours])]
        print(f"| {what} | {spread(figures[bare])} | {spread(figures[ours])} | {spread(ratios)} |", flush=True)
    for gateway in (bare, ours):
        gateway.close()


if __name__ == "__main__":
    main()
