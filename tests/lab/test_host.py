#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Settings of the host's kernel that would break legitimate traffic: what is changed, what is told, and what remains."""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from multilink_lab.scenario import expect, main
from multilink_lab.suite import running

DEVICES = ("all", "default", "lan0", "wan1", "wan2")


def rp_filters(lab):
    return {device: lab.gateway.read_sysctl(f"net/ipv4/conf/{device}/rp_filter") for device in DEVICES}


def warns_of(suite, text):
    return any(text in warning for warning in suite.routing().get("warnings", "").split(" | "))


def clear(suite):
    return suite.lab.gateway.run(f"{suite.bin}/routed", "--clear", "--config", suite.config)


def test_strict_source_checks(options):
    """The host checks sources strictly, everywhere. A failed uplink comes back all the same; only uplinks are loosened,
    and all is as before after --clear, also when routed was killed."""
    with running(options, rp_filter=1) as (lab, suite):
        before = {device: "1" for device in DEVICES}
        wanted = dict(before, wan1="2", wan2="2")
        suite.wait(lambda: rp_filters(lab) == wanted, 2, f"{wanted}, but {rp_filters(lab)}")
        suite.wait(lambda: warns_of(suite, "net.ipv4.conf.wan1.rp_filter is 1 (strict)"), 2, "the record tells")
        flow = lab.udp_flow()
        lab.isps[0].cut("blackhole")
        suite.wait_active(5, "wan2")
        flow.alive(lab.isps[1].source, 5)
        lab.isps[0].repair("blackhole")
        suite.wait_active(40, "wan1")
        flow.alive(lab.isps[0].source, 5)
        expect(rp_filters(lab) == wanted, rp_filters(lab))
        suite.kill("routed", signal.SIGKILL)
        out = clear(suite)
        expect("sysctl -w net.ipv4.conf.wan1.rp_filter=1" in out, out)
        expect(rp_filters(lab) == before, rp_filters(lab))
        suite.start("routed")
        suite.wait(lambda: rp_filters(lab) == wanted, 2, "loosened again")
        suite.configure("[wan1]\n")
        suite.reload()
        suite.wait(lambda: rp_filters(lab) == before, 2, "an only uplink may be strict")


def test_forwarding_that_is_off(options):
    """A LAN whose packets are not passed on: told, not changed."""
    with running(options, before=lambda lab: lab.gateway.sysctl(net__ipv4__ip_forward=0)) as (lab, suite):
        suite.wait(lambda: warns_of(suite, "net.ipv4.ip_forward is 0"), 2, "the record tells")
        expect(suite.log("routed").count("net.ipv4.ip_forward is 0") == 1, "and the log, once")
        expect(lab.gateway.read_sysctl("net/ipv4/ip_forward") == "0", "it is left alone")


def accept_ra(lab):
    return {device: lab.gateway.read_sysctl(f"net/ipv6/conf/{device}/accept_ra") for device in DEVICES}


def do_not_hear(lab):
    """What a host's kernel does by default once the host forwards."""
    lab.gateway.sysctl(net__ipv6__conf__wan1__accept_ra=1, net__ipv6__conf__wan2__accept_ra=1)


def test_advertisements_that_a_router_ignores(options):
    """A forwarding host does not hear its ISPs' routers: its gateways would end with their last advertisement. On uplinks
    it hears them from then on, so that a router which went and came back is used again; --clear gives back what was."""
    with running(options, ipv6="ra", before=do_not_hear) as (lab, suite):
        better, other = lab.isps
        before = dict(accept_ra(lab), wan1="1", wan2="1")
        wanted = dict(before, wan1="2", wan2="2")
        suite.wait(lambda: accept_ra(lab) == wanted, 2, f"{wanted}, but {accept_ra(lab)}")
        suite.wait(lambda: warns_of(suite, "net.ipv6.conf.wan1.accept_ra is 1"), 2, "the record tells")
        better.ipv6.radvd.stop()
        suite.wait_active(10, other.device, 6)
        better.ipv6.radvd.start({better.ipv6.prefix: 1800})
        suite.wait_active(40, better.device, 6)
        suite.kill("routed", signal.SIGKILL)
        out = clear(suite)
        expect("net.ipv6.conf.wan1.accept_ra=1" in out, out)
        expect(accept_ra(lab) == before, accept_ra(lab))


if __name__ == "__main__":
    main(globals())
