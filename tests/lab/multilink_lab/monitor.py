# SPDX-License-Identifier: GPL-2.0-or-later
"""What changes in a namespace's addresses, routes and rules, and when: the words of `ip monitor`."""

import datetime
import re
import subprocess
import time

from multilink_lab.waiting import wait_until

OURS = re.compile(r"\bproto 109\b")


class Monitor:
    """Listens from its construction on."""

    def __init__(self, lab, namespace):
        self._path = f"{lab.directory}/monitor-{time.monotonic_ns()}.log"
        self._namespace = namespace
        with open(self._path, "wb") as log:
            self._process = subprocess.Popen(["ip", "-n", namespace.name, "-ts", "-o", "monitor", "address", "route",
                                              "rule"], stdout=log, stdin=subprocess.DEVNULL)
        lab.keep(self)
        self._mark(64000)

    def _mark(self, priority):
        """Waits until a rule of its own that came and went is told of: what happened before then has been, too. (At
        first, until it listens.)"""
        def is_told():
            self._namespace.ip(f"rule add pref {priority} table 64000", f"rule del pref {priority} table 64000")
            return f"Deleted {priority}:" in self._text()
        wait_until(is_told, 5, what="ip monitor tells of a rule")

    def _text(self):
        with open(self._path, encoding="utf-8") as file:
            return file.read()

    def events(self):
        """All so far: (seconds on the clock of time.time(), text), without its own."""
        self._mark(64001 + time.monotonic_ns() % 1000)
        out = []
        for line in self._text().splitlines():
            stamp, text = re.match(r"\[(\S+)\] (.*)", line).groups()
            if "lookup 64000" not in text:
                out.append((datetime.datetime.fromisoformat(stamp).timestamp(), text.replace("\\", " ")))
        return out

    def close(self):
        if self._process:
            self._process.terminate()
            self._process.wait()
            self._process = None


def delay_ms(events, cause, effect):
    """From the last event that matches `cause` to the first one of ours after it that matches `effect`: regular
    expressions. Asserts that there are both."""
    begun = [when for when, text in events if re.search(cause, text) and not OURS.search(text)]
    assert begun, f"nothing like '{cause}' in {events}"
    ended = [when for when, text in events if when >= begun[-1] and re.search(effect, text) and OURS.search(text)]
    assert ended, f"nothing of ours like '{effect}' after '{cause}' in {events}"
    return round((ended[0] - begun[-1]) * 1000, 2)
