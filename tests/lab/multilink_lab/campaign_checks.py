# SPDX-License-Identifier: GPL-2.0-or-later
"""What must hold at any time of a campaign: each check raises AssertionError with what it saw."""

import json
import os
import re

from multilink_lab.campaign_wishes import EXTRA_PORT, MARK_MASK
from multilink_lab.scenario import expect
from multilink_lab.suite import DAEMONS

# What a process may grow by from a quarter of a minute after its start on: heaps settle, and Redis keeps probes and history.
WARM_S = 15
# routed reads all connections when they get other marks, the first time far into its life, and the heap keeps the room: of some
# 5000 it takes 2 MB, and hardly more for 32 such changes.
MOST_GROWTH_KIB = {"redis": 12 * 1024, "routed": 3 * 1024}
MOST_GROWTH_OF_A_DAEMON_KIB = 1536
MOST_MORE_FILES = 3
PROBES_MARK = 0x3F


def is_sanitised(bin_dir):
    with open(f"{bin_dir}/pingd", "rb") as file:
        return b"libasan.so" in file.read()


class Agreement:
    """What Redis, the kernel, multilinkctl and the page say of the uplinks: the same, and the truth."""

    def __init__(self, lab, suite):
        self._lab = lab
        self._suite = suite

    def _shown(self):
        """By multilinkctl, and by the page."""
        run = self._lab.gateway.run
        ctl = json.loads(run(f"{self._suite.bin}/multilinkctl", "--config", self._suite.config, "status", "--json", check=False) or "{}")
        page = run("env", "REQUEST_METHOD=GET", "QUERY_STRING=format=json", f"MULTILINK_CONFIG={self._suite.config}",
                   f"{self._suite.bin}/status.cgi", check=False)
        page = page.replace("\r", "").split("\n\n", 1)
        return ctl, json.loads(page[1]) if len(page) == 2 else {}

    def doubts(self, wishes, dead):
        """What does not agree now, in words; none if all is well. `wishes`: of the administrator; `dead`: the devices that cannot
        carry anything."""
        try:
            return self._doubts(wishes, dead)
        except (OSError, ConnectionError, ValueError, KeyError, TypeError, TimeoutError) as error:
            return [f"{type(error).__name__}: {error}"]

    def _doubts(self, wishes, dead):
        order = wishes.order
        ctl, page = self._shown()
        if "uplinks" not in ctl or "uplinks" not in page:
            return [f"no status: {ctl.get('unavailable')}; {page.get('unavailable')}"]
        out = []
        views = [{uplink["name"]: (uplink["status"], uplink["families"]["4"]["status"], uplink["families"]["4"]["state"],
                                   uplink["families"]["4"]["carries_default"]) for uplink in shown["uplinks"]}
                 for shown in (ctl, page)]
        if views[0] != views[1]:
            out.append(f"multilinkctl says {views[0]}, the page {views[1]}")
        if not wishes.shows(list(views[0])):
            out.append(f"the order is {list(views[0])}, not {order}")
        orders = {uplink["name"]: uplink["admin"] for uplink in ctl["uplinks"] if uplink["admin"]}
        if orders != wishes.orders:
            out.append(f"ordered is {orders}, not {wishes.orders}")
        if bool(wishes.policy) != (f" dport {EXTRA_PORT} " in self._lab.gateway.run("ip", "rule")):
            out.append(f"the kernel's rules do not have the policy {wishes.policy or 'that is no more'} as it is")
        for name, view in views[0].items():
            if self._suite.status(name, 4) != {True: "TRUE", False: "FALSE"}[view[1]]:
                out.append(f"{name}: Redis says {self._suite.status(name, 4)}, multilinkctl {view}")
            if view[1] != (view[2] == "up"):
                out.append(f"{name}: its status is {view[1]}, its state {view[2]}")
            if name in dead and view[1]:
                out.append(f"{name} is dead, and its status TRUE")
        out += [f"{daemon['name']}: {daemon['reason']}" for daemon in ctl["daemons"] if not daemon["reports"]]
        out += [f"{problem['where']}: {problem['reason']}" for problem in ctl["problems"]]
        if ctl["routing"]["sync"] != "in_sync":
            out.append(ctl["routing"]["sync"])
        carrying = [name for name in order if views[0].get(name, [False] * 4)[3]]
        if not carrying or set(carrying) != set(self._suite.active()) or self._lab.path_of() not in carrying:
            out.append(f"{carrying} carry by multilinkctl, {self._suite.active()} by routed, {self._lab.path_of()} by the kernel")
        usable = [name for name in order if views[0].get(name, [False] * 4)[1]]
        wanted = wishes.carriers(usable)
        # Who has been left waits for the administrator, however well he is: one of the others that are well carries.
        drained = set(wishes.orders)
        is_held = wishes.is_manual() and set(carrying) <= set(usable) and (not set(carrying) & drained or set(usable) <= drained)
        if usable and carrying != wanted and not is_held:
            out.append(f"{usable} are usable in this order, ordered is {wishes.orders}, {wishes.weights} share, {carrying} carry")
        return out

    def usable(self):
        return [isp.device for isp in self._lab.isps if self._suite.status(isp.device, 4) == "TRUE"]


