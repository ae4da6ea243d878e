#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The show behind ./quickstart: the suite between two simulated ISPs, two failovers, and what they cost the users."""

import argparse
import os
import signal
import subprocess
import sys
import time

from multilink_lab.isolation import isolate
from multilink_lab.lab import Lab
from multilink_lab.page import FIRST_PORT, free_port, serve_status_page
from multilink_lab.suite import Suite

CALM = 10  # s
SETTLED = 1  # s: what was on its way at the return has arrived


class Style:
    def __init__(self):
        on = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self.red, self.green, self.bold, self.dim, self.end = (
            ("\033[31m", "\033[32m", "\033[1m", "\033[2m", "\033[0m") if on else ("",) * 5)


STYLE = Style()


def say(text=""):
    print(text, flush=True)


class Timeline:
    """Lines with the time since the last fault, in the order of their times."""

    def __init__(self):
        self._zero = time.time()
        self._lines = []

    def begin(self, title, begun, text):
        self._zero = time.time() - (time.monotonic() - begun)
        say(f"\n{STYLE.bold}{title}{STYLE.end}")
        self.line(text, self._zero)
        self.show()

    def line(self, text, wall):
        self._lines.append((wall - self._zero, text))

    def show(self):
        for since, text in sorted(self._lines):
            say(f"  {since:+9.3f} s  {text}")
        self._lines.clear()

    def happened(self, event):
        """One entry of the suite's own stream of events."""
        wall = int(event["at"]) / 1000
        if wall < self._zero - 0.002:
            return
        if event["kind"] == "health":
            colour = STYLE.green if event["to"] == "up" else STYLE.red
            self.line(f"healthd: {event['uplink']} is {colour}{event['to']}{STYLE.end}, was {event['from']}: "
                      f"{event['reason']}", wall)
        elif event["kind"] == "route":
            took = f", {int(event['took_us']) / 1000:.1f} ms after routed noticed" if event.get("took_us") else ""
            self.line(f"routed:  traffic moves from {event['from'] or 'nowhere'} to "
                      f"{STYLE.bold}{event['to']}{STYLE.end}{took}", wall)
        elif event["kind"] == "link":
            self.line(f"pingd:   {event['uplink']}: {event['to']}, was {event['from']}", wall)


class Show:
    def __init__(self, lab, suite):
        self.lab = lab
        self.suite = suite
        self.timeline = Timeline()
        self.flow = lab.udp_flow(rate=1000)
        self._told = 0

    def tell_new_events(self):
        events = self.suite.events()
        for event in events[self._told:]:
            self.timeline.happened(event)
        self._told = len(events)

    def wait_for_path(self, device, limit):
        """Tells events as they come, until traffic goes by `device`."""
        def arrived():
            self.tell_new_events()
            return self.lab.path_of() == device
        self.suite.wait(arrived, limit, f"traffic goes by {device}")

    def fail_over(self, title, fault):
        better, backup = self.lab.isps[:2]
        self._told = len(self.suite.events())
        begun = better.cut(fault)
        self.timeline.begin(title, begun, f"{STYLE.red}cut{STYLE.end}")
        self.wait_for_path(backup.device, 60)
        self.timeline.line(f"the client has the first answer by {backup.device}", time.time() - time.monotonic()
                           + self.flow.alive(backup.source))
        report = self.flow.report(begun - 0.5)
        self.tell_new_events()
        self.timeline.show()
        say(f"    {STYLE.bold}1000 packets/s from a client, each to be answered: what was sent within "
            f"{report['outage_ms']:.0f} ms was lost, {report['lost']} packets{STYLE.end}")
        return report["outage_ms"]

    def return_home(self, fault):
        better = self.lab.isps[0]
        begun = better.repair(fault)
        self.timeline.begin("ISP 1 is repaired", begun,
                            f"{STYLE.green}repaired{STYLE.end}; it is watched for a while before traffic returns")
        self.wait_for_path(better.device, 90)
        time.sleep(SETTLED)
        report = self.flow.report(begun)
        self.tell_new_events()
        self.timeline.show()
        say(f"    {STYLE.bold}on the way back: {report['lost']} packets lost{STYLE.end}: what runs stays where it is, what begins "
            f"goes by {better.device}")
        self.flow.close()
        self.flow = self.lab.udp_flow(rate=1000)


def port_for_the_page(wanted):
    port = free_port(wanted)
    if port is None:
        sys.exit(f"quickstart: no free port on loopback ({wanted or f'{FIRST_PORT} and on'}); choose one with --port")
    return port


def show_status(suite, build):
    say(subprocess.run([f"{build}/bin/multilinkctl", "status", "--config", suite.config], check=True,
                       capture_output=True, text=True).stdout.rstrip())


def stay(address):
    say(f"\nEverything keeps running: {STYLE.bold}{address}{STYLE.end}   (Ctrl-C ends it)\n"
        "The page shows how ISP 1 is watched, and when traffic returns to it.")
    signal.pause()


def run(arguments):
    with Lab(f"{arguments.build}/lab") as lab:
        suite = Suite(lab, f"{arguments.build}/bin", defaults="failback_udp_after = 2min\n")  # as by default
        suite.start()
        suite.wait_status(20, wan1="TRUE", wan2="TRUE")
        suite.wait(lambda: lab.path_of() == "wan1", 10, "traffic goes by wan1")
        address = serve_status_page(lab, suite, f"{arguments.build}/bin", port_for_the_page(arguments.port))
        say("\nA client, a gateway with multilink, ISP 1 (RTT 20 ms, preferred), ISP 2 (RTT 80 ms), an Internet.\n"
            f"The configuration is two lines: [wan1] [wan2]. Status page meanwhile: {address}\n")
        show_status(suite, arguments.build)
        show = Show(lab, suite)
        outages = {}
        outages["pulled cable"] = show.fail_over("Somebody pulls the cable to ISP 1 (carrier lost)", "carrier")
        show.return_home("carrier")
        say(f"\n{CALM} s of calm: how regular the traffic is has to be learnt anew")
        time.sleep(CALM)
        outages["silent black hole"] = show.fail_over(
            "ISP 1 goes silent: the cable is fine, the router answers, nothing comes back (black hole)", "blackhole")
        show_status(suite, arguments.build)
        say("\nISP 1 has now failed twice within a minute. Each further failure has it watched for longer before traffic returns\n"
            "(flap damping), so that an ISP that stutters does not move it each time.")
        lab.isps[0].repair("blackhole")
        say("ISP 1 is repaired.")
        say(f"\n{STYLE.bold}Users felt:{STYLE.end} "
            + "; ".join(f"{name} {outage:.0f} ms" for name, outage in outages.items()))
        if arguments.stay:
            stay(address)
        say("Cleaning up: namespaces, processes and files of this run are gone when it ends.")


def interrupted(*_):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, help="build folder")
    parser.add_argument("--stay", action="store_true")
    parser.add_argument("--port", type=int)
    arguments = parser.parse_args()
    arguments.build = os.path.abspath(arguments.build)
    isolate()
    # One Ctrl-C ends it, wherever it is; the cleaning up that follows is not to be disturbed by a second.
    signal.signal(signal.SIGINT, interrupted)
    try:
        run(arguments)
    except TimeoutError as error:
        sys.exit(f"quickstart: {error}")
    except KeyboardInterrupt:
        say("\nEnded by Ctrl-C; namespaces, processes and files of this run are gone.")
        sys.exit(130)


if __name__ == "__main__":
    main()
