#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the administrator does by multilinkctl: disable, drain, enable and drill, with traffic running."""

import json
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from multilink_lab.scenario import expect, main
from multilink_lab.suite import running

CALM_S = 5
UP_AFTER_S = 25


def admin_events(suite):
    return [(event["uplink"], event["from"], event["to"]) for event in suite.events() if event["kind"] == "admin"]


def test_disable_and_enable(options):
    """Traffic leaves a disabled uplink at once and without an outage, stays away over restarts of everything, and is back after enable."""
    with running(options) as (lab, suite):
        better, other = lab.isps
        flow = lab.udp_flow()
        time.sleep(CALM_S)
        begun = time.monotonic()
        said = suite.multilinkctl("disable", "wan1")
        expect("wan1: disabled until 'multilinkctl enable wan1'" in said, said)
        flow.alive(other.source)
        suite.wait_active(2, other.device)
        left = flow.report(begun - 0.5)
        expect("wan1" in suite.multilinkctl("status") and "(disabled)" in suite.multilinkctl("status"), "status tells")
        events = admin_events(suite)
        suite.kill("healthd")
        suite.start("healthd")
        suite.kill("routed")
        suite.start("routed")
        suite.kill("redis")  # kill -9: what holds is the snapshot that multilinkctl has asked for
        suite.start("redis")
        suite.wait(lambda: suite.health("wan1").get("admin") == "disabled", 10, "the order is still there")
        time.sleep(3)
        expect(suite.active() == [other.device] and suite.status("wan1") == "FALSE", "still away")
        enabled = time.monotonic()
        suite.multilinkctl("enable", "wan1")
        back = flow.alive(better.source, UP_AFTER_S)
        suite.wait_active(2, better.device)
        suite.multilinkctl("disable", "wan9", check=64)
        suite.multilinkctl("disable", "wan2")
        suite.multilinkctl("disable", "wan1", check=2)
        events += admin_events(suite)
    # A translated flow that changes its uplink loses what is in flight on the old one.
    expect(left["outage_ms"] <= 250, left)
    expect(("wan1", "in use", "disabled") in events and ("wan1", "disabled", "in use") in events, events)
    return {"outage_ms": left["outage_ms"], "back_s": round(back - enabled, 2)}


def test_disable_for_a_time(options):
    with running(options) as (lab, suite):
        better, other = lab.isps
        suite.multilinkctl("disable", "wan1", "--for", "4s")
        suite.wait_active(2, other.device)
        suite.wait(lambda: suite.health("wan1").get("admin") == "", 8, "its time is over")
        suite.wait_active(UP_AFTER_S, better.device)
        suite.multilinkctl("disable", "wan1", "--for", "soon", check=64)
    return {}


def test_drain(options):
    """A running UDP flow and a TCP transfer stay on a drained uplink without losing a packet; new ones go elsewhere; where no other
    uplink is usable the drained one carries."""
    with running(options) as (lab, suite):
        better, other = lab.isps
        flow = lab.udp_flow()
        lab.stream_server()
        stream = lab.tcp_stream("download")
        time.sleep(CALM_S)
        begun = time.monotonic()
        suite.multilinkctl("drain", "wan1", "--for", "10min")
        suite.wait_active(2, other.device)
        new = lab.udp_flow()
        new.alive(other.source)
        time.sleep(CALM_S)
        flow.alive(better.source)
        kept = flow.report(begun)
        transfers = stream.report(begun, time.monotonic())
        expect("(drained)" in suite.multilinkctl("status"), "status tells")
        other.cut("carrier")
        suite.wait_active(2, better.device)
        other.repair("carrier")
        suite.wait_active(UP_AFTER_S, other.device)
        suite.multilinkctl("enable", "wan1")
        suite.wait_active(2, better.device)
    expect(kept["outage_ms"] <= 50, kept)
    expect(len(transfers) == 1 and transfers[0]["ended"] is None, transfers)
    return {"outage_ms": kept["outage_ms"], "lost": kept["lost"], "transfer_gap_ms": transfers[0]["longest_gap_ms"]}


