#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Traffic policies: what they select goes by their uplinks, fails over within their list, and never leaves by another; the
rest does not notice."""

import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from multilink_lab import Lab, Uplink
from multilink_lab.ipv6 import SERVER6
from multilink_lab.lab import CLIENT, SERVER
from multilink_lab.scenario import expect, main
from multilink_lab.suite import Suite, running
from multilink_lab.tools import Server, UdpFlow
from multilink_lab.vpn import SITE, TAILNET_PEER, tailscale, wg_quick
from multilink_lab.waiting import wait_until

DETECTION_MS = 1000  # one run on a busy machine; the bench has the figures
CALM_S = 5
RETURN_S = 25
OTHER_SERVER = "203.0.113.20"
VOICE = "7003"  # a port of SERVER
UPLINKS = [Uplink(rtt_ms=20, metric=100), Uplink(rtt_ms=40, metric=101), Uplink(rtt_ms=60, metric=102)]
SECTIONS = "".join(f"[wan{number}]\nmasquerade = yes\n" for number in (1, 2, 3))
VOICE_POLICY = f"[policy voice]\nproto = udp\nport = {VOICE}\n"


def lan(lab, number):
    """One more LAN of the gateway, at lan<number>, with a host in it."""
    host = lab.namespace(f"host{number}")
    network = f"192.168.{77 + number}"
    lab.gateway.ip(f"link add lan{number} type veth peer name eth0 netns {host.name}",
                   f"addr add {network}.1/24 brd + dev lan{number}", f"link set lan{number} up")
    host.ip(f"addr add {network}.2/24 brd + dev eth0", "link set eth0 up", f"route add default via {network}.1")
    return host


def echo(lab, port, server=SERVER):
    lab.keep(Server(lab.internet, f"{lab.tools}/udp_flow", "echo", server, port))


def flow_to(lab, port, namespace=None, server=SERVER, rate=200):
    words = f"{lab.tools}/udp_flow", "client", server, port, str(rate)
    return lab.keep(UdpFlow(namespace or lab.client, *words))


def count_leaks(lab, devices, match, name="leaked"):
    """From now on packets that fit and leave by one of the devices ("wan1", "{wan1, wan3}") are counted; gives the function
    that tells how many."""
    lab.gateway.nft(f"""
        table inet {name} {{
            counter hits {{ }}
            chain out {{
                type filter hook postrouting priority 400; policy accept;
                oifname {devices} {match} counter name hits
            }}
        }}""")
    return lambda: int(lab.gateway.run("nft", "list", "counter", "inet", name, "hits").split("packets")[1].split()[0])


def refused(namespace, destination, port):
    """Whether packets of this namespace's are refused at once by the gateway: "No route to host". One of five, for the kernel
    sends each source one such error a second."""
    script = ("import socket, sys\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.settimeout(.3)\n"
              "s.setsockopt(socket.IPPROTO_IP, 11, 1)\ns.connect((sys.argv[1], int(sys.argv[2])))\n"
              "for _ in range(5):\n  try:\n    s.send(b'x')\n    s.recv(9)\n  except OSError as e:\n    print(e.errno)")
    return "113" in namespace.run("python3", "-c", script, destination, port).split()


def policies(suite, family=4):
    """By name the uplink of each, as routed read it back from the kernel."""
    return dict(word.split("/") for word in suite.routing().get(f"{family}.policies", "").split())


def wait_policy(suite, timeout, uplink, name="voice"):
    suite.wait(lambda: policies(suite).get(name) == uplink, timeout, f"policy {name} goes by {uplink or 'none'}")
    return time.monotonic()


def explain(lab, suite, *words):
    """What `multilinkctl explain` says; that the kernel agrees is expected of it."""
    said = json.loads(lab.gateway.run(f"{suite.bin}/multilinkctl", "--config", suite.config, "explain", "--json", *words,
                                      check=False))
    expect(said["kernel"]["check"] == "agrees", said)
    return said


def test_each_selector(options):
    """By source, by device, by port, by mark, by destination, and of this host: each goes by its policy's uplink, the rest by
    the first; `multilinkctl explain` says of each what it does."""
    sections = SECTIONS + f"""
        [policy source]
        from = 192.168.78.0/24
        use = wan2
        [policy device]
        iif = lan2
        use = wan3
        [policy voice]
        proto = udp
        port = {VOICE}, 9000-9010
        use = wan2, wan3
        [policy marked]
        mark = 0x1/0xff
        use = wan3
        [policy destination]
        to = {OTHER_SERVER}
        use = wan3, none
        [policy web]
        proto = tcp
        port = 7002
        use = wan2
        """
    with running(options, UPLINKS, sections, nat=False) as (lab, suite):
        first, second, third = (isp.source for isp in lab.isps)
        lab.internet.ip(f"addr add {OTHER_SERVER}/32 dev lo")
        echo(lab, VOICE)
        echo(lab, "7004")
        echo(lab, "7000", OTHER_SERVER)
        lab.gateway.nft("table ip admin {\nchain pre {\ntype filter hook prerouting priority mangle;\n"
                        "udp dport 7004 meta mark set meta mark | 0x1\n}\n}")
        source, device = lan(lab, 1), lan(lab, 2)
        from_client = ("--from", CLIENT)
        cases = {
            "rest": (flow_to(lab, "7000"), first, None, (*from_client, "--proto", "udp", "--port", "7000", SERVER)),
            "source": (flow_to(lab, "7000", source), second, "source", ("--from", "192.168.78.2", SERVER)),
            "device": (flow_to(lab, "7000", device), third, "device", ("--from", "192.168.79.2", "--iif", "lan2", SERVER)),
            "port": (flow_to(lab, VOICE), second, "voice", (*from_client, "--proto", "udp", "--port", VOICE, SERVER)),
            "of this host": (flow_to(lab, VOICE, lab.gateway), second, "voice", ("--proto", "udp", "--port", VOICE, SERVER)),
            "mark": (flow_to(lab, "7004"), third, "marked", (*from_client, "--mark", "1", SERVER)),
            "destination": (flow_to(lab, "7000", server=OTHER_SERVER), third, "destination", (*from_client, OTHER_SERVER)),
        }
        begun = time.monotonic()
        uplinks = {isp.source: isp.device for isp in lab.isps}
        for name, (flow, wanted, policy, words) in cases.items():
            flow.alive(timeout=5)
            report = flow.report(begun + 0.5, begun + 1.5)
            expect(list(report["sources"]) == [wanted] and report["lost"] == 0, (name, report))
            said = explain(lab, suite, *words)
            expect(said["uplink"] == uplinks[wanted] and said["policy"] == policy, (name, said))
        expect(explain(lab, suite, CLIENT)["device"] == "lan0", "the LAN is nobody's")
        lab.stream_server()
        leaks = count_leaks(lab, "wan1", "tcp dport 7002")
        stream = lab.tcp_stream("upload")
        time.sleep(1)
        expect(stream.report(begun)[0]["progress"] > 30 and leaks() == 0, (stream.report(begun), leaks()))


def test_explain_of_a_packet_without_a_protocol(options):
    """The kernel takes a question that names none to be about UDP, which a policy may single out."""
    with running(options, UPLINKS, SECTIONS + "[policy udp]\niif = lan0\nproto = udp\nuse = wan2\n", nat=False) as (lab, suite):
        for words, uplink in (((), "wan1"), (("--proto", "udp"), "wan2"), (("--proto", "tcp"), "wan1")):
            said = explain(lab, suite, "--from", CLIENT, *words, SERVER)
            expect(said["uplink"] == uplink, said)


def test_failover_within_the_list(options):
    """The policy's uplink dies, then the other of its list too, then both come back: its traffic is on the second, is refused
    at once, and returns; the first uplink has none of it, and carries the rest without a loss."""
    with running(options, UPLINKS, SECTIONS + VOICE_POLICY + "use = wan2, wan3\n", nat=False) as (lab, suite):
        first, second, third = lab.isps
        echo(lab, VOICE)
        leaks = count_leaks(lab, first.device, f"udp dport {VOICE}")
        witness = lan(lab, 1)
        rest, voice = lab.udp_flow(), flow_to(lab, VOICE, rate=500)
        voice.alive(second.source, 5)
        begun = time.monotonic()
        time.sleep(CALM_S)
        cut = second.cut("blackhole")
        voice.alive(third.source)
        failover = voice.report(cut - 0.5)
        expect(failover["outage_ms"] <= DETECTION_MS, failover)
        wait_policy(suite, 2, "wan3")
        suite.wait(lambda: suite.health("wan2")["4.state"] == "down", 10, "wan2 is down")
        third.cut("carrier")
        wait_policy(suite, 10, "")
        status = lab.gateway.run(f"{suite.bin}/multilinkctl", "--config", suite.config, "status")
        expect("voice" in status and "refused" in status, status)
        expect(refused(witness, SERVER, VOICE), "who asks learns of it at once")
        said = explain(lab, suite, "--from", CLIENT, "--proto", "udp", "--port", VOICE, SERVER)
        expect(said["result"] == "refused" and said["policy"] == "voice", said)
        time.sleep(2)
        third.repair("carrier")
        back = voice.alive(third.source, RETURN_S)
        second.repair("blackhole")
        returned = voice.alive(second.source, RETURN_S)
        wait_policy(suite, 2, "wan2")
        report, all_of_it = rest.report(begun), voice.report(begun)
        expect(report["lost"] == 0 and list(report["sources"]) == [first.source], report)
        expect(set(all_of_it["sources"]) == {second.source, third.source} and leaks() == 0, (all_of_it["sources"], leaks()))
        moves = [(event["from"], event["to"]) for event in suite.events() if event["kind"] == "policy" and event["family"] == "4"]
        expect([("wan2", "wan3"), ("wan3", "none")] == moves[:2] and moves[-1] == ("wan3", "wan2"), moves)
    return {"outage_ms": failover["outage_ms"], "returned_s": round(returned - back, 1)}


def test_clients_learn_that_nothing_is_left(options):
    """The only uplink of a policy dies: connections under it end at once at their clients, who are refused from then on."""
    with running(options, UPLINKS, SECTIONS + "[policy bulk]\nproto = tcp\nport = 7002\nuse = wan2\n", nat=False) as (lab, suite):
        lab.stream_server()
        streams = {way: lab.tcp_stream(way) for way in ("upload", "download")}
        time.sleep(CALM_S)
        begun = lab.isps[1].cut("dead_next_hop")
        suite.wait(lambda: suite.health("wan2")["4.state"] == "down", 10, "wan2 is down")
        down = time.monotonic()
        told = {}
        for way, stream in streams.items():
            row = wait_until(lambda: next((row for row in stream.report(begun) if row["ended"]), None), 5, what=f"the {way} has ended")
            told[way] = round((row["ended"] - down) * 1000)
        wait_policy(suite, 2, "", name="bulk")
        expect(all(row["connected"] is None for stream in streams.values() for row in stream.report(begun)[1:]), "nobody is let through")
    expect(max(told.values()) <= 1000, told)
    return {"told_ms_after_down": told}


def test_refused_without_routed(options):
    """routed is dead when the policy's only uplink goes: its traffic is refused by the kernel alone, not led elsewhere."""
    with running(options, UPLINKS, SECTIONS + VOICE_POLICY + "use = wan2\n", nat=False) as (lab, suite):
        echo(lab, VOICE)
        leaks = count_leaks(lab, "wan1", f"udp dport {VOICE}")
        witness = lan(lab, 1)
        rest, voice = lab.udp_flow(), flow_to(lab, VOICE)
        voice.alive(lab.isps[1].source, 5)
        begun = time.monotonic()
        suite.kill("routed")
        lab.gateway.ip("link set wan2 down")
        time.sleep(2)
        expect(refused(witness, SERVER, VOICE), lab.gateway.run("ip", "rule"))
        report = rest.report(begun)
        expect(report["lost"] == 0 and leaks() == 0, (report, leaks()))
        suite.start("routed")
        lab.gateway.ip("link set wan2 up")
        lab.add_default(lab.isps[1], 101)
        voice.alive(lab.isps[1].source, RETURN_S)
        expect(leaks() == 0, leaks())


