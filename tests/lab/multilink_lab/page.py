# SPDX-License-Identifier: GPL-2.0-or-later
"""The status page of a suite in the lab: served by busybox httpd on this process's loopback, or by lighttpd to the LAN."""

import os
import shutil
import socket
import subprocess

from multilink_lab.lab import GATEWAY_LAN
from multilink_lab.tools import TcpFlow
from multilink_lab.waiting import wait_until

FIRST_PORT, PORTS = 8080, 20
_CONFIG = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../../config/lighttpd.conf")
# As `openssl passwd -6` makes them: the password is "secret".
_USERS = "admin:$6$multilink$0b64/JydR3Xnv07zMaBFKImFSYg1ApQ5YNVNvomrvg9IGfqrmOEa/m5KyzE9bSimYzRZve9rKZ44jMQ7Jo20z/\n"
_HEADER = "Authorization: Basic YWRtaW46c2VjcmV0"


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


class LanPage:
    """The page for the LAN, by lighttpd with the shipped file and its password, as a service of the gateway; until the lab is closed."""

    PORT = 8080

    def __init__(self, lab, suite, bin_dir):
        self._lab = lab
        pages = f"{lab.directory}/page"
        os.makedirs(pages)
        shutil.copy(f"{bin_dir}/status.cgi", pages)
        with open(f"{pages}/users", "w", encoding="ascii") as file:
            file.write(_USERS)
        with open(_CONFIG, encoding="utf-8") as file:
            shipped = file.read().replace("/usr/lib/cgi-bin/multilink", pages).replace("/etc/multilink/page.users", f"{pages}/users")
        with open(f"{pages}/lighttpd.conf", "w", encoding="utf-8") as file:
            file.write(f'server.document-root = "{pages}"\nserver.port = {self.PORT}\nserver.bind = "{GATEWAY_LAN}"\n'
                       f'server.modules = ( "mod_setenv" )\n'
                       f'setenv.add-environment = ( "MULTILINK_REDIS" => "unix:{suite.socket}" )\n{shipped}')
        self.process = lab.gateway.popen("lighttpd", "-D", "-f", f"{pages}/lighttpd.conf", stdin=subprocess.DEVNULL,
                                         start_new_session=True)
        lab.keep(Closing(self.process))
        wait_until(lambda: f":{self.PORT} " in lab.gateway.run("ss", "-Hltn"), 15, what="lighttpd listens")

    def load(self, rate, query=""):
        """From the client in the LAN, so many requests a second; closed by the caller."""
        return TcpFlow(self._lab.client, f"{self._lab.tools}/tcp_flow", "page", GATEWAY_LAN, str(self.PORT), str(rate),
                       f"/multilink/{query}", _HEADER)
