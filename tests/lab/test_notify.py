#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Alerts: a real web server and a real mail server in the Internet are told of what happens to the uplinks."""

import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from multilink_lab.lab import SERVER
from multilink_lab.scenario import AT_ONCE_MS, expect, main
from multilink_lab.suite import running

PORT = 8099
HANG_S, LONG_HANG_S = 10, 60
# Promised are 2 s; the rest is for a busy machine.
TOLD_WITHIN_S = 6
WEBHOOK = f"[wan1]\n[wan2]\n[notify]\nwebhook = http://{SERVER}:{PORT}/hook\non = route\n"

# Each request a line of JSON: when it came, whence, and its body. The first ones are answered late.
WEB_SERVER = """
import http.server, json, sys, time
hang = float(sys.argv[2])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        print(json.dumps({"at": time.time(), "from": self.client_address[0], "alert": json.loads(body)}), flush=True)
        time.sleep(hang)
        self.send_response(204)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Handler).serve_forever()
"""

MAIL_SERVER = """
import asyncore, json, smtpd, time
class Server(smtpd.SMTPServer):
    def process_message(self, peer, sender, recipients, data, **_):
        print(json.dumps({"at": time.time(), "from": peer[0], "to": recipients, "mail": data.decode()}), flush=True)
Server(("0.0.0.0", 25), None)
asyncore.loop()
"""


class Receiver:
    """A server in the Internet that writes what it gets into a file."""

    def __init__(self, lab, name, program, *arguments):
        self._path = f"{lab.directory}/{name}.log"
        with open(self._path, "wb") as out:
            self._process = lab.internet.popen("python3", "-W", "ignore", "-c", program, *arguments, stdout=out, stderr=out,
                                               stdin=subprocess.DEVNULL)
        lab.keep(self)

    def got(self):
        with open(self._path, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def close(self):
        self._process.kill()
        self._process.wait()


def listens(lab, port):
    return f":{port} " in lab.internet.run("ss", "-Hltn")


def cut_and_wait(lab, suite, receiver, count=1, limit=TOLD_WITHIN_S):
    """The better uplink is cut; gives for how long after the switch the receiver waited."""
    lab.isps[0].cut("carrier")
    suite.wait_active(2, "wan2")
    switched = time.time()
    suite.wait(lambda: len(receiver.got()) >= count, limit, "the receiver is told")
    return receiver.got()[-1]["at"] - switched


def test_webhook_is_told_once_by_the_surviving_uplink(options):
    """C22: alerts cannot be sent just when they matter."""
    with running(options, sections=WEBHOOK) as (lab, suite):
        receiver = Receiver(lab, "web", WEB_SERVER, str(PORT), "0")
        suite.wait(lambda: listens(lab, PORT), 5, "the web server listens")
        suite.start("notifyd")
        suite.wait(lambda: suite.redis()("GET", "multilink:local:notified:webhook"), 5, "notifyd knows where it is")
        took = cut_and_wait(lab, suite, receiver)
        time.sleep(3)
        suite.kill("notifyd")
        suite.start("notifyd")
        time.sleep(3)
        got = receiver.got()
        expect(len(got) == 1, got)
        expect(got[0]["alert"]["about"] == "route" and got[0]["alert"]["to"] == "wan2", got)
        expect(got[0]["from"] == lab.isps[1].source, got)
    return {"told_after_s": round(took, 3)}


def test_hanging_receiver_delays_nothing(options):
    """A web address that takes a connection and then says nothing for a minute: the next failover is as fast, and told
    after it."""
    hang = LONG_HANG_S if options.long else HANG_S
    with running(options, sections=WEBHOOK) as (lab, suite):
        receiver = Receiver(lab, "web", WEB_SERVER, str(PORT), str(hang))
        suite.wait(lambda: listens(lab, PORT), 5, "the web server listens")
        suite.start("notifyd")
        suite.wait(lambda: suite.redis()("GET", "multilink:local:notified:webhook"), 5, "notifyd knows where it is")
        flow = lab.udp_flow()
        cut_and_wait(lab, suite, receiver)
        suite.configure(WEBHOOK.replace("[wan1]\n", "[wan1]\nup_after = 2s\n"))
        suite.reload()
        lab.isps[0].repair("carrier")
        suite.wait_active(hang, "wan1")
        begun = lab.isps[0].cut("carrier")
        suite.wait_active(2, "wan2")
        flow.alive(lab.isps[1].source, 2)
        report = flow.report(begun - 0.5)
        suite.wait(lambda: len(receiver.got()) >= 3, 3 * hang + 10, "all is told after all")
        got = [each["alert"]["to"] for each in receiver.got()]
        expect(got == ["wan2", "wan1", "wan2"], got)
        expect(report["outage_ms"] <= AT_ONCE_MS, report)
    return {"outage_ms": report["outage_ms"]}


def test_mail_arrives(options):
    """By the system's sendmail, here msmtp's, at a mail server in the Internet."""
    sections = "[wan1]\n[wan2]\n[notify]\nmail = admin@example.org, boss@example.org\non = down\n"
    with running(options, sections=sections) as (lab, suite):
        receiver = Receiver(lab, "mail", MAIL_SERVER)
        suite.wait(lambda: listens(lab, 25), 5, "the mail server listens")
        folder = f"{lab.directory}/sbin"
        os.mkdir(folder)
        with open(f"{folder}/sendmail", "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\nexec msmtp --host={SERVER} --port=25 --from=gateway@example.org "$@"\n')
        os.chmod(f"{folder}/sendmail", 0o755)
        with open(suite.log_path("notifyd"), "ab") as log:
            # `ip netns exec` has given it a mount namespace of its own.
            notifyd = lab.gateway.popen("sh", "-c", 'mount --bind "$1" /usr/sbin && exec "$2" --config "$3"', "sh", folder,
                                        f"{options.bin}/notifyd", suite.config, stdout=log, stderr=log,
                                        stdin=subprocess.DEVNULL)
        try:
            suite.wait(lambda: suite.redis()("GET", "multilink:local:notified:mail"), 5, "notifyd knows where it is")
            took = cut_and_wait(lab, suite, receiver)
            got = receiver.got()
        finally:
            notifyd.kill()
            notifyd.wait()
        expect(len(got) == 1 and got[0]["to"] == ["admin@example.org", "boss@example.org"], got)
        expect("Subject: multilink local: wan1 is down (IPv4)" in got[0]["mail"], got)
        expect("Why:  no carrier" in got[0]["mail"], got)
    return {"told_after_s": round(took, 3)}


if __name__ == "__main__":
    main(globals())