def test_reload(options):
    """SIGHUP adds, changes and removes policies: what they do not select loses nothing, connections stay on the uplink that they
    began on, new ones go by the policy; and leave with it when their uplink dies."""
    lasting = VOICE_POLICY + "use = wan2\n[policy short]\nproto = tcp\nport = 7001\nuse = wan2\n"
    web = "[policy web]\nproto = tcp\nport = 7002\nuse = wan3\n"
    with running(options, UPLINKS, SECTIONS + lasting, defaults="failback_udp_after = 2min\n", nat=False) as (lab, suite):
        first, second, third = lab.isps
        echo(lab, VOICE)
        server = lab.stream_server()
        rest, voice = lab.udp_flow(), flow_to(lab, VOICE, rate=1000)
        voice.alive(second.source, 5)
        leaks = count_leaks(lab, "{wan1, wan3}", "tcp dport 7001")
        old, short = lab.tcp_stream("upload"), lab.tcp_flow(rate=200)
        time.sleep(1)
        begun = time.monotonic()

        def configure(sections):
            suite.configure(sections)
            suite.reload()
            wanted = {line.split()[1].rstrip("]") for line in sections.splitlines() if line.startswith("[policy")}
            suite.wait(lambda: set(policies(suite)) == wanted, 5, f"the policies are {wanted}")

        for _ in range(5):
            configure(SECTIONS + web + lasting)
            configure(SECTIONS + "[policy more]\nfrom = 10.9.0.0/16, 10.8.0.0/16\nuse = wan2, wan3\n" + lasting + web)
            configure(SECTIONS + lasting)
        configure(SECTIONS + web + lasting)
        for name, flow, source in (("rest", rest, first.source), ("voice", voice, second.source)):
            report = flow.report(begun)
            expect(report["lost"] == 0 and list(report["sources"]) == [source], (name, report))
        report = short.report(begun)
        expect(report["failed"] == 0 and leaks() == 0, (leaks(), report))
        by_third = count_leaks(lab, third.device, "tcp dport 7002 tcp flags & (syn | ack) == syn", "begun")
        new = lab.tcp_stream("upload")
        wait_until(lambda: by_third() == 1, 3)
        rows = old.report(begun)
        expect(len(rows) == 1 and rows[0]["ended"] is None and rows[0]["progress"] > 50, rows)
        cut = first.cut("blackhole")
        wait_until(lambda: by_third() >= 2, 10, what="the old one begins anew by the policy")
        rows = old.report(cut)
        expect(len(rows) == 2 and rows[0]["ended"] is not None, rows)
        rows = new.report(cut)
        expect(len(rows) == 1 and rows[0]["ended"] is None, rows)
        report = voice.report(cut)
        expect(report["lost"] == 0, report)
        time.sleep(1)
        sources = {end["source"].rsplit(":", 1)[0] for end in server.report(begun)["ended"]}
        expect(sources <= {first.source}, sources)


