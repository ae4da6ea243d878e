# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole lab: namespaces, addresses, routes as a distribution would set them, and what measures."""

import itertools
import os
import time

from multilink_lab.ipv6 import SERVER6, add_ipv6, wait_for_routers
from multilink_lab.isolation import is_isolated
from multilink_lab.namespace import Namespace
from multilink_lab.tools import Server, StreamServer, TcpFlow, TcpStream, UdpFlow
from multilink_lab.uplink import Isp, Uplink
from multilink_lab.waiting import RouteWatch

SERVER = "203.0.113.10"  # where the flows go
TARGETS = ("1.1.1.1", "8.8.8.8", "9.9.9.9")  # those of the default configuration
GATEWAY_LAN = "192.168.77.1"
CLIENT = "192.168.77.2"
_UDP_PORT, _TCP_PORT, _STREAM_PORT = "7000", "7001", "7002"

_numbers = itertools.count(1)


class Lab:
    """Two uplinks with an RTT of 20 and 80 ms unless told otherwise. `tools` is the build's folder lab/.

    `nat`: the lab itself masquerades what leaves the gateway, in the table `ip lab_nat`. `ipv6`: "static" or "ra", see
    ipv6.py; without it there are IPv4 addresses only.
    Several labs may exist in one process and in many at once.
    """

    def __init__(self, tools, uplinks=None, nat=True, rp_filter=2, ipv6=None):
        if not is_isolated():
            raise RuntimeError("call isolate() first: nothing of the lab may outlive this process")
        wishes = uplinks if uplinks is not None else [Uplink(rtt_ms=20, metric=100), Uplink(rtt_ms=80, metric=101)]
        self.tools = tools
        self._prefix = f"ml{next(_numbers)}-"
        self.path_words = ()
        self._open = []  # closed in reverse order
        self.directory = f"/run/{self._prefix}lab"
        os.mkdir(self.directory, 0o755)
        try:
            self._build(wishes, nat, rp_filter, ipv6)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        while self._open:
            self._open.pop().close()

    def keep(self, thing):
        """Closes `thing` with the lab, before what was there earlier. Gives it back."""
        self._open.append(thing)
        return thing

    def namespace(self, name):
        return self.keep(Namespace(self._prefix + name))

    def _build(self, wishes, nat, rp_filter, ipv6):
        self.internet = self.namespace("inet")
        self.gateway = self.namespace("gw")
        self.client = self.namespace("client")
        for namespace in (self.internet, self.gateway, self.client):
            namespace.sysctl(net__ipv4__conf__all__rp_filter=0, net__ipv4__conf__default__rp_filter=0)
        self.internet.sysctl(net__ipv4__ip_forward=1)
        self.gateway.sysctl(net__ipv4__ip_forward=1, net__ipv4__conf__all__rp_filter=rp_filter,
                            net__ipv4__conf__default__rp_filter=rp_filter)
        if ipv6:  # addresses are there at once, not after a second
            self.gateway.sysctl(net__ipv6__conf__default__accept_dad=0)
        self.internet.ip(*(f"addr add {address}/32 dev lo" for address in (SERVER, *TARGETS)))
        self._connect_lan()
        self.isps = [self.add_isp(number, wish) for number, wish in enumerate(wishes, 1)]
        for isp in self.isps:
            if isp.wish.metric is not None:
                self.add_default(isp, isp.wish.metric)
        if nat:
            self.gateway.nft("""
                table ip lab_nat {
                    chain postrouting {
                        type nat hook postrouting priority srcnat; policy accept;
                        oifname "wan*" masquerade
                    }
                }""")
        self.watch = self.keep(RouteWatch(self.gateway))
        if ipv6:
            add_ipv6(self, ipv6, nat)
        for server in (SERVER, SERVER6) if ipv6 else (SERVER,):
            self.keep(Server(self.internet, f"{self.tools}/udp_flow", "echo", server, _UDP_PORT))
            self.keep(Server(self.internet, f"{self.tools}/tcp_flow", "server", server, _TCP_PORT))
        if ipv6 == "ra":
            wait_for_routers(self)

    def _connect_lan(self):
        self.gateway.ip(f"link add lan0 type veth peer name eth0 netns {self.client.name}",
                        f"addr add {GATEWAY_LAN}/24 brd + dev lan0", "link set lan0 up")
        self.client.ip(f"addr add {CLIENT}/24 brd + dev eth0", "link set eth0 up",
                       f"route add default via {GATEWAY_LAN}")

    def add_isp(self, number, wish, gateway=None):
        """One more uplink, of this gateway or another one, without a default route. Closed with the lab."""
        return self.keep(Isp(number, wish, self.tools, self._prefix, gateway or self.gateway, self.internet))

    def add_default(self, isp, metric):
        """A default route as DHCP clients add it: fails when one with this metric is there (EEXIST)."""
        self.gateway.ip(f"route add default via {isp.router} dev {isp.device} proto dhcp src {isp.address} "
                        f"metric {metric}")

    def serve_lan(self):
        """From now on the gateway itself answers flows, at GATEWAY_LAN."""
        self.keep(Server(self.gateway, f"{self.tools}/udp_flow", "echo", GATEWAY_LAN, _UDP_PORT))

    def udp_flow(self, rate=1000, server=SERVER, namespace=None):
        """A flow from the client (or another namespace), answered; closed with the lab."""
        flow = self.keep(UdpFlow(namespace or self.client, f"{self.tools}/udp_flow", "client", server, _UDP_PORT, str(rate)))
        flow.alive()
        return flow

    def one_way_flow(self, rate=1000):
        """An upload from the client that nobody answers, from now on until the lab closes, and no other flow is."""
        self.internet.nft("""
            table ip upload {
                chain in {
                    type filter hook input priority filter; policy accept;
                    udp dport 7000 drop
                }
            }""")
        return self.keep(UdpFlow(self.client, f"{self.tools}/udp_flow", "client", SERVER, _UDP_PORT, str(rate)))

    def tcp_flow(self, rate=50, server=SERVER):
        return self.keep(TcpFlow(self.client, f"{self.tools}/tcp_flow", "client", server, _TCP_PORT, str(rate)))

    def stream_server(self, server=SERVER):
        """The far end of tcp_stream()."""
        return self.keep(StreamServer(self.internet, f"{self.tools}/tcp_stream", "server", server, _STREAM_PORT))

    def tcp_stream(self, direction, namespace=None, server=SERVER, source=""):
        """A long TCP connection from the client, or another namespace, with 100 kB/s of "upload" or "download"; it is made
        anew when it breaks. Wants a stream_server()."""
        words = ["client", server, _STREAM_PORT, direction, *([source] if source else [])]
        return self.keep(TcpStream(namespace or self.client, f"{self.tools}/tcp_stream", *words))

    def path_of(self, destination=SERVER):
        """The device by which `destination` is routed now, None without a route. `path_words` (e.g. "mark", "1")
        say what kind of packet is meant: with a VPN set up, one that is not for the tunnel."""
        route = self.gateway.route_get(destination, *self.path_words)
        return route.get("dev") if route else None

    def picture(self):
        """What the gateway's kernel is set up with, for comparison: rules, IPv4's routes, nftables, sysctls."""
        parts = [self.gateway.run(*words.split()) for words in (
            "ip -4 rule", "ip -6 rule", "ip -4 route show table all", "nft list ruleset",
            "sysctl -a -r ^net\\.ipv4\\.conf\\..*(rp_filter|src_valid_mark|arp_|forwarding)",
            "sysctl -a -r ^net\\.ipv6\\.conf\\..*(accept_ra|forwarding)$")]
        return [sorted(part.splitlines()) for part in parts]

    def kill_target(self, target):
        self.internet.nft(f"""
            table ip dead {{
                chain in {{
                    type filter hook input priority filter; policy accept;
                    ip daddr {target} drop
                }}
            }}""")

    def revive_targets(self):
        self.internet.nft("delete table ip dead")

    def cut_and_switch(self, fault, dead, backup):
        """The instant script: breaks `dead` and moves the default route in the same moment. No real detector can
        be faster, so its outage is what physics takes."""
        self.gateway.ip_fast("link show lo")  # so that the process is there when it matters
        begun = dead.cut(fault)
        self.gateway.ip_fast(f"route replace default via {backup.router} dev {backup.device} metric 1")
        return begun

    def switch(self, isp):
        begun = time.monotonic()
        self.gateway.ip_fast(f"route replace default via {isp.router} dev {isp.device} metric 1")
        return begun
