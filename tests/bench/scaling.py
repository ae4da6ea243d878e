#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How cost grows with the number of uplinks, at defaults (one probe a second each): CPU per probe of pingd and of
the whole chain with Redis, memory, and the time until one uplink that falls silent is FALSE; beside fping for as many
targets, through the same devices, in turns. All uplinks answer at once: a veth each between two namespaces, with
fixed neighbours, since the kernel's table of learnt ones is shared by all namespaces and holds 1 024. Prints one
line of JSON a turn on stderr and a table of medians (minimum, maximum) on stdout. Run no lab meanwhile: while thousands
of devices are made and removed the kernel holds its lock on network configuration, which all namespaces share."""

import argparse
import glob
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import time
import types

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lab"))

from multilink_lab import Suite, isolate, wait_until
from multilink_lab.lab import TARGETS
from multilink_lab.namespace import Namespace
from multilink_lab.scenario import newest_build
from multilink_lab.waiting import RouteWatch

CHAIN = ("pingd", "healthd", "routed", "redis")


class ManyUplinks:
    """What Suite needs of a lab. The uplinks are u1, u2 ..., their far ends p1, p2 ... in a namespace that answers."""

    def __init__(self, count):
        self.count = count
        self.directory = f"/run/scale-{count}"
        os.mkdir(self.directory)
        self._open = []
        self.gateway = self.keep(Namespace(f"scale{count}-gw"))
        self.far = self.keep(Namespace(f"scale{count}-far"))
        for namespace in (self.gateway, self.far):
            namespace.sysctl(net__ipv4__conf__all__rp_filter=0, net__ipv4__conf__default__rp_filter=0,
                             net__ipv6__conf__all__disable_ipv6=1, net__ipv6__conf__default__disable_ipv6=1)
        self.far.ip(*(f"addr add {address}/32 dev lo" for address in TARGETS))
        self.gateway.ip(*(line for number in self.numbers() for line in self._near(number)))
        self.far.ip(*(line for number in self.numbers() for line in self._distant(number)))
        self.far.nft("""
            table netdev cut {
            }""")
        self.isps = [types.SimpleNamespace(device=f"u{number}") for number in self.numbers()]
        self.watch = self.keep(RouteWatch(self.gateway))

    def numbers(self):
        return range(1, self.count + 1)

    def keep(self, thing):
        self._open.append(thing)
        return thing

    def close(self):
        while self._open:
            self._open.pop().close()
        shutil.rmtree(self.directory)

    @staticmethod
    def address(number, host):
        return f"10.{number >> 8}.{number & 255}.{host}"

    @staticmethod
    def _mac(number, end):
        return f"02:00:00:{end:02x}:{number >> 8:02x}:{number & 255:02x}"

    def _near(self, number):
        return (f"link add u{number} address {self._mac(number, 1)} type veth peer name p{number} "
                f"address {self._mac(number, 2)} netns {self.far.name}",
                f"link set u{number} up", f"addr add {self.address(number, 2)}/24 dev u{number}",
                f"neigh add {self.address(number, 1)} dev u{number} lladdr {self._mac(number, 2)} nud permanent")

    def _distant(self, number):
        return (f"link set p{number} up", f"addr add {self.address(number, 1)}/24 dev p{number}",
                f"neigh add {self.address(number, 2)} dev p{number} lladdr {self._mac(number, 1)} nud permanent")

    def silence(self, number):
        begun = time.monotonic()
        self.far.nft(f"""table netdev cut {{
                chain in {{ type filter hook ingress device "p{number}" priority 0; policy drop; }}
            }}""")
        return begun

    def sections(self):
        return "".join(f"[u{number}]\ngateway = {self.address(number, 1)}\n" for number in self.numbers())


def cpu_seconds(pid):
    """Of all threads, to the nanosecond."""
    total = 0
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        with open(path, encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1e9


def chain_cpu(suite):
    return {name: cpu_seconds(suite.pid(name)) for name in CHAIN}


def chain_turn(lab, bin_dir, calm, seconds):
    suite = Suite(lab, bin_dir, lab.sections(), "mark_mask = 0x0fff0000\n" if lab.count > 62 else "")
    begun = time.monotonic()
    suite.start()
    names = [isp.device for isp in lab.isps]
    wait_until(lambda: all(suite.status(name) == "TRUE" for name in names), 120, what="all uplinks are up")
    started = time.monotonic() - begun
    time.sleep(calm)
    before, begun = chain_cpu(suite), time.monotonic()
    time.sleep(seconds)  # what is measured is that nothing happens
    after, passed = chain_cpu(suite), time.monotonic() - begun
    costs = suite.cost()
    victim = random.choice(names)
    time.sleep(random.random())
    begun = lab.silence(int(victim[1:]))
    wait_until(lambda: suite.status(victim) == "FALSE", 30, what="the silence is noticed", every=0.002)
    detected = time.monotonic() - begun
    false_alarms = sum(event["kind"] == "health" and event["to"] in ("suspect", "down") and event["family"] == "4"
                       and event["uplink"] != victim for event in suite.events())
    lab.far.nft("delete chain netdev cut in")
    suite.close()
    each = {name: (after[name] - before[name]) / (passed * lab.count) * 1e6 for name in CHAIN}
    return {"who": "multilink", **{f"{name}_us": round(each[name], 1) for name in CHAIN},
            "chain_us": round(sum(each.values()), 1), "detected_ms": round(detected * 1000),
            **{f"{name}_mib": round(costs[name]["pss_kib"] / 1024, 1) for name in CHAIN},
            "started_s": round(started, 1), "false_alarms": false_alarms}


def fping_turn(lab, calm, seconds):
    """With nobody who reads its lines: the least it can cost. At the end it counts, on stderr."""
    targets = [lab.address(number, 1) for number in lab.numbers()]
    process = lab.gateway.popen("fping", "-l", "-q", "-p", "1000", "-i", str(min(10, 900 / lab.count)), *targets,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    time.sleep(calm)
    before, begun = cpu_seconds(process.pid), time.monotonic()
    time.sleep(seconds)
    after, passed = cpu_seconds(process.pid), time.monotonic() - begun
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=30)[1]
    sent = sum(int(line.split("=")[1].split("/")[0]) for line in output.splitlines() if "xmt/rcv" in line)
    answered = sum(int(line.split("=")[1].split("/")[1]) for line in output.splitlines() if "xmt/rcv" in line)
    if answered < 0.99 * sent or not lab.count * seconds <= sent <= lab.count * (calm + passed + 3):
        raise RuntimeError(f"fping sent {sent} and got {answered} back")
    return {"who": "fping", "fping_us": round((after - before) / (passed * lab.count) * 1e6, 1)}


def cell(turns, key):
    values = [turn[key] for turn in turns if key in turn]
    return f"{statistics.median(values):.5g} ({min(values):.5g}, {max(values):.5g})"


def overflows():
    log = subprocess.run(["dmesg"], text=True, capture_output=True, check=False).stdout
    return log.count("neighbor table overflow") + log.count("neighbour: arp_cache")


def measure(count, arguments):
    lab = ManyUplinks(count)
    turns = []
    try:
        for _ in range(arguments.turns):
            for turn in (lambda: chain_turn(lab, f"{arguments.build}/bin", arguments.calm, arguments.seconds),
                         lambda: fping_turn(lab, arguments.calm, arguments.seconds)):
                turns.append(turn())
                print(json.dumps({"uplinks": count, **turns[-1]}), file=sys.stderr, flush=True)
    finally:
        lab.close()
    return turns


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--calm", type=float, default=5, help="seconds before each measurement")
    parser.add_argument("--seconds", type=float, default=30, help="length of each measurement")
    parser.add_argument("--build", default=newest_build(), help="build folder (default: the newest)")
    parser.add_argument("uplinks", nargs="*", type=int, default=(2, 10, 100, 1000))
    arguments = parser.parse_args()
    if not shutil.which("fping"):
        parser.exit(2, f"{parser.prog}: fping is missing: apt-get install -y --no-install-recommends fping\n")
    isolate()
    before = overflows()
    rows = [(count, measure(count, arguments)) for count in arguments.uplinks]
    print(f"{arguments.turns} turns each: median (minimum, maximum); CPU in microseconds per probe\n")
    print("| uplinks | fping | pingd | healthd | routed | Redis | the chain | detection ms | MiB pingd | healthd "
          "| routed | Redis | up after start s | false alarms |\n|" + "---|" * 14)
    keys = ("fping_us", *(f"{name}_us" for name in CHAIN), "chain_us", "detected_ms",
            *(f"{name}_mib" for name in CHAIN), "started_s", "false_alarms")
    for count, turns in rows:
        print(f"| {count} | {' | '.join(cell(turns, key) for key in keys)} |")
    if overflows() != before:
        sys.exit("the kernel's neighbour table has overflowed meanwhile: the figures are worth nothing")


if __name__ == "__main__":
    main()
