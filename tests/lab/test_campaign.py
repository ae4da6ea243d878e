#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Random faults on everything, one after the other and on top of each other, under 1000 UDP packets and 50 TCP connections a
second; with --long also what an administrator orders and a provider changes. The dice are those of --seed; what was done when, and what
it cost, is printed, and written as JSON beside the tools.

The wall clock is stepped for the daemons alone, by a preloaded library (tools/clock_step.cpp): no namespace has its own."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from multilink_lab import Lab, Uplink
from multilink_lab.campaign import Broken, Campaign, Step
from multilink_lab.campaign_checks import is_sanitised
from multilink_lab.campaign_faults import Clock, Faults
from multilink_lab.campaign_wishes import LAN_OF_STREAMS, Wishes
from multilink_lab.scenario import expect, main
from multilink_lab.suite import Suite

SHORT_S, LONG_S, LONG_SEEDS = 180, 1200, 3
# Two with a DHCP client's default, two without: there multilink's is the only one.
UPLINKS = [Uplink(rtt_ms=20, metric=None), Uplink(rtt_ms=80, metric=None), Uplink(rtt_ms=40, metric=100), Uplink(rtt_ms=30, metric=101)]
ORDER = [f"wan{number}" for number in range(1, len(UPLINKS) + 1)]
REDIS = "dir {data}\nsave 5 1\nstop-writes-on-bgsave-error no\nmaxmemory 128mb\nmaxmemory-policy noeviction\n"


class Mounted:
    def __init__(self, folder):
        self._folder = folder

    def close(self):
        subprocess.run(["umount", "--lazy", self._folder], check=True)


def forget(suite, data):
    """So that every uplink is usable again soon, whatever the flap damping says."""
    for name in ("redis", "healthd"):
        suite.kill(name)
    for file in os.listdir(data):
        os.remove(f"{data}/{file}")
    suite.start("redis", "healthd")


@contextlib.contextmanager
def prepared(options, seed):
    """Gives (campaign, faults, tcp flow, Redis' folder): the suite is up, the traffic has a rhythm."""
    with Lab(options.tools, UPLINKS, nat=False) as lab:
        data = f"{lab.directory}/data"
        os.mkdir(data)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "campaign", data], check=True)
        lab.keep(Mounted(data))
        clock = None if is_sanitised(options.bin) else Clock(lab)
        wishes = Wishes(lab, ORDER)
        suite = Suite(lab, options.bin, redis_conf=REDIS.format(data=data), environment=clock.environment if clock else None)
        wishes.configure(suite)
        suite.start()
        suite.wait_status(15, **{device: "TRUE" for device in ORDER})
        suite.wait_active(5, ORDER[0])
        lab.stream_server()
        streams = {}
        for isp, direction in zip(lab.isps, ("upload", "download") * 2):
            source = f"{LAN_OF_STREAMS}{isp.number}"
            lab.client.ip(f"addr add {source}/24 dev eth0")
            streams[isp.device] = lab.tcp_stream(direction, source=source)
        flow, tcp = lab.udp_flow(), lab.tcp_flow()
        time.sleep(5)
        campaign = Campaign(lab, suite, random.Random(seed), wishes, flow, streams)
        yield campaign, Faults(lambda more="": wishes.configure(suite, more), data, clock, options.long), tcp, data


def campaign_of(options, seed, seconds):
    print(f"seed {seed}: {seconds} s (--seed {seed} or MULTILINK_SEED={seed} throws the same dice)", flush=True)
    with prepared(options, seed) as (campaign, faults, tcp, data):
        suite = campaign.suite
        try:
            campaign.run(faults.draw, seconds)
            faults.as_begun(campaign)
            campaign.wishes.configure(suite)
            campaign.reload()
            campaign.is_away_for(lambda: forget(suite, data), "redis", "healthd")
            suite.wait_status(30, **{device: "TRUE" for device in ORDER})
            figures = campaign.finish_as_begun()
            figures["tcp_failed"] = campaign.judge_tcp(tcp)
        except Broken as error:
            campaign.print_summary()
            raise Broken(f"seed {seed}: {error}") from None
        campaign.print_summary()
        figures = {"seed": seed, "faults": len(campaign.steps) - 3, **figures}
        campaign.write_json(f"{options.tools}/campaign-{seed}.json", **figures)
    return figures


def test_random_faults(options):
    if not options.long:
        return campaign_of(options, options.seed, SHORT_S)
    return {"runs": [campaign_of(options, options.seed + number, LONG_S) for number in range(LONG_SEEDS)]}


def test_a_move_just_before_a_step(options):
    """What was on its way when the flow moved is lost also where the judge begins to look in the middle of that."""
    with prepared(options, options.seed) as (campaign, _, _, _):
        lab, suite, flow = campaign.lab, campaign.suite, campaign.flow
        for order in (["wan2", "wan1", "wan3", "wan4"], ORDER):
            begun = time.monotonic()
            campaign.wishes.order = list(order)
            campaign.wishes.configure(suite)
            suite.reload()
            suite.wait_active(5, order[0])
            flow.alive(lab.isps[ORDER.index(order[0])].source)
            time.sleep(1)
        gap = max(flow.report(begun - 0.3)["gaps"], key=lambda gap: gap["packets"])
        expect(gap["packets"] >= 60, f"what was on its way by wan2 (80 ms) is lost: {gap}")
        step = Step(gap["at"] + gap["packets"] / 1000 - 0.01 + 0.3, "sabotage", "", carrying="wan1")
        campaign.take(step)
        expect(0 < step.outage_ms < 30, f"the judge saw the end of the gap only: {step}")
        return {"gap": gap["packets"], "seen_by_the_judge": step.outage_ms}


