# SPDX-License-Identifier: GPL-2.0-or-later
"""Many users in the lab's LAN and many servers in its Internet, and by which uplink each of their flows goes."""

import collections
import contextlib
import itertools
import resource
import select
import socket
import threading
import time

from multilink_lab.lab import Lab
from multilink_lab.scenario import expect
from multilink_lab.suite import Suite
from multilink_lab.uplink import Uplink

CLIENTS, SERVERS = 50, 20
_PORT = 7100
_BATCH = 100  # datagrams under way at once: no queue overflows


def client_addresses(family=4):
    return [f"192.168.77.{100 + i}" if family == 4 else f"fd77:77::{100 + i}" for i in range(CLIENTS)]


def server_addresses(family=4):
    return [f"203.0.113.{100 + i}" if family == 4 else f"2001:db8:ffff::{100 + i}" for i in range(SERVERS)]


def sections(*weights, more=""):
    """One tier of all uplinks; those of weight 0 are in the next one."""
    return "".join(f"[wan{i}]\nprecedence = {1 if weight else 2}\nweight = {weight or 1}\n{more}" for i, weight in enumerate(weights, 1))


@contextlib.contextmanager
def sharing(options, *weights, uplinks=None, defaults="", **lab_options):
    """Gives (lab, suite, crowd): the uplinks share the traffic by these weights."""
    wishes = uplinks or [Uplink(rtt_ms=4, metric=100 + i) for i in range(len(weights))]
    with Lab(options.tools, wishes, **lab_options) as lab:
        crowd = Crowd(lab, (4, 6) if lab_options.get("ipv6") else (4,))
        suite = Suite(lab, options.bin, sections(*weights), f"up_after = 2s\n{defaults}")
        suite.start()
        crowd.wait_sharing(suite, *weights)
        if len([weight for weight in weights if weight]) > 1:
            suite.wait(lambda: crowd.hashes() != (0, 0), 5, "the hash is set")
        yield lab, suite, crowd
        expect(not suite.died(), f"ended by themselves: {suite.died()}")


class Flow:
    """UDP from one port of one client to one server; answers tell as whom the Internet sees it."""

    def __init__(self, client, server, port):
        self.pair = (client, server)
        self.socket = socket.socket(socket.AF_INET6 if ":" in client else socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.bind((client, port))
        self.socket.connect((server, _PORT))


class Crowd:
    """Clients at CLIENTS addresses and servers at SERVERS ones. No two flows of a crowd have the same port: none is taken for an
    earlier one."""

    def __init__(self, lab, families=(4,)):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
        self.lab = lab
        self._families = families
        self._ports = itertools.count(10000)
        self._flows = []
        self._ended = threading.Event()
        self._servers = []
        for family in families:
            bits = (24, 32, "") if family == 4 else (64, 128, " nodad")
            lab.client.ip(*(f"addr add {address}/{bits[0]} dev eth0{bits[2]}" for address in client_addresses(family)))
            lab.internet.ip(*(f"addr add {address}/{bits[1]} dev lo{bits[2]}" for address in server_addresses(family)))
        with lab.internet.entered():
            for address in itertools.chain(*map(server_addresses, families)):
                server = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
                server.bind((address, _PORT))
                self._servers.append(server)
        self._thread = threading.Thread(target=self._answer)
        self._thread.start()
        lab.keep(self)

    def _answer(self):
        poll = select.epoll()
        servers = {server.fileno(): server for server in self._servers}
        for number in servers:
            poll.register(number, select.EPOLLIN)
        while not self._ended.is_set():
            for number, _ in poll.poll(0.2):
                with contextlib.suppress(BlockingIOError):
                    while True:
                        _, visitor = servers[number].recvfrom(16)
                        servers[number].sendto(visitor[0].encode(), visitor)
        poll.close()

    # --- flows

    def begin(self, number, clients=CLIENTS, servers=SERVERS, family=4, namespace=None):
        """New flows of the first `clients` clients to the first `servers` servers, evenly among the pairs, each asked once: a
        dict of flow and device."""
        pairs = itertools.cycle(itertools.product(client_addresses(family)[:clients], server_addresses(family)[:servers]))
        with (namespace or self.lab.client).entered():
            flows = [Flow(client, server, next(self._ports)) for client, server in itertools.islice(pairs, number)]
        self._flows += flows
        return self.ask(flows)

    def ask(self, flows, timeout=10):
        """By which device each of the flows goes now. What is lost is asked again."""
        devices = {isp.address: isp.device for isp in self.lab.isps}
        devices |= {isp.ipv6.address: isp.device for isp in self.lab.isps if isp.ipv6}
        found = {}
        waiting = list(flows)
        end = time.monotonic() + timeout
        while waiting:
            expect(time.monotonic() < end, f"{len(waiting)} of {len(flows)} flows have no answer")
            for start in range(0, len(waiting), _BATCH):
                self._exchange(waiting[start:start + _BATCH], found, devices)
            waiting = [flow for flow in waiting if flow not in found]
        return found

    @staticmethod
    def _exchange(flows, found, devices):
        asked = {}
        poll = select.poll()
        for flow in flows:
            with contextlib.suppress(OSError):
                flow.socket.send(b"?")
            asked[flow.socket.fileno()] = flow
            poll.register(flow.socket, select.POLLIN)
        while asked:
            ready = poll.poll(300)
            if not ready:
                return
            for number, _ in ready:
                flow = asked.pop(number)
                poll.unregister(number)
                with contextlib.suppress(OSError):
                    found[flow] = devices[flow.socket.recv(64).decode()]

    def forget(self):
        """Ends all flows."""
        for flow in self._flows:
            flow.socket.close()
        self._flows.clear()

    # --- what is in force

    def wait_sharing(self, suite, *weights, timeout=15):
        """Until the uplinks share the traffic by these weights, by the word of routed that has read the kernel."""
        wanted = [f"wan{i}/wan{i}/{weight}" for i, weight in enumerate(weights, 1) if weight]
        if len(wanted) == 1:
            wanted = [wanted[0].rsplit("/", 1)[0] + "/1"]

        def agree():
            return all([word.rsplit("/", 1)[0] for word in suite.routing().get(f"{family}.active", "").split()] == wanted
                       for family in self._families)
        suite.wait(agree, timeout, f"{wanted} share")

    def hashes(self):
        """The kernel's policies, IPv4's and IPv6's."""
        return tuple(int(self.lab.gateway.read_sysctl(f"net/{family}/fib_multipath_hash_policy")) for family in ("ipv4", "ipv6"))

    def close(self):
        self._ended.set()
        self._thread.join()
        self.forget()
        for server in self._servers:
            server.close()


def percent(ways, devices):
    """What part of the flows went by each device."""
    counts = collections.Counter(ways.values())
    return {device: round(100 * counts[device] / len(ways), 1) for device in devices}
