# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine with a real systemd as its first process: this host's own tree under an overlay, so that nothing of the
host is changed, in namespaces of its own. The process that uses it must have mount and PID namespaces of its own
(unshare --mount --pid --fork --kill-child --mount-proc): whatever happens to it, the machine ends with it."""

import errno
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time

PATIENCE_S = 60


def await_that(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.05)


def cgroup_folders():
    """Where this process is in each hierarchy that a systemd inside would use."""
    mounts = {}
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        left, right = line.split(" - ")
        kind, _, options = right.split()[:3]
        if kind == "cgroup2":
            mounts[""] = left.split()[4]
        elif kind == "cgroup" and "name=systemd" in options:
            mounts["name=systemd"] = left.split()[4]
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers in mounts:
            yield pathlib.Path(mounts[controllers]) / path.lstrip("/")


class Machine:
    def __init__(self):
        self.name = f"multilink-system-{os.readlink('/proc/self')}-{int(time.time())}"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="multilink-system-", dir="/tmp"))
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", self.folder], check=True)
        for part in ("upper", "work", "root"):
            (self.folder / part).mkdir()
        self.root = self.folder / "root"
        subprocess.run(["mount", "-t", "overlay", "-o", f"lowerdir=/,upperdir={self.folder}/upper,"
                        f"workdir={self.folder}/work", "overlay", self.root], check=True)
        # Of the host's own configuration nothing may start in the machine, and its identity is another.
        for path in ("etc/machine-id", "usr/sbin/policy-rc.d"):
            (self.root / path).unlink(missing_ok=True)
        (self.root / "etc/machine-id").touch()
        for link in (*self.root.glob("etc/systemd/system/*.wants/*"), *self.root.glob("etc/rc?.d/S*")):
            link.unlink()
        self.groups = []
        self.process = None
        self.leader = None

    def boot(self, target="basic.target"):
        """Returns when the machine has reached the target."""
        for folder in cgroup_folders():
            group = folder / self.name
            group.mkdir()
            self.groups.append(group)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            address = self.folder / "notify"
            address.unlink(missing_ok=True)  # of an earlier boot
            notify.bind(str(address))
            notify.settimeout(PATIENCE_S)
            environment = {"PATH": os.environ["PATH"], "NOTIFY_SOCKET": str(address),
                           "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
            with open(self.folder / "console", "wb") as console:
                self.process = subprocess.Popen(
                    ["systemd-nspawn", "--quiet", f"--directory={self.root}", "--machine=multilink", "--register=no",
                     "--keep-unit", "--private-network", "--notify-ready=yes", "--link-journal=no", "--console=pipe",
                     "--boot", f"systemd.unit={target}"],
                    stdin=subprocess.DEVNULL, stdout=console, stderr=console, env=environment,
                    preexec_fn=self._enter_groups)
            self._await_ready(notify)

    def _enter_groups(self):
        for group in self.groups:
            (group / "cgroup.procs").write_text("0")

    def _await_ready(self, notify):
        ready = False
        while not (ready and self.leader):
            try:
                message = notify.recv(4096).decode()
            except TimeoutError:
                raise RuntimeError("the machine did not boot:\n" + self.console()) from None
            for line in message.splitlines():
                if line.startswith("X_NSPAWN_LEADER_PID="):
                    self.leader = line.split("=")[1]
                ready = ready or line == "READY=1"

    def console(self):
        return (self.folder / "console").read_text(errors="replace")

    def _inside(self, *command):
        return ["nsenter", "--target", self.leader, "--all", "--root", "--wd", "--", "env", "-i", "LC_ALL=C.UTF-8",
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", *map(str, command)]

    def run(self, *command, check=True, timeout=PATIENCE_S):
        """Runs a command as root inside."""
        done = subprocess.run(self._inside(*command), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, command))}: exit status {done.returncode}\n"
                                 f"{done.stdout}{done.stderr}")
        return done

    def popen(self, *command, **options):
        return subprocess.Popen(self._inside(*command), **options)

    def output(self, *command):
        return self.run(*command).stdout.strip()

    def shut_down(self):
        """An orderly power-off. What is on its disk stays, for another boot."""
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = self.leader = None
        for group in self.groups:
            await_that(lambda: self._is_gone(group), PATIENCE_S, f"{group} is in use")
        self.groups = []

    @staticmethod
    def _is_gone(group):
        """What was killed may take a while to end."""
        try:
            for folder, _, _ in os.walk(group, topdown=False):
                os.rmdir(folder)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
        return not group.exists()

    def close(self):
        try:
            self.shut_down()
        finally:
            subprocess.run(["umount", "--lazy", self.root, self.folder], check=True)
            self.folder.rmdir()