def test_each_invariant_is_seen_broken(options):
    """Each is broken once without the campaign's knowledge, which has to say so."""
    with prepared(options, options.seed) as (campaign, _, tcp, data):
        lab, suite = campaign.lab, campaign.suite
        seen = {}

        def breaks(wanted, check):
            """The check fails, and says why."""
            try:
                check()
            except Broken as error:
                expect(wanted in str(error), f"not '{wanted}', but {error}")
                seen[wanted] = round(time.monotonic() - campaign.begun, 1)
                return
            raise AssertionError(f"'{wanted}' goes unnoticed")

        def settle(kind="sabotage"):
            campaign.take(Step(time.monotonic(), kind, "", carrying=lab.path_of()))
        settle()
        lab.client.nft("table ip sabotage {\nchain out {\ntype filter hook output priority 0; udp dport 7000 numgen random mod 100 < 3 drop\n}\n}")
        time.sleep(0.3)
        breaks("the flow stood still", settle)
        lab.client.nft("delete table ip sabotage")
        time.sleep(0.5)
        lab.gateway.ip("route flush proto 109 table main", "route add default via 198.18.1.1 dev wan1 metric 3 proto 109")
        breaks("no default of multilink's", lambda: campaign.check_defaults(campaign.steps[-1]))
        suite.send("healthd", signal.SIGSTOP)
        suite.redis()("SET", suite.key("uplink", "wan2", "status", "4"), "FALSE")
        breaks("they do not agree", settle)
        suite.send("healthd", signal.SIGCONT)
        campaign.pause(3)
        settle()
        suite.multilinkctl("drain", "wan3")
        breaks("ordered is {'wan3': 'drained'}, not {}", settle)
        suite.multilinkctl("enable", "wan3")
        campaign.wishes.policy = ("wan2", "wan3")
        breaks("do not have the policy ('wan2', 'wan3')", settle)
        campaign.wishes.policy = ()
        campaign.wishes.weights = {"wan1": 1, "wan2": 1}
        breaks("share, ['wan1'] carry", settle)
        campaign.wishes.weights = {}
        campaign.pause(2)
        settle()
        campaign.wishes.defaults = {"failback": "manual"}  # which nobody but the campaign knows
        campaign.begin_fault("wan1", "carrier")
        lab.isps[0].cut("carrier")
        suite.wait_active(5, "wan2")
        settle()
        lab.isps[0].repair("carrier")
        campaign.end_fault("wan1")
        suite.wait_active(25, "wan1")
        breaks("the traffic has returned by itself", settle)
        campaign.wishes.as_begun()
        lab.gateway.run("conntrack", "-D", "-p", "tcp", "--dport", "7002", check=False)
        lab.client.run("ss", "-K", "src", f"{LAN_OF_STREAMS}2", "dport", "=", "7002")
        time.sleep(0.5)
        breaks("a connection by wan2, which was well, ended", campaign.check_streams)
        suite.send("routed", signal.SIGSTOP)  # it would take that away at once
        lab.gateway.run("ip", "rule", "add", "pref", "7", "lookup", "500", "protocol", "109")
        breaks("rules are not what they were", campaign.check_owned)
        suite.send("routed", signal.SIGCONT)
        lab.gateway.run("conntrack", "-I", "-p", "udp", "-s", "10.9.9.9", "-d", "10.9.9.8", "--sport", "1", "--dport", "2", "-t", "60",
                        "--mark", str(0x0A000000))
        breaks("connection marks: ipv4", campaign.check_connection_marks)
        lab.gateway.run("conntrack", "-D", "-p", "udp", "-s", "10.9.9.9")
        lab.gateway.run("conntrack", "-I", "-p", "udp", "-s", "10.9.9.9", "-d", "10.9.9.8", "--sport", "1", "--dport", "2", "-t", "60",
                        "--mark", str(0x00040000))
        breaks("bits of another mark_mask", campaign.check_connection_marks)
        descriptors = campaign.resources
        descriptors.look(100, {"pingd": 0})
        descriptors.seen[suite.pid("pingd")][1].append((200, 1, 1000))
        breaks("descriptors: pingd had", campaign.judge_resources)
        if not is_sanitised(options.bin):
            descriptors.seen[suite.pid("pingd")][1].append((200, 1 << 20, 0))
            breaks("memory: pingd has grown", campaign.judge_resources)
        lab.client.nft("table ip sabotage {\nchain out {\ntype filter hook output priority 0; tcp dport 7001 reject with tcp reset\n}\n}")
        settle()
        campaign.pause(1.5)
        campaign.calm.append((time.monotonic() - 1.5, time.monotonic()))
        breaks("connections begun in calm failed", lambda: campaign.judge_tcp(tcp))
        os.kill(suite.pid("pingd"), signal.SIGKILL)
        breaks("ended by itself: {'pingd'", lambda: campaign.pause(1))
        suite.start("pingd")
    return {"seen": len(seen)}


if __name__ == "__main__":
    main(globals())
