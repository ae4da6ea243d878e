#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Fail static: each process dies by SIGKILL under traffic, and comes back."""

import os
import re
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from multilink_lab.scenario import AT_ONCE_MS, expect, main
from multilink_lab.suite import running
from multilink_lab.waiting import wait_until


def is_consistent(suite, device="wan1"):
    return suite.agrees(device) and suite.status("wan1") == "TRUE" and suite.status("wan2") == "TRUE"


def crash(options, name):
    """Kills `name`, leaves it dead for 3 s, restarts it."""
    with running(options) as (lab, suite):
        flow = lab.udp_flow()
        begun = time.monotonic()
        suite.kill(name)
        dead = flow.report(begun - 0.5, begun + 3)
        restarted = time.monotonic()
        suite.start(name)
        suite.wait(lambda: is_consistent(suite), 5, "consistent again")
        consistent = time.monotonic() - restarted
        alive = flow.report(restarted - 0.5, restarted + 3)
        expect(is_consistent(suite), "and stays so")
        expect(not suite.died(), suite.died())
        # It works again: a fault is acted on.
        lab.isps[0].cut("carrier")
        flow.alive(lab.isps[1].source, 5)
        suite.wait_status(5, wan1="FALSE", wan2="TRUE")
        suite.wait_active(2, "wan2")
    expect(dead["lost"] == 0 and alive["lost"] == 0, (dead, alive))
    expect(consistent <= 1.5, f"{consistent:.2f} s until everything was consistent")
    return {"consistent_s": round(consistent, 3)}


def test_kill_pingd(options):
    return crash(options, "pingd")


def test_kill_healthd(options):
    return crash(options, "healthd")


def test_kill_routed(options):
    return crash(options, "routed")


def test_kill_redis(options):
    return crash(options, "redis")


def test_a_reload_at_once_after_the_start(options):
    """Whoever asks for it while a daemon still starts is served after: it does not end."""
    with running(options) as (_, suite):
        for name in ("pingd", "healthd", "routed"):
            suite.kill(name, signal.SIGTERM)
            starts = suite.log(name).count(" starts with ")
            suite.start(name)
            wait_until(lambda: is_held(suite.pid(name), signal.SIGHUP) or suite.log(name).count(" starts with ") > starts, 5,
                       every=0.0002, what=f"{name} has begun")
            suite.send(name, signal.SIGHUP)
            suite.wait(lambda: "now goes by the new" in suite.log(name), 5, f"{name} has read the file again")
        expect(not suite.died(), suite.died())


def is_held(pid, number):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"^SigBlk:\s+(\w+)", file.read(), re.M).group(1), 16) >> (number - 1) & 1


def test_carrier_loss_without_redis(options):
    with running(options) as (lab, suite):
        flow = lab.udp_flow()
        suite.kill("redis")
        begun = lab.isps[0].cut("carrier")
        flow.alive(lab.isps[1].source, 5)
        report = flow.report(begun - 0.2)
        restarted = time.monotonic()
        suite.start("redis")
        suite.wait_active(5, "wan2")
        suite.wait_status(5, wan1="FALSE", wan2="TRUE")
        rejoined = time.monotonic() - restarted
        lab.isps[0].repair("carrier")
        flow.alive(lab.isps[0].source, 25)
        suite.wait_active(2, "wan1")
    expect(report["outage_ms"] <= AT_ONCE_MS, report)
    return {"outage_ms": report["outage_ms"], "rejoined_s": round(rejoined, 3)}


def test_start_without_redis(options):
    """The daemons are there first: they wait for Redis and join it."""
    with running(options) as (lab, suite):
        for name in ("pingd", "healthd", "routed", "redis"):
            suite.kill(name)
        flow = lab.udp_flow()
        begun = time.monotonic()
        suite.start("routed", "healthd", "pingd")
        apart = flow.report(begun, begun + 2)
        expect(not suite.died(), suite.died())
        suite.start("redis")
        suite.wait(lambda: is_consistent(suite), 10, "joined")
        joined = flow.report(begun)
    expect(apart["lost"] == 0 and joined["lost"] == 0, (apart, joined))


def test_redis_comes_back_with_an_old_snapshot(options):
    """From before the failure, when the dead uplink was well: nobody believes it, also while healthd says nothing."""
    with running(options) as (lab, suite):
        better, other = lab.isps
        flow = lab.udp_flow()
        suite.redis()("SAVE")
        better.cut("blackhole")
        flow.alive(other.source)
        suite.wait_status(10, wan1="FALSE", wan2="TRUE")
        suite.wait(lambda: suite.health("wan1")["4.state"] == "down", 10, "wan1 is down")
        suite.send("healthd", signal.SIGSTOP)
        joined = suite.log("routed").count("Redis: connected")
        begun = time.monotonic()
        suite.kill("redis")
        suite.start("redis")
        expect(suite.status("wan1") == "TRUE" and suite.health("wan1")["4.state"] == "up", "Redis tells what was once")
        suite.wait(lambda: suite.log("routed").count("Redis: connected") > joined, 5, "routed has joined")
        report = flow.report(begun, time.monotonic() + 3)
        expect(suite.agrees("wan2"), suite.routing())
        suite.send("healthd", signal.SIGCONT)
        suite.wait_status(5, wan1="FALSE", wan2="TRUE")
        expect(report["lost"] == 0 and list(report["sources"]) == [other.source], report)


def test_a_full_redis(options):
    """It is told of; it is given room where old probes have some, and then silence is noticed as ever; without any, facts still act."""
    with running(options) as (lab, suite):
        redis = suite.redis()
        flow = lab.udp_flow()

        def is_told():
            shown = lab.gateway.run(f"{suite.bin}/multilinkctl", "--config", suite.config, "status")
            return "healthd does not report (Redis is full and takes nothing from it)" in shown

        for name in ("wan1", "wan2"):
            old = int((time.time() - 40 * 60) * 1000)
            for part in range(10):
                pairs = [x for n in range(1000) for x in (old + n, f"an old probe {part} {n} ".ljust(100, "."))]
                redis("ZADD", suite.key(f"uplink:{name}:probes"), *pairs)
        used = int(re.search(r"used_memory:(\d+)", redis("INFO", "memory")).group(1))
        redis("CONFIG", "SET", "maxmemory", used - 1_000_000)  # of some 4 MB that the old probes take
        suite.wait(lambda: redis("ZCARD", suite.key("uplink:wan1:probes")) < 10000, 10, "room is made")
        cut = lab.isps[0].cut("blackhole")
        flow.alive(lab.isps[1].source, 10)
        silence = flow.report(cut - 0.2)
        suite.wait_active(2, "wan2")
        lab.isps[0].repair("blackhole")
        flow.alive(lab.isps[0].source, 25)
        suite.wait(lambda: not is_told(), 10, "nothing is told of a Redis that has room")

        redis("CONFIG", "SET", "maxmemory", "100kb")
        suite.wait(is_told, 10, "a full Redis is told of")
        cut = lab.isps[0].cut("carrier")
        flow.alive(lab.isps[1].source, 5)
        fact = flow.report(cut - 0.2)
        redis("CONFIG", "SET", "maxmemory", "128mb")
        suite.wait(lambda: not is_told(), 10, "and no longer when it has room")
        suite.wait_status(5, wan1="FALSE", wan2="TRUE")
        expect(not suite.died(), suite.died())
    expect(silence["outage_ms"] <= 3000, silence)
    expect(fact["outage_ms"] <= AT_ONCE_MS, fact)
    return {"silence_ms": silence["outage_ms"], "carrier_ms": fact["outage_ms"]}


if __name__ == "__main__":
    main(globals())
