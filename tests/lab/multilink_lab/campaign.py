# SPDX-License-Identifier: GPL-2.0-or-later
"""A reliability campaign: random faults by dice on the suite under traffic, one after the other and on top of each other,
and what has to hold all the time."""

import dataclasses
import heapq
import itertools
import json
import statistics
import time

from multilink_lab.campaign_checks import Agreement, ManualReturns, Resources, check_connection_marks, check_owned, died, owned
from multilink_lab.default_watch import DefaultWatch

# The promises are those of docs/detection.md and docs/operations.md, with room for a busy machine. A silence is noticed
# within 4 s even where the probes must not ask (docs/detection.md, limits of echo requests); some 110 ms are usual.
SILENCE_MS = 6000
AT_ONCE_MS = 1000  # what the kernel tells: some 25 ms are usual
LOSSY_MS = 1500  # longest silence of a flow on a link that loses at random
IN_FLIGHT_MS = 250  # what is on the way when a flow moves: the longest round trip is 80 ms
MEDIAN_SILENCE_MS = 1000
DEAD_IS_KNOWN_S = 12  # of any uplink, also one without traffic
REJOIN_S = 4  # of daemons and Redis when the last of them is there again
AGREE_S = 2 + 1.5  # promised are 2 s; asking takes its time, too
STREAM_MEMORY_S = 30  # how long after a fault of its uplink a connection may break
OWN_DEFAULT_MAY_GO = ("device removed", "set down", "address gone", "new address", "all of ours deleted")
# The watch over users' traffic sees what a drill drops; of what flaps the pauses are part of what is measured.
NOTICED_LATE = ("drill", "flapping")


@dataclasses.dataclass
class Step:
    """One fault: what was done when, what it may cost, and what it did cost."""

    at: float
    kind: str
    text: str
    device: str | None = None  # the uplink that is concerned
    allowed_ms: float = 0  # of outage for the flow, if it goes by `device`, or in any case without one
    needs: str = "all"  # who must be there for that: "routed", or "all"; else it counts from their return
    settles_s: float = 0  # what it takes until all can agree, where the promise is not 2 s
    overlaps: bool = False  # the next one need not wait until all is well again
    carrying: str | None = None
    outage_ms: float = 0
    lost: int = 0
    tcp_ms: float = 0
    agreed_s: float | None = None
    is_hit: bool = False
    was_unwatched: bool = False  # somebody who had to notice or to act was away
    also: tuple = ()  # further uplinks that are concerned


class Broken(AssertionError):
    """An invariant does not hold."""