EVERYTHING = "[policy everything]\niif = lan0\nuse = wan2\n"


def test_beside_a_full_tunnel(options):
    """It takes the policy's traffic as all other: a policy says which uplink, never whether a tunnel."""
    with running(options, UPLINKS, SECTIONS + EVERYTHING, nat=False) as (lab, suite):
        lab.udp_flow().alive(lab.isps[1].source, 5)
        wg_quick(lab)
        lab.client.ip("link set eth0 mtu 1380")
        inside = flow_to(lab, "7000")
        inside.alive(SITE, 10)
        begun = time.monotonic()
        time.sleep(1)
        report = inside.report(begun)
        expect(list(report["sources"]) == [SITE] and report["lost"] == 0, report)
        expect(suite.agrees("wan1"), suite.routing())


def test_beside_tailscale(options):
    """What is for the tailnet goes there, whatever a policy says; the rest by the policy's uplink."""
    with running(options, UPLINKS, SECTIONS + EVERYTHING, nat=False) as (lab, suite):
        tailscale(lab)
        lab.client.ip("link set eth0 mtu 1380")
        peer, rest = flow_to(lab, "7000", server=TAILNET_PEER), lab.udp_flow()
        peer.alive(timeout=10)
        begun = time.monotonic()
        time.sleep(1)
        reports = peer.report(begun), rest.report(begun)
        expect(all(report["lost"] == 0 for report in reports), reports)
        expect(list(reports[1]["sources"]) == [lab.isps[1].source], reports)
        expect(suite.agrees("wan1"), suite.routing())


