# SPDX-License-Identifier: GPL-2.0-or-later
"""Waiting for events, never for time to pass."""

import select
import socket
import time

_RTNLGRP = {"link": 1, "neigh": 3, "ipv4_ifaddr": 5, "ipv4_route": 7, "ipv4_rule": 8, "ipv6_ifaddr": 9,
            "ipv6_route": 11, "ipv6_rule": 19}


class RouteWatch:
    """A source for wait_until: wakes it whenever links, addresses, routes or rules of a namespace change."""

    def __init__(self, namespace):
        with namespace.entered():
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
        groups = 0
        for group in ("link", "ipv4_ifaddr", "ipv4_route", "ipv4_rule", "ipv6_ifaddr", "ipv6_route", "ipv6_rule"):
            groups |= 1 << (_RTNLGRP[group] - 1)
        self._socket.bind((0, groups))

    def fileno(self):
        return self._socket.fileno()

    def drain(self):
        try:
            while self._socket.recv(65536):
                pass
        except OSError:
            pass  # nothing more; or an overrun, which is a wake-up as good as any

    def close(self):
        self._socket.close()


def wait_until(predicate, timeout, *sources, what=None, every=0.05):
    """Gives the first true value of predicate(), which is asked again whenever one of `sources` has news, and
    `every` so many seconds for what has no source. Raises TimeoutError, naming `what`, after `timeout` seconds."""
    end = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"not within {timeout} s: {what or predicate.__name__}; last seen: {value!r}")
        for source in select.select(sources, [], [], min(left, every))[0]:
            source.drain()
