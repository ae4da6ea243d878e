#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Nonsense and forgeries from outside: no crash, no wrong status."""

import json
import os
import random
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from multilink_lab.scenario import expect, main
from multilink_lab.suite import DAEMONS, running
from multilink_lab.waiting import wait_until

KEYS = ("uplinks", "routing", "events", *(f"daemon:{name}" for name in DAEMONS),
        *(f"uplink:{uplink}:{key}" for uplink in ("wan1", "wan2")
          for key in ("link", "probes", "status", "status:4", "status:6", "health", "admin")))
CHANNELS = ("probe", "status", "routing")


def rubbish(dice):
    return dice.choice([b"", b"\xff\x00\r\n*3\r\n", b"TRUE" * 5000, b"-1", b"9" * 400, b"nan", b"4.state",
                        dice.randbytes(dice.randrange(1, 200))])


def spoil(redis, key, dice):
    """Replaces the key by one of a random type and content, or spoils it where it is."""
    kind = dice.randrange(6)
    if kind < 5:
        redis("DEL", key)
    if kind == 0:
        redis("SET", key, rubbish(dice))
    elif kind == 1:
        redis("HSET", key, rubbish(dice), rubbish(dice), "families", "4 6", "4.state", "up", "4.fact", rubbish(dice))
    elif kind == 2:
        redis("ZADD", key, dice.choice(["inf", "-inf", "0", "1e300"]), rubbish(dice))
    elif kind == 3:
        redis("RPUSH", key, rubbish(dice))
    elif kind == 4:
        redis("XADD", key, "*", rubbish(dice), rubbish(dice))
    elif redis("TYPE", key) == "hash":
        for field in redis.fields(key):
            redis("HSET", key, field, rubbish(dice))


def test_garbage_in_redis(options):
    print(f"seed {options.seed}", file=sys.stderr)
    dice = random.Random(options.seed)
    with running(options) as (lab, suite):
        flow = lab.udp_flow()
        begun = time.monotonic()
        for _ in range(30):
            for key in KEYS:
                spoil(suite.redis(), suite.key(key), dice)
            for channel in CHANNELS:
                suite.redis()("PUBLISH", suite.key(channel), rubbish(dice))
                suite.redis()("PUBLISH", suite.key(channel), dice.choice(["wan1", "wan2"]))
            flow.alive(timeout=5)
        report = flow.report(begun - 0.2)
        expect(not suite.died(), suite.died())
        expect(report["lost"] == 0 and list(report["sources"]) == [lab.isps[0].source], report)
        # Members that look like fresh probes and are none go out of sight when 20 newer ones have come.
        return {"seed": options.seed, "clean_s": await_clean(suite, 40)}


WRONG_TYPES = {"string": ("SET", "garbage"), "list": ("RPUSH", "garbage"), "set": ("SADD", "garbage"),
               "hash": ("HSET", "garbage", "garbage"), "sorted set": ("ZADD", "inf", "garbage"),
               "stream": ("XADD", "*", "garbage", "garbage")}
LAST_ID = "18446744073709551615-18446744073709551615"


def own_keys(suite):
    return [suite.key(key) for key in KEYS if not key.endswith(":admin")]


def shape(suite):
    """What may not differ once all is in order: the type of each key, and the fields of each hash."""
    redis = suite.redis()
    kinds = {key: redis("TYPE", key) for key in own_keys(suite)}
    if kinds[suite.key("events")] == "none":
        kinds[suite.key("events")] = "stream"  # until there is an event
    return {key: (kind, sorted(redis.fields(key)) if kind == "hash" else None) for key, kind in kinds.items()}


def is_clean(suite):
    shown = suite.lab.gateway.run(f"{suite.bin}/multilinkctl", "--config", suite.config, "status", "--json")
    status = json.loads(shown)
    return (not status["problems"] and all(daemon["reports"] for daemon in status["daemons"])
            and [uplink["name"] for uplink in status["uplinks"]] == ["wan1", "wan2"]
            and all(uplink["status"] for uplink in status["uplinks"])
            and status["uplinks"][0]["families"]["4"]["carries_default"])


def await_clean(suite, seconds, wanted=None):
    """Until the status is without fault and the keys have the shape that is wanted. Gives how long it took."""
    begun = time.monotonic()
    wait_until(lambda: is_clean(suite) and wanted in (None, shape(suite)), seconds, what="a clean status")
    return round(time.monotonic() - begun, 1)


