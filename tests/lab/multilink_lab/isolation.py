# SPDX-License-Identifier: GPL-2.0-or-later
"""Everything the lab makes belongs to one PID namespace, one mount namespace and one time namespace."""

import ctypes
import os
import select
import signal
import sys
import time

CLONE_NEWNS = 0x00020000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
CLONE_NEWTIME = 0x00000080
UPTIME_S = 2
_MS_REC, _MS_PRIVATE = 0x4000, 0x40000
_PR_SET_PDEATHSIG = 1
_SI_KERNEL = 0x80

_libc = ctypes.CDLL(None, use_errno=True)
_isolated = False


def _call(function, *arguments):
    if function(*arguments) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{function.__name__}: {os.strerror(error)}")


def setns(fd, kind):
    _call(_libc.setns, fd, kind)


def _mount(source, target, kind, flags=0):
    _call(_libc.mount, source, target, kind, flags, None)


def is_isolated():
    return _isolated


def isolate():
    """Returns in a child that is process 1 of a new PID namespace, with a /proc, an empty /run and, where the host has
    that folder, an empty /var/lib/dhcp of its own. Its clock tells that the machine has been up for UPTIME_S: what
    happens to a gateway that has just booted must not depend on when the tests' own machine did.

    The caller's process stays behind, passes signals on and ends with the child's exit status. When either of
    the two dies, by SIGKILL too, the kernel kills everything in the PID namespace; with the last process go the
    mounts and the network namespaces, which are named only under the private /run. The network namespace of the
    caller is kept: a status page of the lab can be served on the host's loopback.
    """
    global _isolated
    if _isolated:
        return
    if os.geteuid() != 0:
        sys.exit("the lab needs root: it makes network namespaces")
    sys.stdout.flush()
    sys.stderr.flush()
    passed_on = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, passed_on | {signal.SIGCHLD})
    outer = os.pidfd_open(os.getpid())
    _call(_libc.unshare, CLONE_NEWNS | CLONE_NEWPID)
    _boot_just_now()
    _mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE)
    child = os.fork()
    if child != 0:
        _stand_by(child, passed_on)
    _call(_libc.prctl, _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if select.select([outer], [], [], 0)[0]:
        os._exit(1)  # it died before the line above
    os.close(outer)
    _mount(b"proc", b"/proc", b"proc")
    for folder in ("/run", "/var/lib/dhcp"):  # the leases there are the host's
        if os.path.isdir(folder):
            _mount(b"tmpfs", folder.encode(), b"tmpfs")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, passed_on | {signal.SIGCHLD})
    _isolated = True


def _boot_just_now():
    """For the children of this process. A kernel without time namespaces (CONFIG_TIME_NS) has the host's clock there."""
    if not os.path.exists("/proc/self/ns/time_for_children"):
        return
    _call(_libc.unshare, CLONE_NEWTIME)
    with open("/proc/self/timens_offsets", "w", encoding="ascii") as offsets:
        for name, clock in (("monotonic", time.CLOCK_MONOTONIC), ("boottime", time.CLOCK_BOOTTIME)):
            offsets.write(f"{name} {UPTIME_S - int(time.clock_gettime(clock))} 0\n")


def _stand_by(child, passed_on):
    """The outer process: passes signals on (but those the terminal sent to both) and takes over the status."""
    while True:
        received = signal.sigwaitinfo(passed_on | {signal.SIGCHLD})
        if received.si_signo != signal.SIGCHLD:
            if received.si_code != _SI_KERNEL:
                os.kill(child, received.si_signo)
            continue
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)
