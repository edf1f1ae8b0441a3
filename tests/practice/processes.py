"""Processes that end with whoever started them."""

import ctypes
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SERVERS = ROOT / "build/practice-root"  # unpacked by tools/bootstrap
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class PracticeError(Exception):
    """The practice Internet cannot be brought up; the text says why."""


def environment():
    """So that the unpacked servers find the libraries unpacked with them."""
    folders = [SERVERS / "usr/lib/postfix"]
    folders += sorted((SERVERS / "usr/lib").glob("*-linux-gnu*"))
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL": "C.UTF-8",
        "LD_LIBRARY_PATH": ":".join(map(str, folders)),
    }


def _follow(parent):
    """In the child: end when the parent does, however it ends."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def watched(command):
    """The command below a shell that ends it.

    A server that changes users loses what _follow() asked of the kernel.
    """
    return ["/bin/sh", "-c", 'trap "kill -TERM \\$pid" TERM INT\n'
            '"$@" & pid=$!\nwait $pid\nwait $pid', "sh", *command]


def any_folder():
    """Words before a command whose processes change to other users.

    The checkout may lie below a folder only root can enter (/root). So these
    keep the right to pass folders (CAP_DAC_OVERRIDE) whoever they become.
    """
    return ["setpriv", "--securebits=+no_setuid_fixup",
            "--inh-caps=+dac_override,+dac_read_search",
            "--ambient-caps=+dac_override,+dac_read_search"]


def start(command, log, **more):
    """A child in a process group of its own."""
    parent = os.getpid()
    with open(log, "ab") as out:
        return subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL,
            stdout=out, stderr=out, start_new_session=True,
            preexec_fn=lambda: _follow(parent),
            **({"env": environment()} | more))


def _signal_group(process, number):
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def group_alive(process):
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


def stop(processes, wait_s=5):
    """Ends them and whatever they started."""
    for process in processes:
        _signal_group(process, signal.SIGTERM)
    end = time.monotonic() + wait_s
    for process in processes:
        try:
            process.wait(max(0.01, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            pass
    for process in processes:
        _signal_group(process, signal.SIGKILL)
        process.wait()
        while group_alive(process) and time.monotonic() < end + 1:
            time.sleep(0.01)


def must_be_free(places):
    """PracticeError if somebody else listens at an address and port."""
    for address, port, kind in places:
        with socket.socket(socket.AF_INET, kind) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind((address, port))
            except OSError as error:
                raise PracticeError(
                    f"{address}:{port}: {error.strerror}; is one running "
                    "already? Another port base helps") from error


def wait_for_port(address, port, process, log, wait_s=20):
    """Until somebody listens there; PracticeError if the process ended."""
    end = time.monotonic() + wait_s
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            socket.create_connection((address, port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    tail = Path(log).read_text(errors="replace")[-2000:]
    raise PracticeError(
        f"{process.args[-1] if process.args else ''}: nothing listens on "
        f"{address}:{port}\n{tail}")
