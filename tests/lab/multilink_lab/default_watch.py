# SPDX-License-Identifier: GPL-2.0-or-later
"""How many IPv4 defaults a namespace has, from instant to instant, by the kernel's own notifications."""

import dataclasses
import errno
import select
import socket
import struct
import threading
import time

_NEWLINK, _DELLINK, _DELADDR, _NEWROUTE, _DELROUTE, _GETROUTE, _DONE = 16, 17, 21, 24, 25, 26, 3
_GROUPS = 1 | 1 << 4 | 1 << 6  # links, IPv4 addresses and routes
_DUMP, _REQUEST, _REPLACE = 0x300, 1, 0x100
_IFF_UP, _UNICAST, _MAIN, _OURS, _PASSING = 1, 1, 254, 109, 7000
_OIF, _GATEWAY, _PRIORITY, _MULTIPATH, _TABLE = 4, 5, 6, 9, 15
_SO_RCVBUFFORCE = 33
_BUFFER = 64 << 20


@dataclasses.dataclass(frozen=True)
class _Default:
    table: int
    metric: int
    hops: tuple  # (index of the device, gateway) of each
    is_ours: bool


def _attributes(data):
    found = {}
    while len(data) >= 4:
        size, kind = struct.unpack_from("HH", data)
        if size < 4:
            break
        found[kind] = data[4:size]
        data = data[size + 3 & ~3:]
    return found


def _hops(data):
    """Of an RTA_MULTIPATH."""
    hops = []
    while len(data) >= 8:
        size, _, _, device = struct.unpack_from("HBBi", data)
        if size < 8:
            break
        hops.append((device, _attributes(data[8:size]).get(_GATEWAY)))
        data = data[size + 3 & ~3:]
    return tuple(hops)


def _default_of(payload):
    """What a route message tells of, if that is a default by a device, in `main` or in the table that goes before it."""
    family, length, _, _, table, protocol, _, kind = struct.unpack_from("8B", payload)
    if family != socket.AF_INET or length != 0 or kind != _UNICAST:
        return None
    found = _attributes(payload[12:])
    number = lambda kind, otherwise=0: struct.unpack("I", found[kind])[0] if kind in found else otherwise
    table = number(_TABLE, table)
    if table not in (_MAIN, _PASSING):
        return None
    hops = _hops(found[_MULTIPATH]) if _MULTIPATH in found else ((number(_OIF), found.get(_GATEWAY)),)
    return _Default(table, number(_PRIORITY), hops, protocol == _OURS)


class DefaultWatch:
    """Listens from its construction on, in a thread of its own, which takes part in nothing else."""

    def __init__(self, lab, namespace):
        self._defaults = set()
        self._down = set()  # indices of devices that are not up
        self._lock = threading.Lock()
        self.overruns = 0  # how often notifications were lost; what is there was asked for anew then
        with namespace.entered():
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        self._socket.bind((0, _GROUPS))
        self._none_since = {True: None, False: None}  # ours; any
        self._gaps = {True: [], False: []}
        self._is_asking = self._asks_again = False
        self._ask()
        self._ending = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        lab.keep(self)

    def gaps(self, ours):
        """When there was no default (of ours; of anybody): a list of (from, to), times of time.monotonic(). A gap that lasts
        ends now."""
        with self._lock:
            since = self._none_since[ours]
            return self._gaps[ours] + ([(since, time.monotonic())] if since is not None else [])

    def _ask(self):
        self._is_asking, self._asks_again = True, False
        self._defaults.clear()
        self._socket.send(struct.pack("IHHII8BI", 28, _GETROUTE, _REQUEST | _DUMP, 1, 0, socket.AF_INET, *[0] * 8))

    def _run(self):
        while not self._ending:
            if not select.select([self._socket], [], [], 0.5)[0]:
                continue
            try:
                data = self._socket.recv(1 << 16)
            except BlockingIOError:
                continue
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    return
                self.overruns += 1
                self._ask()
                continue
            self._take(data)

    def _take(self, data):
        while len(data) >= 16:
            size, kind, flags, sequence, _ = struct.unpack_from("IHHII", data)
            payload = data[16:size]
            if kind in (_NEWLINK, _DELLINK):
                self._take_link(kind, payload)
            elif kind == _DELADDR:  # the kernel takes routes away with it, without a word
                if self._is_asking:
                    self._asks_again = True
                else:
                    self._ask()
            elif kind in (_NEWROUTE, _DELROUTE):
                self._take_route(kind, flags if sequence != 1 else 0, payload)
            elif kind == _DONE:
                self._is_asking = False
                if self._asks_again:
                    self._ask()
            if not self._is_asking:
                self._note()
            data = data[size + 3 & ~3:]

    def _take_link(self, kind, payload):
        """The kernel takes the routes of a device away that is set down, without a word."""
        _, _, _, index, flags, _ = struct.unpack_from("BBHiII", payload)
        if kind == _NEWLINK and flags & _IFF_UP:
            self._down.discard(index)
            return
        self._down.add(index)
        self._defaults = {default for default in self._defaults if not {device for device, _ in default.hops} <= self._down}

    def _take_route(self, kind, flags, payload):
        default = _default_of(payload)
        if default is None:
            return
        if kind == _DELROUTE:
            self._defaults.discard(default)
            return
        if flags & _REPLACE:
            place = default.table, default.metric
            self._defaults = {other for other in self._defaults if (other.table, other.metric) != place}
        self._defaults.add(default)

    def _note(self):
        now = time.monotonic()
        with self._lock:
            for ours, since in self._none_since.items():
                there = any(default.is_ours or not ours for default in self._defaults)
                if there and since is not None:
                    self._gaps[ours].append((since, now))
                    self._none_since[ours] = None
                elif not there and since is None:
                    self._none_since[ours] = now

    def close(self):
        self._ending = True
        self._thread.join()
        self._socket.close()
