# SPDX-License-Identifier: GPL-2.0-or-later
"""The status page of a suite in the lab, served by busybox httpd on this process's loopback."""

import os
import shutil
import socket
import subprocess

from multilink_lab.waiting import wait_until

FIRST_PORT, PORTS = 8080, 20


class Closing:
    def __init__(self, process):
        self._process = process

    def close(self):
        self._process.kill()
        self._process.wait()


def free_port(wanted=None):
    """`wanted`, or the first that is free; None if there is none."""
    for port in [wanted] if wanted else range(FIRST_PORT, FIRST_PORT + PORTS):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    return None


def serve_status_page(lab, suite, bin_dir, port):
    """From Redis in the lab, until the lab is closed. Gives the address."""
    pages = f"{lab.directory}/www/cgi-bin"
    os.makedirs(pages)
    shutil.copy(f"{bin_dir}/status.cgi", pages)
    server = subprocess.Popen(["busybox", "httpd", "-f", "-p", f"127.0.0.1:{port}", "-h", os.path.dirname(pages)],
                              env={**os.environ, "MULTILINK_REDIS": f"unix:{suite.socket}"},
                              stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    lab.keep(Closing(server))

    def answers():
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
                connection.sendall(b"GET /cgi-bin/status.cgi HTTP/1.0\r\n\r\n")
                return b" 200 " in connection.makefile("rb").readline()
        except OSError:
            return False
    wait_until(answers, 10, what="the status page answers")
    return f"http://127.0.0.1:{port}/cgi-bin/status.cgi"
