#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The status page as a person sees it: in a real browser, over the suite in the lab."""

import contextlib
import json
import os
import random
import struct
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [HERE, f"{HERE}/../lab"]

from browser import Browser, axe_of
from multilink_lab.page import free_port, serve_status_page
from multilink_lab.scenario import expect, main
from multilink_lab.suite import running
from multilink_lab.waiting import wait_until

WIDTHS = {"phone": (375, 812), "desk": (1920, 1080)}
SCHEMES = ("light", "dark")
LIVE = 6  # s: the page asks each second; a busy machine takes its time
DAY = 86_400
MARK = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"


def remember_a_day(suite, uplink, rtt_ms, seed):
    """The last 24 h of an uplink, written as docs/redis-schema.md has it, with an hour in which it was down."""
    chance = random.Random(seed)
    now = int(time.time())
    for minute in range(now // 60 - 1440, now // 60):
        second = minute * 60
        day = time.strftime("%Y-%m-%d", time.gmtime(second))
        down = 600 <= minute - (now // 60 - 1440) < 660
        rtt = int((rtt_ms + chance.expovariate(1 / 3)) * 1000)
        record = struct.pack(">BBBHH", 0 if down else 240, 0, 240 if down else 0, 60, 60 if down else 0)
        record += b"".join(number.to_bytes(3, "big") for number in ((0, 0, 0) if down else (rtt, 3 * rtt, rtt // 20)))
        key = suite.key("uplink", uplink, "history", "4", day)
        suite.redis()("SETRANGE", key, 16 * 1440, b"\0")
        suite.redis()("SETRANGE", key, 16 * (second % DAY // 60), record)


@contextlib.contextmanager
def page(options, script=True, history=True):
    """Gives (lab, suite, browser): the browser shows the page of a suite that is up."""
    with running(options) as (lab, suite):
        if history:
            for number, (isp, rtt_ms) in enumerate(zip(lab.isps, (20, 80))):
                remember_a_day(suite, isp.device, rtt_ms, number)
        address = serve_status_page(lab, suite, options.bin, free_port())
        with Browser(lab.directory, script) as browser:
            browser.open(address)
            yield lab, suite, browser
            expect(not browser.complaints(), browser.complaints())


def shot(options, browser, name):
    """A picture for people to look at, in <build>/tests/browser."""
    folder = f"{os.path.dirname(options.bin)}/tests/browser"
    os.makedirs(folder, exist_ok=True)
    browser.picture(f"{folder}/{name}.png")


def shots(options, browser, name):
    for width_name, size in WIDTHS.items():
        for scheme in SCHEMES:
            browser.look(size, scheme)
            shot(options, browser, f"{name}-{width_name}-{scheme}")
            wide, room = browser.run("const e = document.scrollingElement; return [e.scrollWidth, e.clientWidth]")
            expect(wide <= room, f"{name} at {size[0]} px, {scheme}: {wide} px wide, {room} are there")
            cut_off = browser.run("""
                return [...document.querySelectorAll("td, th, p, li, h1, h2, h3, time, a")]
                  .filter((e) => e.offsetParent && !e.closest("thead") && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline")
                  .map((e) => e.outerHTML.slice(0, 200))""")
            expect(not cut_off, f"{name} at {size[0]} px: cut off: {cut_off}")
            accessible(browser, f"{name} at {size[0]} px, {scheme}")


def accessible(browser, where):
    browser.run(axe_of(os.environ.get("MULTILINK_AXE")) + "; return 0")
    found = browser.wait_for("axe.run(document, {resultTypes: ['violations']})")
    expect(found["passes"] and not found["violations"], f"{where}: " + json.dumps(
        [{"rule": v["id"], "help": v["help"], "nodes": [n["html"][:200] for n in v["nodes"]][:3]}
         for v in found["violations"]], indent=1))


def test_shows_what_happens_without_a_reload(options):
    with page(options) as (lab, suite, browser):
        expect("wan1" in browser.text() and "wan2" in browser.text(), browser.text())
        expect(browser.text("#verdict").startswith("All"), browser.text("#verdict"))
        browser.run("window.sameDocument = true; return 0")

        begun = lab.isps[0].cut("blackhole")
        suite.wait_active(10, "wan2")
        switched = time.monotonic()
        wait_until(lambda: "suspect" in browser.text("#now") or "down" in browser.text("#now"), LIVE,
                   what="the page shows the cut")
        shown = time.monotonic()
        now, events = browser.text("#now"), browser.text("#events")
        expect("unanswered" in now or "no answer" in now, f"the reason is told: {now}")
        expect("suspect" in events and "wan2" in events, f"the timeline tells of the switch: {events}")
        wait_until(lambda: "no answer from any target" in browser.text(), 15, what="down, with the reason")
        expect(browser.run("return window.sameDocument === true"), "the page was not loaded anew")
        lab.isps[0].repair("blackhole")
        return {"switched_ms": round((switched - begun) * 1000), "shown_after_the_cut_s": round(shown - begun, 2)}


def test_charts_carry_real_points(options):
    with page(options) as (_, _, browser):
        points = browser.run("""
            return [...document.querySelectorAll("svg path.line")].map((p) => (p.getAttribute("d").match(/[\\d.]+/g) || []).length)""")
        expect(points and max(points) > 100, f"lines of {points} numbers")
        drawn = browser.run("""
            return [...document.querySelectorAll("svg")].map((s) => { const b = s.getBoundingClientRect(); return [b.width, b.height] })""")
        expect(all(width > 100 and height > 10 for width, height in drawn), drawn)
        for days in browser.run("return [...document.querySelectorAll('nav a')].map((a) => a.href)"):
            browser.open(days)
            expect("wan1" in browser.text(), days)


def test_looks_well_and_is_accessible(options):
    """At two widths, light and dark: all up, drained, failed over, all down; the pictures are kept."""
    with page(options) as (lab, suite, browser):
        shots(options, browser, "up")
        lab.gateway.run(f"{options.bin}/multilinkctl", "--config", suite.config, "drain", "wan1", "--for", "1h")
        wait_until(lambda: "drained" in browser.text("#now"), 15, what="wan1 is drained on the page")
        shots(options, browser, "drained")
        lab.gateway.run(f"{options.bin}/multilinkctl", "--config", suite.config, "enable", "wan1")
        suite.wait_active(10, "wan1")
        lab.isps[0].cut("blackhole")
        suite.wait_status(15, wan1="FALSE")
        wait_until(lambda: "no answer from any target" in browser.text(), 15, what="wan1 is down on the page")
        shots(options, browser, "failed-over")
        lab.isps[1].cut("blackhole")
        suite.wait_status(15, wan2="FALSE")
        wait_until(lambda: browser.text("#now").count("no answer from any target") == 2, 15, what="both are down on the page")
        shots(options, browser, "all-down")


def test_works_without_script(options):
    with page(options, script=False) as (lab, suite, browser):
        expect("wan1" in browser.text() and "up" in browser.text(), browser.text())
        lab.isps[0].cut("carrier")
        suite.wait_active(5, "wan2")
        browser.open(browser.address())
        expect("no carrier" in browser.text(), browser.text())


def test_without_redis_says_so(options):
    with page(options) as (_, suite, browser):
        suite.kill("redis")
        wait_until(lambda: browser.shows("#stale"), LIVE + 6, what="the page tells that it is out of date")
        browser.open(browser.address())
        expect("What still works" in browser.text(), browser.text())
        shots(options, browser, "no-redis")
        suite.start("redis")
        wait_until(lambda: "wan1" in browser.text(), 2 * LIVE, what="the page is back by itself")
        browser.forget_complaints()  # 503 is an error to the browser's console


def test_words_of_others_stay_words(options):
    with page(options) as (_, suite, browser):
        suite.redis()("XADD", suite.key("events"), "*", "id", "057611bc-1", "source", "healthd", "kind", "health", "family", "4",
                      "uplink", "wan1", "from", "up", "to", "suspect", "reason", MARK + "x" * 300, "took_us", "", "chain_us", "", "decided_ns", "",
                      "at", int(time.time() * 1000))
        wait_until(lambda: "onerror" in browser.text(), LIVE, what="the words are shown as words")
        expect(browser.run("return document.title") != "owned", "a script of the event's text ran")
        expect(browser.run("return document.querySelectorAll('img').length") == 0, "an element came of the event's text")


if __name__ == "__main__":
    main(globals())
