# SPDX-License-Identifier: GPL-2.0-or-later
"""The measuring tools of tests/lab/tools as Python objects: a command a line in, a line of JSON out."""

import json
import select
import subprocess
import time


class Tool:
    def __init__(self, namespace, *command):
        self._process = namespace.popen(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.name = command[0].rsplit("/", 1)[-1]

    def read(self, timeout=60):
        # An answer is one write of less than a pipe's capacity: once it begins, the whole line is there.
        if not select.select([self._process.stdout], [], [], timeout)[0]:
            raise TimeoutError(f"{self.name}: no answer within {timeout} s")
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended with status {self._process.wait()}")
        return json.loads(line)

    def ask(self, line, timeout=60):
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self.read(timeout)

    @property
    def pid(self):
        return self._process.pid

    def close(self):
        self._process.stdin.close()
        self._process.wait(timeout=5)
        self._process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class DelayLink(Tool):
    """The long-distance line between two namespaces. Both TUN devices exist once this is constructed."""

    def __init__(self, tools, near, near_device, far, far_device):
        super().__init__(near, f"{tools}/delay_link", near.path, near_device, far.path, far_device)
        self.read()

    def set(self, direction="both", **values):
        """direction: both, ab (from the near end), ba. Keys: delay_us, jitter_us, rate_bps, queue_us, loss_percent."""
        self.ask(f"set {direction} " + " ".join(f"{key} {value}" for key, value in values.items()))

    def stats(self):
        return self.ask("stats")


class Server(Tool):
    """An answering server; ready once constructed."""

    def __init__(self, namespace, *command):
        super().__init__(namespace, *command)
        self.read()


class UdpFlow(Tool):
    def alive(self, source="", timeout=30):
        """Waits until a packet sent from now on, having left as address `source`, is answered: gives the time."""
        return self.ask(f"alive {source}".strip(), timeout)["alive"]

    def report(self, start, end=None):
        """The figures of the packets sent from `start` to `end` (default: now), times of time.monotonic(). Blocks
        until a second after `end`, for the last answers. outage_ms is the longest run of unanswered packets
        times the sending interval; gaps lists the runs; sources says by which uplink address packets went,
        source_changes how often that changed."""
        return _report(self, start, end)


class TcpFlow(Tool):
    def report(self, start, end=None):
        """The figures of the connections begun from `start` to `end`; blocks until all of them have ended."""
        return _report(self, start, end)


class TcpStream(Tool):
    def report(self, start, end=None):
        """The connections that lived from `start` to `end`, oldest first: begun, connected, ended (None: lives on), error,
        progress (how often data got on) and longest_gap_ms (how long it did not)."""
        return _report(self, start, end)["connections"]


class StreamServer(Server):
    def report(self, start, end=None):
        """How many connections are "open" now, and those that "ended" from `start` to `end`: at, source, error."""
        return _report(self, start, end)


def _report(tool, start, end):
    now = time.monotonic()
    end = now if end is None else end
    return tool.ask(f"report {start:.9f} {end:.9f}", max(0, end - now) + 30)
