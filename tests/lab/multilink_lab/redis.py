# SPDX-License-Identifier: GPL-2.0-or-later
"""A client for Redis of a few lines: enough to read what the daemons say, and to say nonsense to them."""

import select
import socket


class RedisError(Exception):
    pass


class Redis:
    def __init__(self, path, timeout=5):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout)
        self._socket.connect(path)
        self._buffer = b""

    def close(self):
        self._socket.close()

    def __call__(self, *arguments):
        """One command, e.g. redis("GET", key): str, int, list or None."""
        self._send(arguments)
        return self._reply()

    def fields(self, key):
        flat = self("HGETALL", key)
        return dict(zip(flat[::2], flat[1::2]))

    def _send(self, arguments):
        parts = [a if isinstance(a, bytes) else str(a).encode() for a in arguments]
        self._socket.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))

    def _more(self):
        received = self._socket.recv(65536)
        if not received:
            raise ConnectionError("Redis closed the connection")
        self._buffer += received

    def _line(self):
        while b"\r\n" not in self._buffer:
            self._more()
        line, self._buffer = self._buffer.split(b"\r\n", 1)
        return line

    def _reply(self):
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            raise RedisError(rest.decode())
        if kind == b":":
            return int(rest)
        size = int(rest)
        if size < 0:
            return None
        if kind == b"*":
            return [self._reply() for _ in range(size)]
        while len(self._buffer) < size + 2:
            self._more()
        value, self._buffer = self._buffer[:size], self._buffer[size + 2:]
        return value.decode(errors="backslashreplace")


class Hints(Redis):
    """A source for wait_until: wakes it at each message on any channel of the suite."""

    def __init__(self, path, pattern="multilink:*"):
        super().__init__(path)
        self("PSUBSCRIBE", pattern)

    def fileno(self):
        return self._socket.fileno()

    def drain(self):
        """Drops what came. A closed connection stays readable: the waiter then simply looks more often."""
        self._buffer = b""
        while select.select([self._socket], [], [], 0)[0]:
            if not self._socket.recv(65536):
                return
