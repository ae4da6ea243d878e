# SPDX-License-Identifier: GPL-2.0-or-later
"""A web in the lab's Internet that tells each visitor by which uplink the visit came, and users who visit through a proxy."""

import concurrent.futures
import dataclasses
import http.server
import os
import socket
import socketserver
import struct
import threading
import time

from multilink_lab.isolation import CLONE_NEWNET, setns
from multilink_lab.lab import GATEWAY_LAN, SERVER

NAME_SERVER = "9.9.9.9"
PORTS = (80, 443)  # the second without encryption: a tunnel carries whatever there is
PROXY = (GATEWAY_LAN, 3128)


class _Page(http.server.BaseHTTPRequestHandler):
    """/who: the visitor's address; /keep/...: the same, to be cached; /slow: an answer that comes in small pieces for 6 s."""

    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def do_GET(self):
        self.server.visits.append((time.monotonic(), self.client_address[0], self.path))
        body = self.client_address[0].removeprefix("::ffff:").encode()
        slow = self.path.startswith("/slow")
        self.send_response(200)
        self.send_header("Content-Length", str(60 * len(body) if slow else len(body)))
        self.send_header("Cache-Control", "max-age=600" if self.path.startswith("/keep") else "no-store")
        self.end_headers()
        for _ in range(60 if slow else 1):
            self.wfile.write(body)
            if slow:
                time.sleep(0.1)

    def log_message(self, *_):
        pass


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 256
    address_family = socket.AF_INET6
    allow_reuse_address = True

    def __init__(self, port, visits):
        self.visits = visits
        super().__init__(("::", port), _Page)

    def handle_error(self, *_):
        pass  # a visitor who has gone


class Web:
    """Servers on all addresses of the Internet, and a name server on NAME_SERVER: every name is SERVER, those that begin
    with "six" have the IPv6 address `server6` alone."""

    def __init__(self, lab, server6=None):
        self.visits = []  # (when, from which address, path)
        self.questions = []  # to the name server: (from which address, name)
        self._server6 = server6
        with lab.internet.entered():
            self._servers = [_Server(port, self.visits) for port in PORTS]
            self._names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._names.bind((NAME_SERVER, 53))
        for server in self._servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        threading.Thread(target=self._answer, daemon=True).start()
        lab.keep(self)

    def _answer(self):
        while True:
            try:
                packet, visitor = self._names.recvfrom(4096)
            except OSError:
                return
            end = packet.index(b"\0", 12) + 5
            question = packet[12:end]
            labels, rest = [], question
            while rest[0]:
                labels.append(rest[1:rest[0] + 1].decode())
                rest = rest[rest[0] + 1:]
            self.questions.append((visitor[0], ".".join(labels)))
            kind = struct.unpack("!H", question[-4:-2])[0]
            is_six = labels[0].startswith("six")
            data = b""
            if kind == 1 and not is_six:
                data = socket.inet_aton(SERVER)
            elif kind == 28 and is_six and self._server6:
                data = socket.inet_pton(socket.AF_INET6, self._server6)
            answer = b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 1, len(data)) + data if data else b""
            header = packet[:2] + struct.pack("!HHHHH", 0x8580, 1, 1 if data else 0, 0, 0)
            self._names.sendto(header + question + answer, visitor)

    def close(self):
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self._names.close()


@dataclasses.dataclass
class Visit:
    """What became of one request."""

    begun: float
    took: float
    status: int  # of HTTP; 0: the connection broke, or was refused
    body: str
    had_tunnel: bool = False  # a tunnel stood; what breaks in it, no proxy can ask for again

    @property
    def is_good(self):
        return self.status == 200 and self.body != ""

    @property
    def has_failed(self):
        return not self.is_good and not self.had_tunnel


def _read_answer(connection):
    """Status and body of one HTTP answer; a broken one has the status 0."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return 0, ""
        data += more
    head, body = data.split(b"\r\n\r\n", 1)
    status = int(head.split(b" ", 2)[1])
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), None)
    while length is None or len(body) < length:
        more = connection.recv(65536)
        if not more:
            return (status, body.decode()) if length is None else (0, "")
        body += more
    return status, body.decode()


def visit(kind="get", path="/who", host=SERVER, port=None, proxy=PROXY, timeout=30):
    """One request of a user through the proxy; the calling thread is in the user's namespace. kind: get, or connect."""
    begun = time.monotonic()
    status, body, had_tunnel = 0, "", False
    try:
        with socket.create_connection(proxy, timeout) as connection:
            name = f"[{host}]" if ":" in host else host
            if kind == "connect":
                where = f"{name}:{port or 443}"
                connection.sendall(f"CONNECT {where} HTTP/1.1\r\nHost: {where}\r\n\r\n".encode())
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    byte = connection.recv(1)
                    if not byte:
                        break
                    head += byte
                status = int(head.split(b" ", 2)[1]) if head else 0
                if status != 200:
                    return Visit(begun, time.monotonic() - begun, status, "")
                target, had_tunnel = path, True
            else:
                target = f"http://{name}{f':{port}' if port else ''}{path}"
            connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
            status, body = _read_answer(connection)
    except OSError:
        status, body = 0, ""
    return Visit(begun, time.monotonic() - begun, status, body, had_tunnel)


class Users:
    """Users in a namespace, each with a thread of its own."""

    def __init__(self, lab, namespace=None, threads=24):
        self._path = (namespace or lab.client).path
        self._pool = concurrent.futures.ThreadPoolExecutor(threads, initializer=self._enter)
        lab.keep(self)

    def _enter(self):
        inside = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        setns(inside, CLONE_NEWNET)
        os.close(inside)

    def visit(self, *arguments, **more):
        """One request: the Visit."""
        return self.begin(*arguments, **more).result()

    def begin(self, *arguments, **more):
        return self._pool.submit(visit, *arguments, **more)

    def many(self, number, **more):
        """So many requests, as fast as the threads get on: the Visits."""
        return [future.result() for future in [self.begin(**more) for _ in range(number)]]

    def steadily(self, rate, seconds, kinds=("get", "connect"), **more):
        """`rate` requests a second, of the kinds in turn: futures. Begun by a thread of its own."""
        futures = []

        def run():
            begun = time.monotonic()
            for number in range(int(rate * seconds)):
                time.sleep(max(0, begun + number / rate - time.monotonic()))
                futures.append(self.begin(kinds[number % len(kinds)], **more))
        thread = threading.Thread(target=run, daemon=True)
        thread.start()

        def finish():
            thread.join()
            return [future.result() for future in futures]
        return finish

    def close(self):
        self._pool.shutdown(wait=False, cancel_futures=True)
