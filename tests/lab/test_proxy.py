#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The web proxy: each request by the uplink that it should go by, whatever fails, and for nobody else."""

import collections
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import Future

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from multilink_lab.ipv6 import SERVER6
from multilink_lab.lab import GATEWAY_LAN, SERVER
from multilink_lab.proxy import SQUID, proxied
from multilink_lab.scenario import expect, main
from multilink_lab.uplink import Uplink
from multilink_lab.waiting import wait_until
from multilink_lab.web import Users

REQUESTS = 400
POINTS = 0.02
DIVERTED_S = 1.0  # one run on a busy machine; 0.3 s where nothing else runs
EVICT_AFTER_S = 3


def weighted(first, second=1):
    return f"[wan1]\nweight = {first}\n[wan2]\nweight = {second}\n"


def share_of_first(lab, visits):
    """The part of the visits that came by the first uplink; all must have succeeded."""
    bad = [each for each in visits if not each.is_good]
    expect(not bad, f"{len(bad)} of {len(visits)} failed: {bad[:3]}")
    sources = collections.Counter(each.body for each in visits)
    expect(set(sources) <= {isp.address for isp in lab.isps}, sources)
    return sources[lab.isps[0].address] / len(visits)


def expect_share(lab, users, wanted, what, **more):
    share = share_of_first(lab, users.many(REQUESTS, **more))
    expect(abs(share - wanted) <= POINTS, f"{what}: {share}, wanted {wanted}")
    return round(share, 4)


def test_shares(options):
    """Weight and round-trip time make the shares, of GET and of CONNECT; a change needs no reload of the proxies."""
    figures = {}
    with proxied(options, [Uplink(rtt_ms=20, metric=100), Uplink(rtt_ms=20, metric=101)], weighted(1)) as (
            lab, suite, proxies, _, users):
        for weight in (1, 3, 5):
            suite.configure(SQUID + weighted(weight))
            suite.reload()
            wanted = weight / (weight + 1)
            proxies.wait_shares(20, 0.01, wan1=wanted, wan2=1 - wanted)
            for kind in ("get", "connect"):
                figures[f"{kind} {weight}:1"] = expect_share(lab, users, wanted, f"{kind} {weight}:1", kind=kind)
        suite.configure(SQUID + weighted(1))
        suite.reload()
        lab.isps[1].line.set(delay_us=30_000)
        proxies.wait_shares(20, 0.01, wan1=0.75, wan2=0.25)
        for kind in ("get", "connect"):
            figures[f"{kind} 20/60 ms"] = expect_share(lab, users, 0.75, f"{kind} at 20 and 60 ms", kind=kind)
    return figures