class Campaign:
    def __init__(self, lab, suite, dice, wishes, flow, streams, say=print):
        self.lab, self.suite, self.dice, self.wishes = lab, suite, dice, wishes
        self.flow, self._streams, self._say = flow, streams, say
        self.begun = time.monotonic()
        self.steps = []
        self.faults = {}  # by device: (kind, since), while it lasts
        self.touched = {isp.device: [] for isp in lab.isps}  # intervals [from, to or None] of faults
        self.impaired = {}  # who does not run as it should, by name: since when
        self.recovered = self.begun  # when the last of them was well again
        self.changed = self.begun  # when something was undone the last time
        self.started = {name: self.begun for name in ("redis", "pingd", "healthd", "routed")}
        self.calm = []  # intervals in which nothing was wrong but what faults had left: (from, to)
        self.cutting = []  # intervals in which a return cuts connections: [from, to or None]
        self.agreement = Agreement(lab, suite)
        self._returns = ManualReturns(suite)
        self.resources = Resources(suite)
        self._defaults = DefaultWatch(lab, lab.gateway)
        self._gaps_seen = {True: 0, False: 0}
        self._due = []
        self._numbers = itertools.count()
        self._before = owned(lab)

    # --- time

    def say(self, text, at=None):
        self._say(f"{(at or time.monotonic()) - self.begun:8.2f}  {text}", flush=True)

    def later(self, seconds, text, action, needs_all=False):
        """`needs_all`: it waits until nobody is impaired."""
        heapq.heappush(self._due, (time.monotonic() + seconds, next(self._numbers), text, action, needs_all))

    def run_due(self, everything=False):
        """`everything`: what is due later, too, but not what is put off meanwhile."""
        due, self._due = sorted(self._due), []
        now = time.monotonic()
        for entry in due:
            at, _, text, action, needs_all = entry
            if (at > now and not everything) or (needs_all and self.impaired):
                heapq.heappush(self._due, entry)
                continue
            self.say(f"  {text}")
            action()
            self.changed = time.monotonic()

    def pause(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.run_due()
            self._check_lives()
            time.sleep(min(left, 0.05))

    # --- what faults tell

    def isp(self, device):
        return next(isp for isp in self.lab.isps if isp.device == device)

    def begin_fault(self, device, kind):
        now = time.monotonic()
        self.faults[device] = kind, now
        self.touched[device].append([now, None])

    def end_fault(self, device):
        del self.faults[device]
        self.touched[device][-1][1] = time.monotonic()

    def impair(self, *names):
        for name in names:
            self.impaired[name] = time.monotonic()

    def is_well_again(self, *names):
        for name in names:
            del self.impaired[name]
        self.recovered = time.monotonic()

    def is_away_for(self, action, *names):
        """Does what ends and starts some processes."""
        self.impair(*names)
        action()
        for name in names:
            self.started[name] = time.monotonic()
        self.is_well_again(*names)

    def reload(self):
        """By the file that is there now; the administrator has spoken."""
        self._returns.released()
        self.suite.reload()
        self.changed = time.monotonic()
        is_open = bool(self.cutting) and self.cutting[-1][1] is None
        if self.wishes.cuts_at_a_return() and not is_open:
            self.cutting.append([self.changed, None])
        elif is_open and not self.wishes.cuts_at_a_return():
            self.cutting[-1][1] = self.changed + AGREE_S

    def forget_orders(self):
        """Redis has lost its data."""
        for device, state in self.wishes.orders.items():
            if state == "disabled":
                self.end_fault(device)
        self.wishes.orders.clear()

    def sound_uplinks(self):
        """Those that may carry, for all that is known, and nothing was done to for a while."""
        if "redis" in self.impaired or "healthd" in self.impaired or "pingd" in self.impaired:
            return []
        now = time.monotonic()
        try:
            usable = self.agreement.usable()
        except (OSError, ConnectionError, TimeoutError):
            return []
        return [device for device in usable if device not in self.faults and device in self.wishes.order
                and all(to < now - 2 for _, to in self.touched[device][-1:])]

    # --- the loop

    def run(self, draw, seconds):
        """`draw` gives the next Step, having done what it tells, or None if nothing can be done now."""
        end = time.monotonic() + seconds
        self._settle(self._step("begin", "nothing is wrong yet"))
        while time.monotonic() < end:
            step = draw(self)
            if step is None:
                self.pause(0.2)
                continue
            self.take(step)
        self.finish()

    def _step(self, kind, text):
        step = Step(time.monotonic(), kind, text, carrying=self.lab.path_of())
        self.steps.append(step)
        return step

    def take(self, step):
        self.steps.append(step)
        self.say(f"{step.kind}: {step.text}" + (f" (by {step.carrying} goes the traffic)" if step.device else ""), step.at)
        self._settle(step)
        self._look_at_resources()
        begun = time.monotonic()
        if not step.overlaps:
            self.pause(self.dice.uniform(0.2, 1.2))
            if not self.impaired:
                self.calm.append((begun, time.monotonic()))

    def finish(self):
        """All is repaired; everything has to be as it was."""
        self.say("the end: all is repaired")
        while self._due:
            self.run_due(everything=True)
        self._settle(self._step("end", "all is repaired"))

    def finish_as_begun(self):
        """To be called when all uplinks are usable again."""
        self._settle(self._step("all usable", "every uplink is usable again"))
        expected = [name for name in self.wishes.order if name not in self.agreement.usable()]
        self._expect(not expected, f"{expected} not usable")
        self.check_owned()
        marks, growth = self.check_connection_marks(), self.judge_resources()
        self.check_streams()
        self._check_medians()
        return {"growth_kib": growth, "connections_by_mark": marks, "overruns_of_the_watch": self._defaults.overruns}

    # --- what must hold

    def _expect(self, condition, text):
        if not condition:
            raise Broken(f"{text}\n  at {time.monotonic() - self.begun:.2f} s; the last faults:\n" + "\n".join(
                f"  {step.at - self.begun:8.2f}  {step.kind}: {step.text}" for step in self.steps[-5:])
                + f"\n  faulty now: {self.faults}; impaired now: {sorted(self.impaired)}")

    def check_owned(self):
        self._checked(check_owned, self._before, owned(self.lab))

    def check_connection_marks(self):
        return self._checked(check_connection_marks, self.lab)

    def judge_resources(self):
        return self._checked(self.resources.judge)

    def _checked(self, check, *arguments):
        try:
            return check(*arguments)
        except Broken:
            raise
        except AssertionError as error:
            self._expect(False, str(error))

    def _check_lives(self):
        self._expect(not died(self.suite), f"ended by itself: {died(self.suite)}")

    def _settle(self, step):
        """Until the traffic flows and all agree on what is so; measures, and judges, what it took."""
        self._await_agreement(step)
        while not self._judge_flow(step):
            self.run_due()
            self._check_lives()
        self.check_defaults(step)

    def _await_agreement(self, step):
        while True:
            self.run_due()
            self._check_lives()
            now = time.monotonic()
            if self.impaired:
                if step.overlaps:
                    return
                time.sleep(0.05)
                continue
            dead = {device for device, (kind, _) in self.faults.items() if kind != "loss"}
            doubts = self.agreement.doubts(self.wishes, dead)
            if not doubts:
                self._judge_return()
                step.agreed_s = round(time.monotonic() - max(step.at, self.recovered), 2)
                return
            settles_s = max(step.settles_s, DEAD_IS_KNOWN_S if step.device or self.faults else 0)
            latest = max(step.at + settles_s, self.changed, self.recovered + REJOIN_S) + AGREE_S
            self._expect(now < latest, f"they do not agree {now - max(step.at, self.recovered):.1f} s after the last change: {doubts}")
            time.sleep(0.1)

    def _judge_return(self):
        """With failback = manual nothing returns by itself to an uplink that was left."""
        well = set(self.sound_uplinks()) - set(self.wishes.orders) if self.wishes.is_manual() else set()
        early = self._returns.early(well)
        self._expect(not early, f"failback is manual, and the traffic has returned by itself: {early}")

    def _judge_flow(self, step):
        """Whether the flow goes on; what it has lost is judged anyway."""
        report, sources, (allowed, why) = self._seen_of_flow(step)
        if step.outage_ms > allowed:
            # It may be about to move: what tells that is still on its way.
            time.sleep(2 * IN_FLIGHT_MS / 1000)
            report, sources, (allowed, why) = self._seen_of_flow(step)
        self._expect(step.outage_ms <= allowed, f"the flow stood still for {step.outage_ms:.0f} ms, allowed are {allowed:.0f} ({why}): "
                     f"{step.lost} of {report['sent']} packets lost from {report['from']:.3f} on, {list(sources)}, {report['gaps'][:5]}")
        return any(row["last"] >= report["to"] - 0.2 for row in sources.values())

    def _seen_of_flow(self, step):
        begun, now = step.at - 0.3, time.monotonic()
        report = self.flow.report(begun, now)
        # What was on its way at a move just before that is lost in this window, too.
        moves = self.flow.report(begun - IN_FLIGHT_MS / 1000, now)["source_changes"]
        rows = [(isp.device, report["sources"][source]) for isp in self.lab.isps for source in isp.sources if source in report["sources"]]
        sources = dict(sorted(rows, key=lambda row: row[1]["last"]))  # of one uplink's addresses the latest
        step.lost, step.outage_ms = report["lost"], report["outage_ms"]
        step.is_hit = step.allowed_ms > 0 and bool({step.device, *step.also} & {None, step.carrying, *sources})
        return report, sources, self._allowed_ms(step, moves, sources)

    def _allowed_ms(self, step, moves, sources):
        choices = [(0, "nothing that carries was touched")]
        if moves > 0:
            choices.append((IN_FLIGHT_MS, "it moved"))
        if any(self._was_lossy(device, step.at) for device in {*sources, step.carrying}):
            choices.append((LOSSY_MS, "a link that loses"))
        # Who died with an uplink's fault unknown to him has it still to find out.
        if step.is_hit or (self.faults and self.recovered > step.at - REJOIN_S):
            allowed, why = step.allowed_ms if step.is_hit else SILENCE_MS, step.kind
            missing = self._was_missing(step)
            step.was_unwatched = step.was_unwatched or bool(missing)
            if missing or not step.is_hit:
                allowed = SILENCE_MS + 1000 * (REJOIN_S + max(0, (time.monotonic() if self.impaired else self.recovered) - step.at))
                why += f", and {sorted(missing) or 'somebody'} was away"
            choices.append((allowed, why))
        return max(choices)

    def _was_missing(self, step):
        """Who was not well in this step, of those that matter for its promise."""
        missing = set(self.impaired)
        if self.recovered > step.at - REJOIN_S:
            missing.add("somebody")
        others = [device for device in self.faults if device not in (step.device, *step.also)]
        if step.needs == "routed" and not others and missing <= {"redis", "pingd", "healthd"}:
            return set()
        return missing

    def _was_lossy(self, device, since):
        kind, _ = self.faults.get(device, (None, None))
        ended = [to for _, to in self.touched.get(device, ()) if to and to >= since - 1]
        return kind in ("loss", "silence") or bool(ended)

    def check_defaults(self, step):
        for ours, name in ((True, "default of multilink's"), (False, "default at all")):
            gaps = self._defaults.gaps(ours)
            news, self._gaps_seen[ours] = gaps[self._gaps_seen[ours]:], len(gaps)
            for begun, ended in news:
                length_ms = (ended - begun) * 1000
                explained = [s for s in self.steps if s.kind in OWN_DEFAULT_MAY_GO and s.at - 0.2 <= begun <= s.at + DEAD_IS_KNOWN_S]
                away_ms = 1000 * max(0, self.recovered + 1 - begun) if self._was_missing(step) else 0
                self._expect(explained and length_ms <= AT_ONCE_MS + away_ms,
                             f"no {name} for {length_ms:.1f} ms from {begun - self.begun:.2f} s on")

    def _look_at_resources(self):
        there = {name: begun for name, begun in self.started.items() if name not in self.impaired}
        self.resources.look(time.monotonic(), there)

    def check_streams(self):
        """Long connections by one uplink each: none breaks but by a fault of its own, and in calm times none stands still."""
        # Until the table is back nothing is translated, and the kernel answers what comes in for a translated connection. Until
        # the rules are back a pinned one may leave by another uplink, and the kernel forgets its translation.
        flushes = [(step.at, step.at + 1) for step in self.steps if step.kind in ("nft flush ruleset", "all of ours deleted")]
        for device, stream in self._streams.items():
            spans = [(begun, ended or float("inf")) for begun, ended in self.touched[device]]
            for row in stream.report(self.begun):
                if row["connected"] is None or row["ended"] is None:
                    continue
                self._expect(any(begun <= row["ended"] <= ended + STREAM_MEMORY_S for begun, ended in spans + flushes),
                             f"a connection by {device}, which was well, ended at {row['ended'] - self.begun:.2f} s: {row}")
            for begun, ended in self.calm:
                if ended - begun < 0.5 or any(a <= ended and b + STREAM_MEMORY_S >= begun for a, b in spans):
                    continue
                for row in stream.report(begun, ended):
                    self._expect(row["longest_gap_ms"] <= LOSSY_MS, f"a connection by {device} stood still from {begun - self.begun:.2f} s on: {row}")

    def _check_medians(self):
        outages = [step.outage_ms for step in self.steps if step.is_hit and step.allowed_ms == SILENCE_MS and not step.overlaps
                   and not step.was_unwatched and step.kind not in NOTICED_LATE]
        if len(outages) >= 3:
            self._expect(statistics.median(outages) <= MEDIAN_SILENCE_MS, f"silences took {sorted(outages)} ms")

    def judge_tcp(self, tcp):
        """The short connections of the whole run; when it has ended, since it waits for all of them."""
        failed = 0
        for begun, ended in self.calm:
            if ended - begun < 1.2 or any(a - 1 <= ended and (b or ended) + 1 >= begun
                                          for spans in (*self.touched.values(), self.cutting) for a, b in spans):
                continue
            report = tcp.report(begun, ended - 1)
            self._expect(report["failed"] == 0, f"connections begun in calm failed from {begun - self.begun:.2f} s on: {report}")
        for step, after in zip(self.steps, self.steps[1:]):
            report = tcp.report(step.at, after.at)
            step.tcp_ms = report["longest_without_success_ms"]
            failed += report["failed"]
        return failed

    # --- what is told

    def summary(self):
        """By kind: how many, how many of them hit what carried, and the outages of these."""
        out = {}
        for step in self.steps:
            out.setdefault(step.kind, []).append(step)
        rows = {}
        for kind, steps in sorted(out.items()):
            hits = [step.outage_ms for step in steps if step.is_hit] or [step.outage_ms for step in steps]
            agreed = [step.agreed_s for step in steps if step.agreed_s is not None]
            rows[kind] = {"faults": len(steps), "on_what_carried": sum(step.is_hit for step in steps),
                          "median_ms": round(statistics.median(hits)), "worst_ms": round(max(hits)),
                          "worst_tcp_ms": round(max(step.tcp_ms for step in steps)), "agreed_s": max(agreed, default=None)}
        return rows

    def print_summary(self):
        self._say(f"{'kind':22} {'faults':>6} {'hit':>4} {'median ms':>9} {'worst ms':>8} {'TCP ms':>7} {'agreed s':>8}")
        for kind, row in self.summary().items():
            self._say(f"{kind:22} {row['faults']:6} {row['on_what_carried']:4} {row['median_ms']:9} {row['worst_ms']:8} "
                      f"{row['worst_tcp_ms']:7} {row['agreed_s'] if row['agreed_s'] is not None else '-':>8}")

    def write_json(self, path, **more):
        steps = [{**dataclasses.asdict(step), "at": round(step.at - self.begun, 3)} for step in self.steps]
        with open(path, "w", encoding="utf-8") as file:
            json.dump({**more, "by_kind": self.summary(), "steps": steps}, file, indent=1)
