#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How much of several uplinks' capacity comes together: 100 long downloads by 50 clients from 20 servers, over uplinks shaped to
20, 10 and 5 Mbit/s whose weights are as their rates, against the best of them alone.

What counts is what the clients' programs have received: of a packet of 1500 bytes at most 1448, so 96.5 % of a rate at the best.
"""

import json
import os
import select
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lab"))

from multilink_lab.crowd import CLIENTS, client_addresses, server_addresses, sharing
from multilink_lab.scenario import expect, main
from multilink_lab.uplink import Uplink

DOWNLOADS = 100
SETTLE_S, MEASURE_S = 8, 20
MBIT = 1_000_000
LEAST = 0.9  # of the rates together
_PORT = 7102
_RTT_MS = 20


class Source:
    """Sends for ever to whoever comes; `sources`: as whom the Internet sees the connections."""

    def __init__(self, lab):
        self.sources = []
        self._ended = threading.Event()
        with lab.internet.entered():
            self._socket = socket.create_server(("0.0.0.0", _PORT), backlog=256)
        self._socket.setblocking(False)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        lab.keep(self)

    def _run(self):
        data = bytes(65536)
        visitors = {}
        with select.epoll() as poll:
            poll.register(self._socket, select.EPOLLIN)
            while not self._ended.is_set():
                for number, _ in poll.poll(0.2):
                    if number == self._socket.fileno():
                        visitor, address = self._socket.accept()
                        visitor.setblocking(False)
                        visitors[visitor.fileno()] = visitor
                        self.sources.append(address[0])
                        poll.register(visitor, select.EPOLLOUT)
                        continue
                    try:
                        visitors[number].send(data)
                    except BlockingIOError:
                        pass
                    except OSError:
                        poll.unregister(number)
                        visitors.pop(number).close()
        for visitor in visitors.values():
            visitor.close()

    def close(self):
        self._ended.set()
        self._thread.join()
        self._socket.close()


def received(lab):
    """Bits a second that all downloads together have received in the steady state."""
    clients, servers = client_addresses(), server_addresses()
    downloads = []
    for i in range(DOWNLOADS):
        with lab.client.entered():
            downloads.append(socket.create_connection((servers[i % len(servers)], _PORT), 20, (clients[i % CLIENTS], 0)))
        downloads[-1].setblocking(False)
    by_number = {download.fileno(): download for download in downloads}
    total = 0
    begun = time.monotonic()
    measured = None
    with select.epoll() as poll:
        for number in by_number:
            poll.register(number, select.EPOLLIN)
        while (now := time.monotonic()) < begun + SETTLE_S + MEASURE_S:
            if measured is None and now >= begun + SETTLE_S:
                measured, total = now, 0
            for number, _ in poll.poll(0.1):
                more = len(by_number[number].recv(262144))
                expect(more > 0, "a download has ended")
                total += more
    seconds = time.monotonic() - measured
    for download in downloads:
        download.close()
    return 8 * total / seconds


def measure(options, rates, weights):
    wishes = [Uplink(rtt_ms=_RTT_MS, rate_bps=rate * MBIT, metric=100 + i) for i, rate in enumerate(rates)]
    with sharing(options, *weights, uplinks=wishes) as (lab, suite, _):
        source = Source(lab)
        bits = received(lab)
        suspects = sum(event["to"] == "suspect" for event in suite.events())
        ways = {isp.device: source.sources.count(isp.address) for isp in lab.isps}
    return {"mbit_s": round(bits / MBIT, 2), "downloads": ways, "suspects": suspects}


def against_the_best(options, *rates):
    """The rates in Mbit/s, the best first."""
    together = measure(options, rates, [rate // rates[-1] for rate in rates])
    alone = measure(options, rates, [1] + [0] * (len(rates) - 1))
    part = together["mbit_s"] / sum(rates)
    figures = {"rates": rates, "together": together, "best_alone": alone, "of_all": round(part, 3),
               "times_the_best": round(together["mbit_s"] / alone["mbit_s"], 2)}
    print(json.dumps(figures, indent=1), file=sys.stderr)
    expect(part >= LEAST, figures)
    return figures


def test_two_uplinks(options):
    return against_the_best(options, 20, 10)


def test_three_uplinks(options):
    return against_the_best(options, 20, 10, 5)


if __name__ == "__main__":
    main(globals())
