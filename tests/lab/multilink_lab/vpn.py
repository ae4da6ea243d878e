# SPDX-License-Identifier: GPL-2.0-or-later
"""A VPN between the gateway and a site in the Internet, set up as wg-quick and as Tailscale do: a tunnel device whose
outer packets carry a mark, and policy rules around it."""

import re
import time

from multilink_lab.tools import Server

SITE = "203.0.113.50"  # the far end; what leaves the tunnel there goes on under this address
TAILNET_PEER = "100.100.7.7"  # an address only the tunnel reaches
_SITE_PORT, _LAN = "51820", "192.168.77.0/24"
WG_MARK, TAILSCALE_MARK = "0xca6c", "0x80000"


class Site:
    """The far end, and the tunnel to it; the device in the gateway has no route yet. `manner`: see tools/tunnel.cpp."""

    def __init__(self, lab, device, mark, *manner):
        self.lab, self.device = lab, device
        tool = f"{lab.tools}/tunnel"
        self.namespace = lab.namespace("site")
        self.namespace.sysctl(net__ipv4__ip_forward=1, net__ipv4__conf__all__rp_filter=0,
                              net__ipv4__conf__default__rp_filter=0)
        lab.internet.ip(f"link add site type veth peer name eth0 netns {self.namespace.name}",
                        "addr add 203.0.113.49/30 dev site", "link set site up")
        self.namespace.ip(f"addr add {SITE}/30 dev eth0", "link set eth0 up", "route add default via 203.0.113.49",
                          f"addr add {TAILNET_PEER}/32 dev lo")
        lab.keep(Server(self.namespace, tool, "tunnel", _SITE_PORT, "0"))
        lab.keep(Server(lab.gateway, tool, device, "41641", mark, SITE, _SITE_PORT, *manner))
        self.namespace.ip("link set tunnel mtu 1400 up", f"route add {_LAN} dev tunnel",
                          "route add 100.64.0.0/10 dev tunnel")
        lab.gateway.ip(f"link set {device} mtu 1400 up", f"addr add 100.100.7.1/32 dev {device}")
        self.namespace.nft("""
            table ip site {
                chain postrouting {
                    type nat hook postrouting priority srcnat; policy accept;
                    oifname "eth0" masquerade
                }
            }""")
        lab.keep(Server(self.namespace, f"{lab.tools}/udp_flow", "echo", TAILNET_PEER, "7000"))


def wireguard(lab):
    """A tunnel of WireGuard to the addresses of the tailnet, without a mark."""
    site = Site(lab, "wg0", "0", "wireguard")
    lab.gateway.ip("route add 100.64.0.0/10 dev wg0")
    site.namespace.nft("table ip heard {\nchain in {\ntype filter hook input priority filter;\n" + "".join(
        f"ip saddr {isp.source} udp dport {_SITE_PORT} counter comment {isp.device}\n" for isp in lab.isps) + "}\n}")
    return site


def heard_from(site, isp):
    """How many datagrams of the tunnel have reached its far end by the uplink."""
    rules = site.namespace.run("nft", "list", "table", "ip", "heard")
    return int(re.search(rf"packets (\d+) bytes \d+ comment \"{isp.device}\"", rules).group(1))


def wg_quick(lab):
    """A full tunnel, with the rules of wg-quick in its order: their priorities are the kernel's choice."""
    site = Site(lab, "wg0", WG_MARK)
    lab.path_words = ("mark", WG_MARK)
    lab.gateway.sysctl(net__ipv4__conf__all__src_valid_mark=1)
    lab.gateway.ip("route add default dev wg0 table 51820", "rule add not fwmark 51820 table 51820",
                   "rule add table main suppress_prefixlength 0")
    lab.gateway.nft("""
        table ip wg-quick-wg0 {
            chain preraw {
                type filter hook prerouting priority raw; policy accept;
                iifname != "wg0" ip daddr 100.100.7.1 fib saddr type != local drop
            }
            chain premangle {
                type filter hook prerouting priority mangle; policy accept;
                meta l4proto udp meta mark set ct mark
            }
            chain postmangle {
                type filter hook postrouting priority mangle; policy accept;
                meta l4proto udp meta mark 51820 ct mark set mark
            }
        }""")
    return site


def wg_quick_down(lab, patience_s=10):
    """The loops by which wg-quick takes its rules away. They go on until nothing looks like its own; what they name
    fits other rules too. Gives the seconds it took."""
    begun = time.monotonic()
    lab.gateway.run("timeout", str(patience_s), "bash", "-c", """
        while [[ $(ip -4 rule show) == *"lookup 51820"* ]]; do
            ip -4 rule delete table 51820
        done
        while [[ $(ip -4 rule show) == *"from all lookup main suppress_prefixlength 0"* ]]; do
            ip -4 rule delete table main suppress_prefixlength 0
        done
        nft delete table ip wg-quick-wg0
        ip link set wg0 down""")
    lab.path_words = ()
    return time.monotonic() - begun


def tailscale(lab):
    site = Site(lab, "tailscale0", TAILSCALE_MARK)
    mark = f"fwmark {TAILSCALE_MARK}/0xff0000"
    lab.gateway.ip("route add 100.64.0.0/10 dev tailscale0 table 52", f"rule add pref 5210 {mark} table main",
                   f"rule add pref 5230 {mark} table default", f"rule add pref 5250 {mark} type unreachable",
                   "rule add pref 5270 table 52")
    return site
