# SPDX-License-Identifier: Apache-2.0
"""QD-14: a copy of the data folder, taken in one of the two ways the manual
names, makes a gate elsewhere that has everything acknowledged until then."""

import os
import shutil
import signal
import threading
import time

import pytest

from smtp_peer import Peer
from tests.e2e.lone_gate import Gate, free_port
from tests.e2e.wire import Wire

CONFIG = """
listen 127.0.0.1:{smtp} {{ accept-from 127.0.0.0/8 }}
limits {{ connections-per-source 100 }}
delivery {{ retry 1s }}
route * {{ to 127.0.0.1:%d  floor open }}
rule "all" {{ floor open  ladder tls }}
"""


class Client(threading.Thread):
    """Hands in numbered messages and keeps what was acknowledged."""

    def __init__(self, port, first):
        super().__init__(daemon=True)
        self.port, self.next = port, first
        self.acked, self.over = set(), threading.Event()

    def run(self):
        wire = Wire(self.port, timeout=60).greet()
        try:
            while not self.over.is_set():
                self.hand_in(wire)
        except (AssertionError, OSError, EOFError):
            pass  # 421, and good-bye

    def hand_in(self, wire):
        wire.envelope()
        assert wire.code(b"DATA") == 354
        wire.send(b"From: a@clinic.example\r\nSubject: %d\r\n\r\n"
                  % self.next + b"x" * 5000 + b"\r\n.\r\n")
        assert wire.reply()[0] == 250
        self.acked.add(self.next)
        self.next += 1


def copy_stopped(gate, target):
    gate.stop()
    shutil.copytree(gate.folder / "data", target)


def copy_at_one_moment(gate, target):
    """What a snapshot of the file system sees while all go on."""
    pids = [gate.process.pid, *gate.children()]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    shutil.copytree(gate.folder / "data", target)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("copy", [copy_stopped, copy_at_one_moment],
                         ids=["stopped", "snapshot"])
def test_QD_14_restored_elsewhere(tmp_path, copy):
    peer = Peer()
    old = Gate(tmp_path / "old", CONFIG % free_port(), ("smtp",))
    clients = []
    with old:
        for i in range(4):
            clients.append(Client(old.ports["smtp"], i * 100000))
            clients[-1].start()
        time.sleep(2)
        before = set().union(*[set(c.acked) for c in clients])
        new = Gate(tmp_path / "new", CONFIG % peer.port, ("smtp",))
        shutil.rmtree(new.folder / "data")
        copy(old, new.folder / "data")
        for client in clients:
            client.over.set()
        for client in clients:
            client.join(60)
    if copy is copy_stopped:
        before = set().union(*[c.acked for c in clients])
    assert len(before) > 50
    with new:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and new.queue("queued"):
            time.sleep(0.2)
    numbers = [int(m.header.split(b"Subject: ")[1].split(b"\r\n")[0])
               for m in peer.mails]
    assert len(numbers) == len(set(numbers))
    assert before <= set(numbers), sorted(before - set(numbers))[:5]
    assert all(m.text == b"x" * 5000 + b"\r\n" for m in peer.mails)
    peer.close()