def test_drain_and_wait(options):
    """It comes back when the last flow has ended, and at its timeout while one goes on; Ctrl-C ends the waiting alone."""
    with running(options) as (lab, suite):
        lab.stream_server()
        stream = lab.tcp_stream("download")
        time.sleep(CALM_S)
        out = suite.multilinkctl("drain", "wan1", "--wait", "--timeout", "2s", "--json", check=3)
        report = json.loads(out[out.index("{"):out.rindex("}") + 1])
        expect(report["end"] == "timeout" and report["flows_left"]["tcp"] >= 1, report)
        expect("flow is left (TCP 1)" in out or "flows are left (TCP" in out, out)
        suite.wait_active(2, "wan2")

        command = [f"{suite.bin}/multilinkctl", "--config", suite.config, "drain", "wan1", "--wait"]
        waiting = lab.gateway.popen(*command, stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL)
        time.sleep(2)
        waiting.send_signal(signal.SIGINT)
        said = waiting.communicate(timeout=10)[0]
        expect(waiting.returncode == 3 and "stays drained" in said, (waiting.returncode, said))
        expect(suite.health("wan1")["admin"] == "drained", "the order stays")

        waiting = lab.gateway.popen(*command, stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL)
        time.sleep(2)
        expect(waiting.poll() is None, "it waits")
        ended = time.monotonic()
        stream.close()
        said = waiting.communicate(timeout=60)[0]
        took = time.monotonic() - ended
        expect(waiting.returncode == 0 and "wan1: drained and empty; no flow is left" in said, (waiting.returncode, said))

        lab.tcp_stream("download")
        time.sleep(1)
        waiting = lab.gateway.popen(*command[:-2], "wan2", "--wait", stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL)
        time.sleep(2)
        suite.multilinkctl("enable", "wan2")
        said = waiting.communicate(timeout=10)[0]
        expect(waiting.returncode == 3 and "is no longer drained" in said, (waiting.returncode, said))
    return {"came_back_s": round(took, 1)}


def test_an_order_soon_after_another_lasts_too(options):
    """Redis refuses a snapshot while it writes that of the order before: a Redis that is killed forgets neither."""
    with running(options) as (_, suite):
        for mode, words in (("drained", ("enable", "drain")), ("", ("drain", "enable"))):
            for word in words:
                suite.multilinkctl(word, "wan2")
            time.sleep(2)  # until the snapshot is written
            suite.kill("redis")
            suite.start("redis")
            order = suite.redis().fields(suite.key("uplink", "wan2", "admin"))
            expect(bool(order) == bool(mode), (words, order))


def test_what_carries_all_the_same_is_not_empty(options):
    """Nobody is told that an uplink may be unplugged while routed, which does not run, leaves the traffic on it."""
    with running(options) as (lab, suite):
        suite.send("routed", signal.SIGSTOP)
        out = suite.multilinkctl("drain", "wan1", "--wait", "--timeout", "3s", check=3)
        expect("carries the default route all the same" in out and "the time to wait is over" in out, out)
        said = suite.multilinkctl("status")
        expect("wan1 is drained by its administrator, but still carries the traffic" in said, said)
        suite.send("routed", signal.SIGCONT)
        suite.wait_active(5, "wan2")
        out = suite.multilinkctl("drain", "wan1", "--wait", "--timeout", "30s")
        expect("drained and empty" in out and "all the same" not in out, out)


def drilled(lab):
    return "wan" in lab.gateway.run("nft", "list", "set", "inet", "multilink", "drilled").split("elements", 1)[-1]


def test_drill(options):
    """The report agrees with what a flow felt, and the traffic is back by itself."""
    with running(options) as (lab, suite):
        flow = lab.udp_flow()
        time.sleep(CALM_S)
        begun = time.monotonic()
        out = suite.multilinkctl("drill", "wan1", "--for", "8s", "--json")
        report = json.loads(out[out.index("{"):out.rindex("}") + 1])
        felt = flow.report(begun)
        expect(not drilled(lab), "it has ended")
        v4 = report["families"]["4"]
        expect(report["failed_over"] and report["came_back"], report)
        expect(v4["to"] == "wan2" and 0 <= v4["noticed_ms"] <= v4["switched_ms"] <= 3000, report)
        # A flow that is pinned moves when its pin has gone, after the route: on a busy machine half a second later.
        expect(v4["felt_ms"] == v4["switched_ms"], report)
        expect(-50 <= felt["outage_ms"] - v4["felt_ms"] <= 2000, (felt, report))
        expect(suite.active() == ["wan1"], suite.active())
    return {"felt_ms": felt["outage_ms"], **{name: v4[name] for name in ("noticed_ms", "switched_ms", "up_again_ms", "returned_ms")}}


