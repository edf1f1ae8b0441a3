"""pytest fixtures: one practice Internet for a whole run of tests."""

import os
import socket

import pytest

from tests.practice.internet import PORTS, PracticeInternet

FIRST, LAST, STEP = 24000, 29000, 50


def _free(port):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("", port))
            except OSError:
                return False
    return True


def free_ports(n):
    """The first of n free ports in a row, below those the kernel gives away.

    Ports of another run on this machine are stepped over.
    """
    begin = FIRST + os.getpid() % ((LAST - FIRST) // STEP) * STEP
    for base in [*range(begin, LAST, STEP), *range(FIRST, begin, STEP)]:
        if all(_free(base + i) for i in range(n)):
            return base
    raise RuntimeError("no free ports")


@pytest.fixture(scope="session")
def practice_ports():
    return free_ports(len(PORTS))


@pytest.fixture(scope="session")
def practice_internet(tmp_path_factory, practice_ports):
    with PracticeInternet(tmp_path_factory.mktemp("practice") / "net",
                          practice_ports) as up:
        yield up


@pytest.fixture
def practice(practice_internet):
    """The practice Internet, every scripted server as the table says.

    It is shared: use an address of your own per test, and set records back.
    """
    practice_internet.control.reset()
    return practice_internet
