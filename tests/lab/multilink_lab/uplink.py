# SPDX-License-Identifier: GPL-2.0-or-later
"""One ISP: its router, its line to the Internet, and everything that can go wrong with it."""

import dataclasses
import ipaddress
import time

from multilink_lab.namespace import Namespace
from multilink_lab.tools import DelayLink

FAULTS = ("carrier", "blackhole", "dead_next_hop", "unreachable", "loss")


@dataclasses.dataclass
class Uplink:
    """What is asked for. `metric` is that of the default route a distribution's DHCP client would have set up
    (0: one without a metric; None: no such route). `host`: the gateway's address in the subnet. A `cpe` translates
    addresses, as home routers do: two of them may then have the same subnet and gateway address."""

    rtt_ms: float = 20
    jitter_ms: float = 0
    rate_bps: float = 0
    subnet: str = ""
    host: int = 2
    metric: int | None = 100
    cpe: bool = False


class Isp:
    """`number` counts from 1. In the gateway the uplink's device is wan<number>."""

    def __init__(self, number, wish, tools, prefix, gateway, internet):
        self.number = number
        self.wish = wish
        self.device = f"wan{number}"
        self.subnet = ipaddress.ip_network(wish.subnet or f"198.18.{number}.0/24")
        self.router, self.host = str(self.subnet[1]), wish.host
        self.former = set()  # addresses that the gateway had before
        self.gateway = gateway
        self.ipv6 = None  # an Ipv6 in a lab that has it
        self._internet = internet
        self._line_ends = (f"100.64.{number}.1", f"100.64.{number}.2")
        self.namespace = Namespace(f"{prefix}isp{number}")
        self.namespace.sysctl(net__ipv4__ip_forward=1, net__ipv4__conf__all__rp_filter=0,
                              net__ipv4__conf__default__rp_filter=0)
        self.plug()
        self.line = DelayLink(tools, self.namespace, "line", internet, f"isp{number}")
        self.line.set(delay_us=wish.rtt_ms * 500, jitter_us=wish.jitter_ms * 1000, rate_bps=wish.rate_bps)
        self._connect_internet()
        self._filter()

    @property
    def address(self):
        return str(self.subnet[self.host])

    @property
    def sources(self):
        """Those of now and before, as `source`."""
        return {self.source, *self.former}

    @property
    def source(self):
        """The address under which the Internet sees packets that went by this uplink."""
        return self._line_ends[0] if self.wish.cpe else self.address

    def close(self):
        self.line.close()
        self.namespace.close()

    def unplug(self):
        """The gateway's device is gone, with its addresses and routes."""
        self.gateway.ip(f"link del {self.device}")

    def plug(self, device=None, mac=None):
        """The gateway's device, with its address and without a default; under another name if `device` is given."""
        self.device = device or self.device
        self.gateway.ip(f"link add {self.device} {f'address {mac}' if mac else ''} type veth "
                         f"peer name port netns {self.namespace.name}", f"link set {self.device} up",
                         f"addr add {self.address}/{self.subnet.prefixlen} brd + dev {self.device}")
        self.namespace.ip(f"addr add {self.router}/{self.subnet.prefixlen} brd + dev port", "link set port up")

    def take_address(self, host):
        """The gateway has this address from now on, beside those that it has."""
        self.former.add(self.address)
        self.host = host
        self.gateway.ip(f"addr add {self.address}/{self.subnet.prefixlen} brd + dev {self.device}")

    def drop_address(self, address=None):
        """The gateway loses an address, by default that of now: of two, the other stays."""
        self.gateway.sysctl(net__ipv4__conf__all__promote_secondaries=1)
        self.gateway.ip(f"addr del {address or self.address}/{self.subnet.prefixlen} dev {self.device}")

    def take_router(self, host):
        """The router has another address, beside the one of before, until drop_router()."""
        self.router = str(self.subnet[host])
        self.namespace.ip(f"addr add {self.router}/{self.subnet.prefixlen} brd + dev port")

    def drop_router(self, address):
        self.namespace.sysctl(net__ipv4__conf__all__promote_secondaries=1)
        # It has gone already with a device that was removed meanwhile.
        self.namespace.run("ip", "addr", "del", f"{address}/{self.subnet.prefixlen}", "dev", "port", check=False)

    def _connect_internet(self):
        near, far = self._line_ends
        self.namespace.ip(f"addr add {near} peer {far} dev line", "link set line up", "route add default dev line")
        device = f"isp{self.number}"
        lines = [f"addr add {far} peer {near} dev {device}", f"link set {device} up"]
        if not self.wish.cpe:
            lines.append(f"route add {self.subnet} dev {device}")
        self._internet.ip(*lines)

    def _filter(self):
        """Drops foreign sources (BCP 38), as real ISPs do, and has an empty chain for the faults."""
        translate = 'oifname "line" masquerade' if self.wish.cpe else ""
        self.namespace.nft(f"""
            table ip isp {{
                counter foreign {{ }}
                chain fault {{ }}
                chain forward {{
                    type filter hook forward priority filter; policy accept;
                    iifname "port" ip saddr != {self.subnet} counter name foreign drop
                    jump fault
                }}
                chain postrouting {{
                    type nat hook postrouting priority srcnat; policy accept;
                    {translate}
                }}
            }}""")

    @property
    def mac(self):
        """Of the gateway's device."""
        return self.gateway.ip_json("link", "show", self.device)[0]["address"]

    def foreign_sources(self, family=4):
        """How many packets this ISP has dropped because their source was not its customer's."""
        listing = self.namespace.run("nft", "list", "counter", "ip" if family == 4 else "ip6", "isp", "foreign")
        return int(listing.split("packets")[1].split()[0])

    def cut(self, fault, percent=5, family=None):
        """Breaks the uplink in one way. Gives the time just before. The faults are:
        carrier: the far end of the cable is pulled; blackhole: the router forwards nothing and says nothing;
        dead_next_hop: the carrier stays, the router's port is deaf and dumb (ARP too); unreachable: the router
        answers what it should forward with ICMP host-unreachable; loss: of each round trip, `percent` at random.
        `family`, 4 or 6: in that one alone (but for the carrier)."""
        begun = time.monotonic()
        if fault == "carrier":
            self.namespace.ip_fast("link set port down")
        elif fault == "dead_next_hop":
            of_family = {None: "drop", 4: "meta protocol { ip, arp } drop", 6: "meta protocol ip6 drop"}[family]
            self.namespace.nft(f"""
                table netdev dead {{
                    chain in {{ type filter hook ingress device "port" priority -500; {of_family}; }}
                    chain out {{ type filter hook egress device "port" priority -500; {of_family}; }}
                }}""")
        else:
            for table, refusal in self._tables(family):
                verdict = {"blackhole": "drop", "unreachable": f'iifname "port" reject with {refusal}',
                           "loss": f'iifname "line" numgen random mod 1000 < {int(percent * 10)} drop'}[fault]
                self.namespace.nft(f"add rule {table} isp fault {verdict}")
        return begun

    def repair(self, fault):
        """Undoes cut(fault). Gives the time just before."""
        begun = time.monotonic()
        if fault == "carrier":
            self.namespace.ip_fast("link set port up")
            if self.ipv6:
                self.ipv6.restore()
        elif fault == "dead_next_hop":
            self.namespace.nft("delete table netdev dead")
        else:
            for table, _ in self._tables(None):
                self.namespace.nft(f"flush chain {table} isp fault")
        return begun

    def _tables(self, family):
        """The families of nft tables that a fault concerns, and how each says that something is unreachable."""
        tables = {4: ("ip", "icmp type host-unreachable")}
        if self.ipv6:
            tables[6] = ("ip6", "icmpv6 type addr-unreachable")
        return tables.values() if family is None else [tables[family]]
