# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's other family: every ISP has a prefix of its own, and the same router address fe80::1 as all the others."""

import ipaddress
import signal
import subprocess

from multilink_lab.waiting import wait_until

SERVER6 = "2001:db8:ffff::10"  # where IPv6 flows go
TARGETS6 = ("2606:4700:4700::1111", "2001:4860:4860::8888")  # those of the default configuration
GATEWAY_LAN6 = "fd77:77::1"
CLIENT6 = "fd77:77::2"
ROUTER6 = "fe80::1"


class Ipv6:
    """One ISP's IPv6. A customer has the /48 `block`; `prefix` of it, a /64, is on the line to the gateway, which has
    `address` in it; new_prefix() gives others."""

    def __init__(self, isp, gateway, internet):
        self.block = ipaddress.ip_network(f"2001:db8:{isp.number}::/48")
        self._prefixes = self.block.subnets(new_prefix=64)
        self.prefix = next(self._prefixes)
        self.router = ROUTER6
        self.address = str(self.prefix[2])
        self.radvd = None
        self._isp, self._gateway, self._internet = isp, gateway, internet
        self._connect()
        self._filter()

    def new_prefix(self):
        """One more /64 of the block, routed to the gateway."""
        prefix = next(self._prefixes)
        self._isp.namespace.ip(f"route add {prefix} dev port")
        return prefix

    def _connect(self):
        isp = self._isp
        isp.namespace.sysctl(net__ipv6__conf__all__forwarding=1)
        isp.namespace.ip(*self._port_addresses(), "route add ::/0 dev line")
        self._internet.ip(f"route add {self.block} dev isp{isp.number}")

    def _port_addresses(self):
        return [f"addr add {address}/64 dev port nodad" for address in (ROUTER6, self.prefix[1])]

    def restore(self):
        """A port that was set down has lost them."""
        for line in self._port_addresses():
            self._isp.namespace.ip_fast(line)

    def set_statically(self):
        """The address and the default as a distribution sets them, the latter as if from an advertisement."""
        isp = self._isp
        lines = [f"addr add {self.address}/64 dev {isp.device} nodad"]
        if isp.wish.metric is not None:
            lines.append(f"route add default via {ROUTER6} dev {isp.device} proto ra metric {isp.wish.metric or 1024}")
        self._gateway.ip(*lines)

    def advertise(self, directory):
        """A real radvd: the gateway's kernel makes of it what it does, with the address that ends in ::2."""
        isp = self._isp
        self._gateway.sysctl(**{f"net__ipv6__conf__{isp.device}__accept_ra": 2,
                                f"net__ipv6__conf__{isp.device}__router_solicitation_delay": 0})
        self._gateway.ip(f"token set ::2 dev {isp.device}")
        self.radvd = Radvd(isp.namespace, f"{directory}/radvd{isp.number}")
        self.radvd.start({self.prefix: 1800})

    def _filter(self):
        """As for IPv4: foreign sources are dropped, and there is an empty chain for the faults."""
        self._isp.namespace.nft(f"""
            table ip6 isp {{
                counter foreign {{ }}
                chain fault {{ }}
                chain forward {{
                    type filter hook forward priority filter; policy accept;
                    iifname "port" ip6 saddr != {self.block} counter name foreign drop
                    jump fault
                }}
            }}""")

    def close(self):
        if self.radvd:
            self.radvd.stop(signal.SIGKILL)


class Radvd:
    """A router advertisement daemon on an ISP's port to the gateway."""

    def __init__(self, namespace, path):
        self._namespace, self._path = namespace, path
        self._process = None

    def _configure(self, prefixes):
        """`prefixes`: how many seconds new connections may use each; 0: it is deprecated."""
        blocks = "".join(f"prefix {prefix} {{ AdvValidLifetime 3600; AdvPreferredLifetime {preferred}; }};\n"
                         for prefix, preferred in prefixes.items())
        with open(f"{self._path}.conf", "w", encoding="ascii") as file:
            file.write("interface port {\nAdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4;\n"
                       f"AdvDefaultLifetime 1800; AdvCurHopLimit 61;\n{blocks}}};\n")

    def start(self, prefixes):
        self._configure(prefixes)
        with open(f"{self._path}.log", "ab") as log:
            self._process = self._namespace.popen(
                "radvd", "--nodaemon", "--logmethod", "stderr", "--config", f"{self._path}.conf",
                "--pidfile", f"{self._path}.pid", stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def change(self, prefixes):
        self._configure(prefixes)
        self._process.send_signal(signal.SIGHUP)

    def stop(self, number=signal.SIGTERM):
        """By SIGTERM it says farewell: a router lifetime of 0."""
        if self._process:
            self._process.send_signal(number)
            self._process.wait(timeout=10)
            self._process = None


def add_ipv6(lab, kind, nat):
    """IPv6 for everything in the lab. `kind`: static, or ra for advertisements by a real radvd. With `nat` the lab
    itself translates what leaves the gateway, in the table `ip6 lab_nat`."""
    for namespace in (lab.gateway, lab.internet):
        namespace.sysctl(net__ipv6__conf__all__forwarding=1)
    lab.internet.ip(*(f"addr add {address}/128 dev lo nodad" for address in (SERVER6, *TARGETS6)))
    lab.gateway.ip(f"addr add {GATEWAY_LAN6}/64 dev lan0 nodad")
    lab.client.ip(f"addr add {CLIENT6}/64 dev eth0 nodad", f"route add default via {GATEWAY_LAN6} dev eth0")
    if nat:
        lab.gateway.nft("""
            table ip6 lab_nat {
                chain postrouting {
                    type nat hook postrouting priority srcnat; policy accept;
                    oifname "wan*" masquerade
                }
            }""")
    for isp in lab.isps:
        isp.ipv6 = lab.keep(Ipv6(isp, lab.gateway, lab.internet))
        if kind == "ra":
            isp.ipv6.advertise(lab.directory)
        else:
            isp.ipv6.set_statically()


def wait_for_routers(lab):
    """Until the gateway has an address and a default by every ISP's advertisement."""
    def complete():
        routes = lab.gateway.ip_json("-6", "route", "show", "default", "proto", "ra")
        addresses = {address.get("local") for link in lab.gateway.ip_json("-6", "addr", "show")
                     for address in link.get("addr_info", [])}
        return ({route.get("dev") for route in routes} >= {isp.device for isp in lab.isps}
                and addresses >= {isp.ipv6.address for isp in lab.isps})
    wait_until(complete, 20, lab.watch, what="the routers are known")