def test_ipv6(options):
    """The same in IPv6, which has a health of its own."""
    with running(options, UPLINKS[:2], "[wan1]\n[wan2]\n" + VOICE_POLICY + "use = wan2, wan1\n", ipv6="static") as (lab, suite):
        echo(lab, VOICE)
        echo(lab, VOICE, SERVER6)
        flows = {4: flow_to(lab, VOICE), 6: flow_to(lab, VOICE, server=SERVER6)}
        rest = lab.udp_flow(server=SERVER6)
        flows[4].alive(lab.isps[1].source, 5)
        flows[6].alive(lab.isps[1].ipv6.address, 5)
        time.sleep(CALM_S)
        begun = lab.isps[1].cut("blackhole", family=6)
        flows[6].alive(lab.isps[0].ipv6.address)
        report = flows[6].report(begun - 0.5)
        expect(report["outage_ms"] <= 1500, report)
        expect(flows[4].report(begun)["lost"] == 0 and rest.report(begun)["lost"] == 0, "the others do not notice")
        expect((policies(suite), policies(suite, 6)) == ({"voice": "wan2"}, {"voice": "wan1"}), suite.routing())
        said = explain(lab, suite, "--proto", "udp", "--port", VOICE, SERVER6)
        expect(said["uplink"] == "wan1" and said["policy"] == "voice", said)
        lab.isps[1].repair("blackhole")
        flows[6].alive(lab.isps[1].ipv6.address, RETURN_S)
    return {"outage_ms": report["outage_ms"]}


def test_clear_leaves_nothing(options):
    """routed --clear after a crash: nothing of policies is left either."""
    with Lab(options.tools, UPLINKS, nat=False) as lab:
        before = lab.picture()
        suite = Suite(lab, options.bin, SECTIONS + VOICE_POLICY + "use = wan2\n[policy all]\nfrom = 192.168.77.0/24\nuse = wan3\n")
        suite.start()
        suite.wait_active(10, "wan1")
        wait_policy(suite, 5, "wan2")
        suite.kill("routed")
        expect("lookup 6001" in lab.gateway.run("ip", "rule"), "policies outlive routed")
        lab.gateway.run(f"{options.bin}/routed", "--config", suite.config, "--clear")
        after = lab.picture()
        expect(after == before, [set(a) ^ set(b) for a, b in zip(after, before)])


if __name__ == "__main__":
    main(globals())
