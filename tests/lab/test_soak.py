#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""For an hour what a gateway does all day: traffic, faults, reloads, views of the page. At the end the daemons end in order: a
sanitised build has leaked nothing (LeakSanitizer), any other one is as large as it was."""

import os
import re
import signal
import statistics
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from multilink_lab.campaign_checks import is_sanitised
from multilink_lab.scenario import expect, main
from multilink_lab.suite import DAEMONS, running

SHORT_S, LONG_S = 45, 3600
SAMPLE_S = 5
FAULTS = ("carrier", "blackhole", "dead_next_hop", "unreachable")
# From the second quarter to the last one; what a short run shows is still its warming up.
MOST_GROWTH_KIB, MOST_GROWTH_AT_FIRST_KIB = 512, 4096


def rss_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))


def views(lab, suite):
    for query in ("", "format=json", "format=prometheus"):
        page = lab.gateway.run("env", "REQUEST_METHOD=GET", f"QUERY_STRING={query}", f"MULTILINK_CONFIG={suite.config}",
                               f"{suite.bin}/status.cgi")
        expect(page.startswith("Status: 200") or "200" in page.split("\n", 1)[0], page[:300])
    lab.gateway.run(f"{suite.bin}/multilinkctl", "--config", suite.config, "explain", "203.0.113.10")


def test_nothing_leaks(options):
    os.environ.setdefault("ASAN_OPTIONS", "quarantine_size_mb=8")
    seconds = LONG_S if options.long else SHORT_S
    sizes, files, faults, shown = {name: [] for name in DAEMONS}, {}, 0, 0
    with running(options, sections="[wan1]\nmasquerade = yes\n[wan2]\nmasquerade = yes\n", nat=False) as (lab, suite):
        lab.udp_flow(), lab.tcp_flow(), lab.stream_server(), lab.tcp_stream("download")
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            isp, fault = lab.isps[faults % 2], FAULTS[faults % len(FAULTS)]
            isp.cut(fault)
            time.sleep(SAMPLE_S)
            isp.repair(fault)
            views(lab, suite)
            suite.reload()
            faults += 1
            time.sleep(SAMPLE_S)
            for name in DAEMONS:
                sizes[name].append(rss_kib(suite.pid(name)))
                files.setdefault(name, []).append(len(os.listdir(f"/proc/{suite.pid(name)}/fd")))
            if options.long and time.monotonic() - begun > shown + 300:
                shown = time.monotonic() - begun
                print(f"{shown:.0f} s: {({name: values[-1] for name, values in sizes.items()})}", file=sys.stderr, flush=True)
        expect(not suite.died(), suite.died())
        ends = {name: suite.kill(name, signal.SIGTERM) for name in DAEMONS}
        logs = {name: suite.log(name) for name in DAEMONS}
    expect(not any(ends.values()), (ends, {name: log[-2000:] for name, log in logs.items() if ends[name]}))
    expect(not any("Sanitizer" in log or "runtime error" in log for log in logs.values()), logs)
    figures = {}
    for name, values in sizes.items():
        quarter = max(1, len(values) // 4)
        early, late = statistics.median(values[quarter:2 * quarter] or values), statistics.median(values[-quarter:])
        most = MOST_GROWTH_KIB if options.long else MOST_GROWTH_AT_FIRST_KIB
        expect(late - early <= most or is_sanitised(suite.bin), f"{name} has grown from {early} to {late} KiB: {values}")
        expect(max(files[name][quarter:]) - min(files[name][quarter:]) <= 3, f"descriptors of {name}: {files[name]}")
        figures[name] = {"rss_kib": [early, late]}
    return {"faults": faults, **figures}


if __name__ == "__main__":
    main(globals())