def test_helper_answers_whatever_it_is_asked(options):
    """Without Redis and without Squid: each question has its answer, garbage has none and ends nothing; the end of the input
    is the end."""
    helper = subprocess.Popen([f"{options.bin}/multilink-squid-helper", "--redis", "unix:/run/nothing.sock", "--site", "local", "wan1:3221",
                               "lte:3222:metered"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    garbage = b"".join(os.urandom(200).replace(b"\n", b"") + b"\n" for _ in range(50)) + b"x" * 200_000 + b"\n"
    for number in range(3):
        helper.stdin.write(garbage + b"".join(b"%d -\n" % (number * 1000 + i) for i in range(1000)))
        helper.stdin.flush()
        answers = [helper.stdout.readline() for _ in range(1000)]
        expect(answers == [b"%d OK\n" % (number * 1000 + i) for i in range(1000)], answers[:3])
    helper.stdin.close()
    expect(helper.wait(timeout=5) == 0 and helper.stdout.read() == b"", helper.returncode)
    wrong = subprocess.run([f"{options.bin}/multilink-squid-helper", "wan1"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    expect(wrong.returncode == 64 and b"'wan1' is not UPLINK:PORT" in wrong.stderr, wrong)


def test_black_hole(options):
    """50 requests a second while an uplink goes dead and comes back: none fails; new ones choose the other parent as soon as
    the link is suspect, those under way are taken from it when it is down; after its return it has its share again."""
    with proxied(options, [Uplink(rtt_ms=20, metric=100), Uplink(rtt_ms=20, metric=101)]) as (lab, suite, proxies, web, users):
        dead, other = lab.isps
        proxies.wait_shares(wan1=0.5, wan2=0.5)
        finish = users.steadily(50, 12)
        time.sleep(2)
        begun = dead.cut("blackhole")
        suite.wait(lambda: any(event["to"] == "suspect" for event in suite.events()), 5, "wan1 is suspect")
        suspect = time.monotonic()
        suite.wait_status(10, wan1="FALSE")
        time.sleep(5.5)
        dead.repair("blackhole")
        suite.wait_status(15, wan1="TRUE")
        back = time.monotonic()
        visits = finish()
        late = users.many(100)
    bad = [visit for visit in visits + late if visit.has_failed]
    expect(not bad, f"{len(bad)} of {len(visits)} failed: {bad[:3]}")
    cut = sum(not visit.is_good for visit in visits)
    expect(cut <= 4, f"{cut} tunnels were cut")
    # When the last request began that was first sent to the dead one: it took longer than any other.
    diverted = max((visit.begun for visit in visits if visit.begun < back and visit.took > 0.5), default=begun)
    slowest = max(visit.took for visit in visits)
    share = collections.Counter(visit.body for visit in late)[dead.address] / len(late)
    expect(suspect - begun < DIVERTED_S, f"suspect after {suspect - begun} s")
    expect(diverted - begun < DIVERTED_S + 0.2, f"still chosen {diverted - begun} s after the fault")
    expect(slowest < EVICT_AFTER_S + 1.5, f"the slowest took {slowest} s")
    expect(abs(share - 0.5) <= 0.05, f"{share} by the uplink that has returned")
    return {"requests": len(visits), "failed": len(bad), "tunnels_cut": cut, "suspect_after_ms": round((suspect - begun) * 1000),
            "last_on_the_dead_one_ms": round((diverted - begun) * 1000), "slowest_ms": round(slowest * 1000),
            "share_after_return": share}


def test_deaths(options):
    """kill -9 of a parent, of the helper and of Redis under 50 requests a second: none fails."""
    with proxied(options, [Uplink(rtt_ms=20, metric=100), Uplink(rtt_ms=20, metric=101)]) as (lab, suite, proxies, _, users):
        proxies.wait_shares(wan1=0.5, wan2=0.5)
        finish = users.steadily(50, 7)
        time.sleep(1)
        proxies.kill("parent-wan1")
        time.sleep(1)
        proxies.start("parent-wan1", "multilink-squid-1")
        time.sleep(1)
        proxies.kill_helper()
        time.sleep(1.5)
        suite.kill("redis")
        time.sleep(1)
        visits = finish()
        bad = [visit for visit in visits if visit.has_failed]
        expect(not bad, f"{len(bad)} of {len(visits)} failed: {bad[:3]}")
        cut = sum(not visit.is_good for visit in visits)
        expect(cut <= 4, f"{cut} tunnels were cut")
        share = share_of_first(lab, users.many(100))
        expect(abs(share - 0.5) <= 0.05, f"{share} by the first uplink without Redis")
    return {"requests": len(visits), "failed": len(bad), "tunnels_cut": cut, "slowest_ms": round(max(visit.took for visit in visits) * 1000)}


def test_a_helper_dies_with_requests_in_its_hands(options):
    """They go by the weights, as all do without a helper."""
    with proxied(options, [Uplink(rtt_ms=20, metric=100), Uplink(rtt_ms=20, metric=101)]) as (_, _, proxies, _, users):
        proxies.wait_shares(wan1=0.5, wan2=0.5)
        proxies.kill_helper(signal.SIGSTOP)
        waiting = [users.begin(kind) for kind in ("get", "connect") * 5]
        time.sleep(0.5)
        expect(not any(map(Future.done, waiting)), "they wait for the helper")
        proxies.kill_helper()
        visits = [future.result() for future in waiting]
        expect(all(visit.is_good for visit in visits), [visit for visit in visits if not visit.is_good])
    return {"slowest_ms": round(max(visit.took for visit in visits) * 1000)}


def test_cache(options):
    """What one user has fetched, the next one gets with nothing on the uplinks but the probes."""
    with proxied(options) as (lab, _, proxies, web, users):
        proxies.wait_shares(within=1, wan1=1, wan2=1)
        first = users.visit(path="/keep/1")
        asked = len(web.visits)
        second = users.visit(path="/keep/1")
        expect(first.is_good and second.is_good and second.body == first.body, (first, second))
        expect(len(web.visits) == asked, "the second request reached the server")
    return {"first_ms": round(first.took * 1000), "second_ms": round(second.took * 1000)}


def test_bound_to_the_uplink(options):
    """A parent's questions to name servers, and its IPv6, leave by its own uplink; where its table is empty nothing does."""
    with proxied(options, ipv6="static", server6=SERVER6) as (lab, suite, proxies, web, users):
        users.begin(host="warm.test").result()
        for isp in lab.isps:
            parent = ("127.0.0.1", int(proxies.port_of(f"parent-{isp.device}")))
            local = Users(lab, lab.gateway, 2)
            for host, address in ((f"four-{isp.device}.test", isp.address), (f"six-{isp.device}.test", isp.ipv6.address)):
                got = local.visit(host=host, proxy=parent)
                expect(got.is_good and got.body == address, (isp.device, host, got))
                asked = {source for source, name in web.questions if name == host}
                expect(asked == {isp.address}, (isp.device, host, asked))
        # With the table emptied of the one that does not carry the default, and routed too dead to mend it.
        suite.kill("routed")
        for family in ("-4", "-6"):
            lab.gateway.run("ip", family, "route", "flush", "table", "7002")
        questions, visits = len(web.questions), len(web.visits)
        parent = ("127.0.0.1", int(proxies.port_of("parent-wan2")))
        for host in ("leak-four.test", "six-leak.test", SERVER, SERVER6):
            got = local.visit(host=host, proxy=parent)
            expect(got.status != 200, (host, got))
        expect(len(web.questions) == questions and len(web.visits) == visits, "something has left by another uplink")
    return {}


def test_refused(options):
    """Nobody from outside, nothing on the router, no port but the web's."""
    with proxied(options) as (lab, _, proxies, web, users):
        proxies.wait_shares(within=1, wan1=1, wan2=1)
        expect(users.visit().is_good, "a user of the LAN is served")
        outside = Users(lab, lab.isps[0].namespace, 2)
        for proxy in ((lab.isps[0].address, 3128), (lab.isps[0].address, 3221), (lab.isps[0].address, 3220)):
            got = outside.visit(proxy=proxy, timeout=3)
            expect(got.status in (0, 403), (proxy, got))
        own = ["127.0.0.1", "127.7.7.7", "localhost", "[::1]", "0.0.0.0", GATEWAY_LAN, *(isp.address for isp in lab.isps)]
        for host in own:
            for kind, port in (("get", 80), ("get", 3221), ("connect", 443)):
                got = users.visit(kind, host=host.strip("[]"), port=port)
                expect(got.status == 403, (host, kind, port, got.status))
        for kind, port in (("connect", 22), ("get", 22), ("connect", 25), ("connect", 80)):
            got = users.visit(kind, port=port)
            expect(got.status == 403, (kind, port, got.status))
        expect(len(web.visits) == 1, web.visits)
        # An address that has come since the files were written, as with DHCP.
        lab.gateway.ip("addr add 198.51.100.77/32 dev lo")
        with lab.gateway.entered(), socket.create_server(("198.51.100.77", 8099)) as server:
            for kind in ("get", "connect"):
                got = users.visit(kind, host="198.51.100.77", port=8099, timeout=5)
                expect(got.status not in (0, 200), (kind, got))
            server.setblocking(False)
            try:
                raise AssertionError(f"a parent has come: {server.accept()}")
            except BlockingIOError:
                pass
        expect(users.visit().is_good, "the parents still answer the child")
        wait_until(lambda: all(int(proxies.record(name).get(f"parent.{figure}") or 0) > 0 for name in ("wan1", "wan2")
                               for figure in ("requests", "memory_kib")), 12, what="the parents' own figures are told")
    return {"refused": 3 * len(own) + 6}


def test_damaged_seats(options):
    """Where the file of the seats cannot be read, a reload of routed lets no parent go by another uplink; it is a matter of the
    proxy alone."""
    with proxied(options) as (lab, suite, proxies, _, users):
        proxies.wait_shares(within=1, wan1=1, wan2=1)
        local = Users(lab, lab.gateway, 1)
        seats = f"{proxies.directory}/squid-seats"

        def check(what):
            before = suite.log("routed").count("now goes by")
            suite.reload()
            wait_until(lambda: suite.log("routed").count("now goes by") > before, 10, what="routed has reloaded")
            got = local.visit(proxy=("127.0.0.1", int(proxies.port_of("parent-wan2"))))
            expect(got.body == lab.isps[1].address, (what, got))
            try:
                raise AssertionError(f"{what}: {proxies.apply()}")
            except subprocess.CalledProcessError as error:
                expect("squid-seats: " in str(error) and "remove it" in str(error), (what, error))

        with open(seats, "wb") as file:
            file.write(b"1 wan1\n\0\xff\n")
        check("garbage")
        os.remove(seats)
        os.mkdir(seats)
        check("a folder")
        os.rmdir(seats)
        suite.reload()
        expect("unchanged, user" in proxies.apply(), "all is as before")
    return {}


def test_the_first_requests_after_a_start(options):
    """A parent that listened only after the child had looked for it is taken for dead by Squid for the rest of that second:
    users' requests wait until each has been seen to be alive."""
    three = [Uplink(rtt_ms=20, metric=100 + number) for number in range(3)]
    with proxied(options, three, "[wan1]\n[wan2]\n[wan3]\n") as (lab, suite, proxies, web, users):
        proxies.wait_shares(wan1=1 / 3, wan2=1 / 3, wan3=1 / 3)
        for _ in range(3):
            accounts = {name: proxies.user_of(name) for name in proxies.running()}
            for name in accounts:
                proxies.kill(name)
            for name in ("parent-wan2", "child", "parent-wan1", "parent-wan3"):
                proxies.start(name, str(accounts[name]))
                proxies.wait_listening(name)
            proxies.wake_up()
            visits = users.many(18)
            expect(all(visit.is_good for visit in visits), [visit for visit in visits if not visit.is_good])
    return {}


def test_uplinks_come_and_go(options):
    """An uplink that is taken out of the file loses its parent, one that is added gets one; downloads through the others go
    on, and each of the others keeps its user."""
    three = [Uplink(rtt_ms=20, metric=100 + number) for number in range(3)]
    with proxied(options, three, "[wan1]\n[wan2]\n[wan3]\n") as (lab, suite, proxies, web, users):
        proxies.wait_shares(wan1=1 / 3, wan2=1 / 3, wan3=1 / 3)
        tied = {name: proxies.user_of(name) for name in proxies.running()}

        def change(sections):
            """Gives how many of nine downloads by each uplink were under way, and how many ended well."""
            begun = len(web.visits)
            slow = [users.begin(path="/slow") for _ in range(9)]
            visits = lambda: [source.removeprefix("::ffff:") for _, source, path in web.visits[begun:] if path == "/slow"]
            wait_until(lambda: len(visits()) >= 9, 30, what="nine downloads are under way")
            under_way = collections.Counter(visits())
            suite.configure(SQUID + sections)
            suite.reload()
            said = proxies.set_up()
            expect("unchanged, user" in said, said)
            expect({name: proxies.user_of(name) for name in proxies.running()}.items() <= tied.items(), "users are kept")
            address = len(lab.isps[0].address)
            return under_way, collections.Counter(visit.body[:address] for visit in map(Future.result, slow) if visit.is_good)

        begun, kept = change("[wan3]\n[wan2]\n")
        expect(proxies.running() == {"child", "parent-wan2", "parent-wan3"}, proxies.running())
        expect(begun[lab.isps[0].address] < 9, begun)
        expect(all(kept[isp.address] == begun[isp.address] for isp in lab.isps[1:]), (begun, kept))
        proxies.wait_shares(wan2=0.5, wan3=0.5)
        sources = collections.Counter(visit.body for visit in users.many(30))
        expect(set(sources) == {isp.address for isp in lab.isps[1:]}, sources)
        begun, kept = change("[wan1]\n[wan3]\n[wan2]\n")
        expect(proxies.running() == set(tied), proxies.running())
        expect(sum(kept.values()) == 9, (begun, kept))
        proxies.wait_shares(wan1=1 / 3, wan2=1 / 3, wan3=1 / 3)
        sources = collections.Counter(visit.body for visit in users.many(90))
        expect(all(sources[isp.address] >= 18 for isp in lab.isps), sources)  # a third, but for what delays are measured
        expect(proxies.apply().count("unchanged") == 4, "a second run writes nothing")
    return {}


if __name__ == "__main__":
    main(globals())
