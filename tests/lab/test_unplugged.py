#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""An uplink whose device goes, as a modem's does that is unplugged and ppp0 with the line: the kernel forgets at once what was
masqueraded behind it, and its clients learn of it all the same."""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from multilink_lab.firewall import drops_mid_stream
from multilink_lab.scenario import expect, main
from multilink_lab.suite import running

TOLD_S = 2  # on a busy machine


def goes(options, cut):
    """The client that sends ends at once and succeeds anew, though the other ISP drops what it has not seen begin; the
    connections of the uplink that stays notice nothing."""
    sections = "[wan1]\nmasquerade = yes\n[wan2]\nmasquerade = yes\n[policy other]\nfrom = 192.168.77.12\nuse = wan2\n"
    with running(options, sections=sections, nat=False) as (lab, suite):
        better, other = lab.isps
        drops_mid_stream(other)
        lab.client.ip("addr add 192.168.77.12/24 dev eth0")
        lab.stream_server()
        stream, neighbour = lab.tcp_stream("upload"), lab.tcp_stream("upload", source="192.168.77.12")
        time.sleep(2)
        begun = time.monotonic()
        cut(lab, better)
        suite.wait_active(5, other.device)
        time.sleep(TOLD_S)
        rows, others = stream.report(begun), neighbour.report(begun)
    expect(len(rows) == 2 and rows[0]["ended"] is not None and rows[1]["connected"] is not None, rows)
    expect(rows[0]["ended"] - begun <= TOLD_S, rows)
    expect(len(others) == 1 and others[0]["ended"] is None, others)
    return {"told_ms": round((rows[0]["ended"] - begun) * 1000)}


def test_the_device_goes(options):
    return goes(options, lambda lab, isp: isp.unplug())


def test_the_device_is_set_down(options):
    return goes(options, lambda lab, isp: lab.gateway.ip(f"link set {isp.device} down"))


def test_the_address_goes(options):
    return goes(options, lambda lab, isp: lab.gateway.ip(f"addr flush dev {isp.device}"))


def test_a_silent_device_goes(options):
    """A modem that hangs and is reset, sooner than its connections are given up: who only listens learns of it, too, and what
    this host has open goes on when it is back."""
    sections = "[wan1]\nmasquerade = yes\nevict_after = 20s\n[wan2]\nmasquerade = yes\n"
    with running(options, sections=sections, nat=False) as (lab, suite):
        better, other = lab.isps
        drops_mid_stream(other)
        lab.stream_server()
        stream, own = lab.tcp_stream("download"), lab.tcp_stream("download", namespace=lab.gateway)
        time.sleep(2)
        better.cut("blackhole")
        suite.wait_active(5, other.device)
        time.sleep(TOLD_S)
        expect(len(stream.report(0)) == 1, "it waits for the uplink")
        begun = time.monotonic()
        better.unplug()
        time.sleep(TOLD_S)
        rows = stream.report(begun)
        better.repair("blackhole")
        better.plug()
        lab.add_default(better, 100)
        time.sleep(5)
        others = own.report(begun)
    expect(len(rows) == 2 and rows[0]["ended"] is not None and rows[1]["connected"] is not None, rows)
    expect(len(others) == 1 and others[0]["ended"] is None, others)
    return {"told_ms": round((rows[0]["ended"] - begun) * 1000)}


if __name__ == "__main__":
    main(globals())
