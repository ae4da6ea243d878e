# SPDX-License-Identifier: GPL-2.0-or-later
"""The firewalls of others on the gateway: Docker's rules with a container, and firewalld's."""

import json

from multilink_lab.tools import Server, UdpFlow

CONTAINER = "172.17.0.2"
PUBLISHED_PORT = "8080"
_INSIDE_PORT = "7000"
# As iptables-nft writes what dockerd asks for, and what an administrator adds for his LAN in the chain that is his.
_DOCKER = """
table ip nat {
    chain DOCKER {
        iifname "docker0" counter return
        iifname != "docker0" udp dport 8080 counter dnat to 172.17.0.2:7000
    }
    chain PREROUTING {
        type nat hook prerouting priority dstnat; policy accept;
        fib daddr type local counter jump DOCKER
    }
    chain OUTPUT {
        type nat hook output priority -100; policy accept;
        ip daddr != 127.0.0.0/8 fib daddr type local counter jump DOCKER
    }
    chain POSTROUTING {
        type nat hook postrouting priority srcnat; policy accept;
        oifname != "docker0" ip saddr 172.17.0.0/16 counter masquerade
    }
}
table ip filter {
    chain DOCKER-USER {
        iifname "lan0" oifname "wan*" counter accept
        ct state related,established counter accept
        counter return
    }
    chain DOCKER-ISOLATION-STAGE-2 {
        oifname "docker0" counter drop
        counter return
    }
    chain DOCKER-ISOLATION-STAGE-1 {
        iifname "docker0" oifname != "docker0" counter jump DOCKER-ISOLATION-STAGE-2
        counter return
    }
    chain DOCKER {
        iifname != "docker0" oifname "docker0" ip daddr 172.17.0.2 udp dport 7000 counter accept
    }
    chain FORWARD {
        type filter hook forward priority filter; policy drop;
        counter jump DOCKER-USER
        counter jump DOCKER-ISOLATION-STAGE-1
        oifname "docker0" ct state related,established counter accept
        oifname "docker0" counter jump DOCKER
        iifname "docker0" oifname != "docker0" counter accept
        iifname "docker0" oifname "docker0" counter accept
        counter comment "dropped"
    }
}
"""
# What firewalld 1.3 makes of a gateway: zone "external" with masquerading on the uplinks, "internal" on the LAN.
_FIREWALLD = """
table inet firewalld {
    chain nat_POST_external_allow {
        meta nfproto ipv4 oifname != "lo" masquerade
    }
    chain nat_POSTROUTING {
        type nat hook postrouting priority srcnat + 10; policy accept;
        oifname "wan*" goto nat_POST_external_allow
    }
    chain filter_PREROUTING {
        type filter hook prerouting priority filter + 10; policy accept;
        icmpv6 type { nd-router-advert, nd-neighbor-solicit } accept
        meta nfproto ipv6 fib saddr . mark . iif oif missing drop
    }
    chain filter_INPUT {
        type filter hook input priority filter + 10; policy accept;
        ct state { established, related } accept
        ct status dnat accept
        iifname "lo" accept
        ct state invalid counter drop
        iifname "lan0" accept
        meta l4proto icmp accept
        counter reject with icmpx admin-prohibited
    }
    chain filter_FORWARD {
        type filter hook forward priority filter + 10; policy accept;
        ct state { established, related } accept
        ct status dnat accept
        iifname "lo" accept
        ct state invalid counter drop
        iifname "lan0" oifname "wan*" accept
        counter reject with icmpx admin-prohibited
    }
    chain filter_OUTPUT {
        type filter hook output priority filter + 10; policy accept;
        ct state { established, related } accept
        oifname "lo" accept
    }
}
"""


class Docker:
    """docker0 with one container, which publishes a port."""

    def __init__(self, lab):
        self._lab = lab
        self.container = lab.namespace("docker")
        lab.gateway.ip("link add docker0 type bridge", "addr add 172.17.0.1/16 brd + dev docker0", "link set docker0 up",
                       f"link add veth0 type veth peer name eth0 netns {self.container.name}",
                       "link set veth0 master docker0 up")
        self.container.ip(f"addr add {CONTAINER}/16 brd + dev eth0", "link set eth0 up",
                          "route add default via 172.17.0.1")
        lab.gateway.nft(_DOCKER)
        lab.keep(Server(self.container, f"{lab.tools}/udp_flow", "echo", CONTAINER, _INSIDE_PORT))

    def udp_flow(self):
        """From the container to the Internet's server."""
        return self._lab.udp_flow(namespace=self.container)

    def flow_from_outside(self, address):
        """From the Internet to the published port at the gateway's `address`."""
        return self._lab.keep(UdpFlow(self._lab.internet, f"{self._lab.tools}/udp_flow", "client", address,
                                      PUBLISHED_PORT, "1000"))


def firewalld(lab):
    lab.gateway.nft(_FIREWALLD)


def rules_of(namespace, *tables):
    """The tables ("ip filter" and so on) as text, without handles and the state of counters."""
    def plain(value):
        if isinstance(value, dict):
            return {name: plain(part) for name, part in value.items() if name not in ("handle", "packets", "bytes")}
        return [plain(part) for part in value] if isinstance(value, list) else value
    out = []
    for table in tables:
        listing = json.loads(namespace.run("nft", "-j", "list", "table", *table.split()))
        out.append(json.dumps(plain(listing["nftables"][1:]), indent=1))
    return "\n".join(out)


def dropped(namespace, table, chain):
    """The packets that the last rule of a chain, with a counter, has seen."""
    listing = json.loads(namespace.run("nft", "-j", "list", "chain", *table.split(), chain))
    last = [item["rule"] for item in listing["nftables"] if "rule" in item][-1]
    return next(part["counter"]["packets"] for part in last["expr"] if "counter" in part)


def drops_mid_stream(isp):
    """As carrier-grade NAT does: this ISP drops what is in the middle of a connection that it has not seen begin."""
    isp.namespace.nft("""
        table inet strict {
            chain forward {
                type filter hook forward priority filter; policy accept;
                meta l4proto tcp ct state invalid drop
                tcp flags & (syn | ack) != syn ct state new drop
            }
        }""")
