"""`sitecustomize` of a Python that has what Windows has: POSIX's modules and names are gone. An emulation, no more.

What subprocess does with a process is as there: no descriptors are handed down, and a request to end kills on the spot.
"""

from __future__ import annotations

import os
import select
import signal
import sys

MODULES = {"fcntl", "grp", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"}
#: `uname`, `statvfs` and `fchmod` stay: numpy, shutil and filelock ask for them wherever `sys.platform` says Linux.
OF_OS = """
fork forkpty getuid geteuid getgid getegid getgroups getpgid getpgrp getsid setpgid setpgrp setsid killpg openpty
ttyname tcgetpgrp tcsetpgrp mkfifo mknod chown fchown lchown nice getloadavg wait3 wait4 waitid sched_getaffinity
sched_setaffinity sched_yield sysconf pread pwrite pipe2 set_blocking get_blocking O_NOFOLLOW O_NONBLOCK
O_CLOEXEC O_DIRECTORY O_SYNC register_at_fork posix_spawn
"""
OF_SIGNAL = """
SIGKILL SIGHUP SIGQUIT SIGALRM SIGVTALRM SIGUSR1 SIGUSR2 SIGTSTP SIGSTOP SIGCONT SIGCHLD SIGCLD SIGPIPE SIGTTIN SIGTTOU
SIGWINCH SIGIO SIGPOLL SIGPROF SIGSYS SIGTRAP SIGURG SIGXCPU SIGXFSZ pthread_kill pthread_sigmask sigwait sigtimedwait
sigpending setitimer getitimer alarm pause siginterrupt
"""
OF_SELECT = "poll epoll"


class Finder:
    """Finds nothing where Windows has nothing."""

    @staticmethod
    def find_spec(name: str, _path: object = None, _target: object = None) -> None:
        """Say so as a system that has no such module."""
        if name in MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def take_away() -> None:
    """Leave this process what Windows would give it."""
    import selectors
    import subprocess
    from typing import Any

    import psutil  # noqa: F401  # is written for each system, and needs this one's modules

    kill, killed, terminated = os.kill, int(signal.SIGKILL), int(signal.SIGTERM)
    changed: Any
    for changed, names in ((os, OF_OS), (signal, OF_SIGNAL), (select, OF_SELECT)):
        for name in names.split():
            if hasattr(changed, name):
                delattr(changed, name)
    changed = selectors
    changed.DefaultSelector = selectors.SelectSelector
    changed = subprocess
    changed._PopenSelector = selectors.SelectSelector
    for name in MODULES:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, Finder)

    begin = subprocess.Popen.__init__

    def __init__(self: Any, *arguments: Any, **options: Any) -> None:  # noqa: N807
        assert not options.get("pass_fds"), "pass_fds not supported on Windows."
        options.pop("process_group", None)
        begin(self, *arguments, **options)

    def terminate(self: Any) -> None:
        if self.poll() is None:
            kill(self.pid, killed)

    def send_signal(self: Any, number: int) -> None:
        if number != terminated:
            raise ValueError(f"Unsupported signal: {number}")
        terminate(self)

    changed = subprocess.Popen
    changed.__init__, changed.send_signal = __init__, send_signal
    changed.terminate = changed.kill = terminate


take_away()