def test_a_drill_ends_whatever_dies(options):
    """multilinkctl, routed and Redis are killed while a drill is on: it is over in its time."""
    with running(options) as (lab, suite):
        time.sleep(CALM_S)
        command = [f"{suite.bin}/multilinkctl", "--config", suite.config, "drill", "wan1", "--for", "8s"]
        process = lab.gateway.popen(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        suite.wait(lambda: drilled(lab), 3, "the drill is on")
        begun = time.monotonic()
        process.send_signal(signal.SIGKILL)
        process.wait()
        suite.kill("routed")
        suite.kill("redis")
        time.sleep(2)
        expect(drilled(lab), "it goes on")
        time.sleep(max(0, begun + 8.2 - time.monotonic()))
        expect(not drilled(lab), "it is over")
        suite.start("redis")
        suite.start("routed")
        suite.wait_status(5, wan1="FALSE")  # what was missed meanwhile
        suite.wait_status(UP_AFTER_S, wan1="TRUE")
        suite.wait_active(5, "wan1")
        expect(not drilled(lab), "it is not begun anew")
        process = lab.gateway.popen(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        suite.wait(lambda: drilled(lab), 3, "another one is on")
        for other in ("wan1", "wan2"):
            said = suite.multilinkctl("drill", other, "--for", "3s", "--force", check=2)
            expect("drill: that of wan1 is still on" in said, said)
        time.sleep(0.5)
        expect(drilled(lab), "it goes on though others were refused")
        process.send_signal(signal.SIGINT)
        suite.wait(lambda: not drilled(lab), 2, "Ctrl-C ends it")
        process.wait(timeout=10)
    return {}


def test_a_drill_that_is_cut_short_has_passed_nothing(options):
    """Ctrl-C, an order and a real failure end it at once, with a status of their own."""
    with running(options, sections="[wan1]\nup_after = 1s\n[wan2]\n") as (lab, suite):
        def cut_short(by, why, undo=lambda: None):
            drill = suite.start_multilinkctl("drill", "wan1", "--for", "5min")
            suite.wait(lambda: drilled(lab), 5, "the drill is on")
            time.sleep(1)
            by(drill)
            said = drill.communicate(timeout=10)[0]
            expect(drill.returncode == 4 and f"cut short: {why}" in said, (drill.returncode, said))
            suite.wait(lambda: not drilled(lab), 5, "the drill is over")
            undo()
            suite.wait_status(120, wan1="TRUE")

        cut_short(lambda drill: drill.send_signal(signal.SIGINT), "it was taken back before its time")
        cut_short(lambda _: suite.multilinkctl("drain", "wan1"), "drained by ", lambda: suite.multilinkctl("enable", "wan1"))
        cut_short(lambda _: lab.isps[0].cut("carrier"), "it failed in earnest: wan1 has no carrier",
                  lambda: lab.isps[0].repair("carrier"))


def test_a_drill_without_another_uplink_is_refused(options):
    with running(options) as (lab, suite):
        lab.isps[1].cut("carrier")
        suite.wait(lambda: suite.status("wan2") == "FALSE", 5, "wan2 is down")
        time.sleep(1)
        said = suite.multilinkctl("drill", "wan1", "--for", "5s", check=2)
        expect("no other uplink is usable" in said and not drilled(lab), said)
        suite.multilinkctl("drill", "wan1", "--for", "11min", check=64)
        suite.multilinkctl("drill", "wan9", "--for", "5s", check=64)
        expect("the drill of wan1 is refused: no other uplink is usable" in suite.log("routed"), suite.log("routed"))
    return {}


if __name__ == "__main__":
    main(globals())