def add_strangers(redis, key, kind):
    """Puts what nobody wrote beside what is there."""
    if kind == "hash":
        redis("HSET", key, "stranger", "x" * 200_000, *(word for i in range(100) for word in (f"field{i}", "x")))
    elif kind == "zset":
        for score in ("inf", "-inf", "1e300", time.time_ns() // 1_000_000 + 86_400_000):
            redis("ZADD", key, *(word for i in range(25_000) for word in (score, f"{score}:{i}")))
    elif kind == "stream":
        redis("XADD", key, "*", "stranger", "x" * 200_000)
        redis("XADD", key, LAST_ID, "id", "garbage")
    else:
        redis("SET", key, "x" * 200_000)


def test_every_key_is_put_in_order(options):
    """Each key is spoilt once in each way, and mended by its writer within seconds: traffic notices nothing."""
    took = {}
    with running(options) as (lab, suite):
        redis, flow, begun = suite.redis(), lab.udp_flow(), time.monotonic()
        await_clean(suite, 10)
        good = shape(suite)

        def spoil_all(name, how):
            for key in own_keys(suite):
                how(key)
            took[name] = await_clean(suite, 15, good)

        for name, (command, *rest) in WRONG_TYPES.items():
            spoil_all(name, lambda key, words=(command, rest): (redis("DEL", key), redis(words[0], key, *words[1])))
        spoil_all("missing", lambda key: good[key][0] != "stream" and redis("DEL", key))
        spoil_all("values", lambda key: [redis("HSET", key, field, "\x01" * 600) for field in good[key][1] or ()])
        measured = redis("ZCARD", suite.key("uplink", "wan1", "probes"))
        spoil_all("strangers", lambda key: add_strangers(redis, key, good[key][0]))
        expect(not suite.died(), suite.died())
        report = flow.report(begun)
        expect(report["lost"] == 0 and list(report["sources"]) == [lab.isps[0].source], report)
        # What was measured is still there, and events can be written.
        suite.kill("healthd")
        suite.start("healthd")
        end = time.monotonic() + 9
        while time.monotonic() < end:
            expect(suite.status("wan1") == "TRUE", suite.health("wan1"))
            time.sleep(0.1)
        expect(int(suite.health("wan1")["4.probes"]) > measured > 5, f"{measured} before; {suite.health('wan1')}")
        lab.isps[1].cut("carrier")
        suite.wait(lambda: any(event["to"] == "no_carrier" for event in suite.events()), 10, "an event")
    return took


def test_a_forged_fact_does_not_last(options):
    """A fact that is well formed and wrong is believed until pingd writes its facts anew."""
    with running(options) as (lab, suite):
        suite.redis()("HSET", suite.key("uplink", "wan1", "link"), "4.fact", "no_carrier")
        suite.wait_status(5, wan1="FALSE")
        begun = time.monotonic()
        back = suite.wait_status(20, wan1="TRUE") - begun
        suite.wait_active(5, "wan1")
    return {"back_s": round(back, 1)}


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def icmp(kind, code, rest):
    message = struct.pack("!BBH", kind, code, 0) + rest
    message += b"\0" * (len(message) % 2)
    return message[:2] + struct.pack("!H", checksum(message)) + message[4:]


class Forger:
    """Sits on the ISP's port, sees each echo request, and answers with forgeries."""

    def __init__(self, isp):
        with isp.namespace.entered():
            self._sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
            self._sender = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self._sniffer.bind(("port", 0x0800))
        self._address = isp.address
        self.forged = 0

    def run(self, until, forge):
        """Sends forge(target, request) for each echo request to another host, until the time has come. `request` is the
        whole IP packet; what forge gives are pairs of source address and ICMP message."""
        while (left := until - time.monotonic()) > 0:
            self._sniffer.settimeout(left)
            try:
                packet, origin = self._sniffer.recvfrom(2048)
            except TimeoutError:
                return
            if origin[2] != socket.PACKET_HOST or packet[9] != socket.IPPROTO_ICMP or packet[20] != 8:
                continue
            target = socket.inet_ntoa(packet[16:20])
            for source, message in forge(target, packet):
                self._send(source, message)

    def _send(self, source, message):
        header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(message), 0, 0, 64, socket.IPPROTO_ICMP, 0,
                             socket.inet_aton(source), socket.inet_aton(self._address))
        self._sender.sendto(header + message, (self._address, 0))
        self.forged += 1

    def close(self):
        self._sniffer.close()
        self._sender.close()


def test_forged_replies(options):
    """Behind a black hole somebody answers each probe: with its identifier and sequence but not its payload, with
    another sequence, from another address. The link is dead all the same."""
    def forge(target, packet):
        request = packet[20:]
        identifier, sequence = struct.unpack("!HH", request[4:8])
        wrong = bytes(byte ^ 0xff for byte in request[8:])
        yield target, icmp(0, 0, request[4:8] + wrong)
        yield target, icmp(0, 0, request[4:8])
        yield target, icmp(0, 0, struct.pack("!HH", identifier, (sequence + 1) & 0xffff) + request[8:])
        yield "203.0.113.66", icmp(0, 0, request[4:])

    with running(options) as (lab, suite):
        forger = lab.keep(Forger(lab.isps[0]))
        begun = lab.isps[0].cut("blackhole")
        while suite.status("wan1") == "TRUE" and time.monotonic() < begun + 30:
            forger.run(time.monotonic() + 0.5, forge)
        took = time.monotonic() - begun
        expect(suite.status("wan1") == "FALSE", suite.health("wan1"))
        suite.wait_active(2, "wan2")
        expect(forger.forged > 10, f"{forger.forged} forgeries")
    return {"forged": forger.forged, "down_s": round(took, 1)}


def test_forged_unreachables(options):
    """On a healthy link somebody claims for each probe that its target cannot be reached, quoting it almost right."""
    def forge(target, packet):
        header, request = packet[:20], packet[20:]
        identifier, sequence = struct.unpack("!HH", request[4:8])
        wrong_checksum = request[:2] + bytes(byte ^ 0x55 for byte in request[2:4]) + request[4:8]
        wrong_sequence = request[:6] + struct.pack("!H", (sequence + 7) & 0xffff)
        wrong_identifier = request[:4] + struct.pack("!H", identifier ^ 0x1234) + request[6:8]
        for quoted in (wrong_checksum, wrong_sequence, wrong_identifier, b""):
            yield "100.64.1.2", icmp(3, 1, b"\0\0\0\0" + header + quoted)
        yield "100.64.1.2", icmp(3, 1, b"\0\0\0\0" + header[:12])

    with running(options) as (lab, suite):
        forger = lab.keep(Forger(lab.isps[0]))
        forger.run(time.monotonic() + 10, forge)
        health = suite.health("wan1")
        expect(forger.forged > 30, f"{forger.forged} forgeries")
        expect(suite.status("wan1") == "TRUE" and float(health["4.loss"]) == 0, health)
        expect(not suite.died(), suite.died())
    return {"forged": forger.forged}


if __name__ == "__main__":
    main(globals())
