# SPDX-License-Identifier: GPL-2.0-or-later
"""One network namespace: commands in it, settings of it, and what the kernel says of its routes."""

import contextlib
import json
import os
import subprocess

from multilink_lab.isolation import CLONE_NEWNET, setns

READ_ONLY_ETC = "mount --bind /etc /etc && mount -o remount,ro,bind /etc"


def in_private(mounts):
    """What stands before a command for run() and popen(): it has these mounts to itself. (`ip netns exec` has given it a
    mount namespace of its own: nothing of this reaches the host.)"""
    return "sh", "-c", f'{mounts} && exec "$@"', "sh"


class Namespace:
    def __init__(self, name):
        self.name = name
        self.path = f"/run/netns/{name}"
        self._ip = None
        _run(["ip", "netns", "add", name])
        self.ip("link set lo up")

    def close(self):
        """Forgets the name; the namespace itself goes with its last process."""
        if self._ip:
            self._ip.stdin.close()
            self._ip.wait()
        _run(["ip", "netns", "del", self.name])

    def run(self, *command, text=None, check=True):
        """The command's output. Raises with its error output when it fails."""
        return _run(["ip", "netns", "exec", self.name, *command], text, check)

    def popen(self, *command, **options):
        return subprocess.Popen(["ip", "netns", "exec", self.name, *command], **options)

    def ip(self, *lines):
        """Lines in the words of ip, e.g. "route add default via 192.0.2.1": all in one process, in order."""
        _run(["ip", "-n", self.name, "-batch", "-"], "\n".join(lines))

    def ip_fast(self, line):
        """One line of ip within a fraction of a millisecond, through a process that waits for it. An error is
        only seen on stderr."""
        if self._ip is None:
            self._ip = subprocess.Popen(["ip", "-n", self.name, "-force", "-batch", "-"], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self._ip.stdin.write(line + "\n")
        self._ip.stdin.flush()

    def ip_json(self, *words):
        return json.loads(_run(["ip", "-n", self.name, "-j", *words]) or "[]")

    def nft(self, script):
        self.run("nft", "-f", "-", text=script)

    @contextlib.contextmanager
    def entered(self):
        """The calling thread is in the namespace: for sockets, which stay there, and for sysctls."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        inside = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            setns(inside, CLONE_NEWNET)
            yield
        finally:
            setns(before, CLONE_NEWNET)
            os.close(inside)
            os.close(before)

    def sysctl(self, **values):
        """net__ipv4__ip_forward=1 and the like: two underscores for a dot."""
        with self.entered():
            for name, value in values.items():
                with open("/proc/sys/" + name.replace("__", "/"), "w", encoding="ascii") as file:
                    file.write(str(value))

    def read_sysctl(self, path):
        """The value of a path below /proc/sys."""
        with self.entered(), open("/proc/sys/" + path, encoding="ascii") as file:
            return file.read().strip()

    def route_get(self, destination, *words):
        """What `ip route get` says: a dict with dev, gateway, prefsrc; None when there is no route."""
        try:
            return self.ip_json("route", "get", destination, *words)[0]
        except subprocess.CalledProcessError:
            return None


def _run(command, text=None, check=True):
    done = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
    if check and done.returncode != 0:
        raise subprocess.CalledProcessError(done.returncode, " ".join(command) + f"\n{text or ''}\n{done.stderr}",
                                            done.stdout, done.stderr)
    return done.stdout