class ManualReturns:
    """Under failback = manual: who was left by the traffic waits for the administrator. It goes by routed's log, which has each move
    with its reason."""

    def __init__(self, suite):
        self._suite = suite
        self._waiting = set()
        self._read = 0  # of the log
        self._well = set()  # at the last look

    def released(self):
        self.early(set())
        self._waiting.clear()

    def early(self, well):
        """The moves to an uplink that was waiting, for no other reason than that it is up, from one that was and is `well`; each as
        it was told."""
        log = self._suite.log("routed")
        end = log.rfind("\n") + 1
        out = []
        for left, taken, reason in re.findall(r"IPv4 moves from (\S+) to (\S+): (.*)", log[self._read:end]):
            if taken in self._waiting and left in well & self._well and reason.startswith(f"{taken} up"):
                out.append(f"{left} to {taken}: {reason}")
            self._waiting.add(left)
            self._waiting.discard(taken)
        self._read, self._well = end, well
        return out


class Resources:
    """Memory and descriptors of each process, as long as it lives."""

    def __init__(self, suite):
        self._suite = suite
        self.seen = {}  # by process: (name, [(age, RSS in KiB, descriptors)])
        self._measures_memory = not is_sanitised(suite.bin)

    def look(self, now, started):
        """`started`: when each process was, by name. Those that are not there are left out."""
        for name, begun in started.items():
            pid = self._suite.pid(name)
            with open(f"/proc/{pid}/status", encoding="ascii") as file:
                rss = int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))
            self.seen.setdefault(pid, (name, []))[1].append((now - begun, rss, len(os.listdir(f"/proc/{pid}/fd"))))

    def judge(self):
        """Gives the most that a process of each name has grown, in KiB."""
        growth = {}
        for name, samples in self.seen.values():
            warm = [sample for sample in samples if sample[0] >= WARM_S]
            if len(warm) < 2:
                continue
            (_, rss, files), (age, last_rss, last_files) = warm[0], warm[-1]
            growth[name] = max(growth.get(name, 0), last_rss - rss)
            most = MOST_GROWTH_KIB.get(name, MOST_GROWTH_OF_A_DAEMON_KIB)
            expect(last_rss - rss <= most or not self._measures_memory,
                   f"memory: {name} has grown from {rss} to {last_rss} KiB until it was {age:.0f} s old")
            expect(last_files - files <= MOST_MORE_FILES, f"descriptors: {name} had {files}, and has {last_files}")
        return growth


def owned(lab):
    """All of multilink's in the kernel but for what lasts a while: rules, routes, the nftables table without its sets."""
    words = ("proto", "109")
    routes = lab.gateway.run("ip", "-4", "route", "show", "table", "all", *words)
    rules = lab.gateway.run("ip", "-4", "rule", "show", *words)
    table = lab.gateway.run("nft", "--stateless", "list", "table", "inet", "multilink")
    table = re.sub(r"elements = \{[^}]*\}", "", table)
    # The rules that ask the sets are there for a minute after the last eviction.
    table = re.sub(r"(?m)^.*(@drilled|@orphaned|l4proto tcp (goto|jump) evicted|tcp flags & rst == rst accept).*\n", "", table)
    return [[line.strip() for line in part.splitlines() if line.strip()] for part in (rules, routes, table)]


def check_owned(before, after):
    for name, old, new in zip(("rules", "routes", "nftables"), before, after):
        more, less = sorted(set(new) - set(old)), sorted(set(old) - set(new))
        expect(sorted(old) == sorted(new), f"{name} are not what they were: {more} more, {less} less; {len(old)} before, {len(new)} now")


def check_connection_marks(lab):
    """No connection bears a mark of multilink's that is no uplink's. Gives how many do, by uplink."""
    counts = {}
    for line in lab.gateway.run("cat", "/proc/net/nf_conntrack").splitlines():
        mark = int(re.search(r"\bmark=(\d+)", line).group(1)) if "mark=" in line else 0
        value = mark >> 24 & 0x3F
        expect(not mark & ~MARK_MASK, f"connection marks: bits of another mark_mask: {line}")
        expect(value <= len(lab.isps) or value == PROBES_MARK, f"connection marks: {line}")
        counts[value] = counts.get(value, 0) + 1
    return counts


def died(suite):
    return {name: status for name, status in suite.died().items() if name in (*DAEMONS, "redis")}
