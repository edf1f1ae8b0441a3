# SPDX-License-Identifier: Apache-2.0
"""QD-15: the n-th allocation fails, for many n, once on the way in and once on
the way out. A role may end for it; no acknowledged message is lost, none is
half there, and none is sent twice without being marked."""

import mmap
import os
import smtplib
import socket
import ssl
import struct
import subprocess
import time

import pytest

from dispatch_gate import BUILD, Gate
from lone_gate import free_port
from smtp_peer import Peer

PRELOAD = os.path.join(BUILD, "tests/tools/libfailing_malloc.so")
# Spread over all allocations of one transaction; the suite takes some of them.
POINTS = int(os.environ.get("POSTSEAL_MEMORY_POINTS", "24"))
BODY = b"x" * 70 + b"\r\n"

pytestmark = pytest.mark.skipif(not os.path.exists(PRELOAD),
                                reason="a sanitizer's own allocator")


class Count:
    """Of allocations left before one of that program's fails; 0: none does."""

    def __init__(self, folder, program):
        self.path = os.path.join(str(folder), program)
        with open(self.path, "wb") as f:
            f.write(bytes(8))
        with open(self.path, "r+b") as f:
            self.page = mmap.mmap(f.fileno(), 8)

    def set(self, n):
        self.page[:8] = struct.pack("=q", n)

    def get(self):
        return struct.unpack("=q", self.page[:8])[0]


@pytest.fixture
def fail_dir(tmp_path, monkeypatch):
    folder = tmp_path / "fail"
    folder.mkdir()
    monkeypatch.setenv("POSTSEAL_FAIL_DIR", str(folder))
    return folder


class Role:
    """One role, started by hand and started again when it ended."""

    def __init__(self, gate, name):
        self.gate, self.name = gate, name
        self.path = os.path.join(BUILD, "src/role/%s/postseal-%s" % (name,
                                                                     name))
        self.process, self.ended = None, 0

    def up(self):
        if self.process is not None and self.process.poll() is None:
            return
        self.ended += self.process is not None
        self.process = subprocess.Popen(
            [self.path, "-c", self.gate.config],
            stderr=open(self.gate.log, "ab"),
            env=dict(os.environ, LD_PRELOAD=PRELOAD))

    def down(self):
        self.process.terminate()
        self.process.wait(40)


def points(total):
    """Some n up to total, the early ones densely."""
    return sorted({1 + int(total * (i / POINTS) ** 1.5)
                   for i in range(POINTS)})


def gate_of(tmp_path, peer, port):
    gate = Gate(tmp_path / "gate",
                "route * { to 127.0.0.1:%d  floor open }\n" % peer.port)
    with open(gate.config) as f:
        text = f.read()
    with open(gate.config, "w") as f:
        f.write(text.replace("127.0.0.1:2525", "127.0.0.1:%d" % port))
    gate._own()
    return gate


def mail(number):
    return (b"From: a@clinic.example\r\nSubject: %d\r\nMessage-ID: "
            b"<m%d@clinic.example>\r\n\r\n" % (number, number) + BODY * 3000)


def numbers(peer):
    """How often each message arrived."""
    found = {}
    for got in peer.mails:
        head, _, body = got.data.partition(b"\r\n\r\n")
        assert body == BODY * 3000
        number = int(head.split(b"Subject: ")[1].split(b"\r\n")[0])
        found[number] = found.get(number, 0) + 1
    return found


def wait_up(role, port):
    """It may still be about to end: then once more."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        role.up()
        try:
            socket.create_connection(("127.0.0.1", port), 5).close()
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError("no intake")


def hand_in(port, number, timeout=20):
    """250, 4xx or 5xx; None when the connection was lost."""
    context = ssl._create_unverified_context()
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=timeout) as client:
            if client.starttls(context=context)[0] != 220:
                return 454
            for answer in (client.ehlo("c.example"),
                           client.mail("a@clinic.example"),
                           client.rcpt("b@there.example")):
                if answer[0] != 250:
                    return answer[0]
            return client.data(mail(number))[0]
    except TimeoutError:
        raise AssertionError("the role hangs") from None
    except smtplib.SMTPDataError as error:
        return error.smtp_code
    except (OSError, smtplib.SMTPException):
        return None


def test_QD_15_an_allocation_fails_on_the_way_in(tmp_path, fail_dir):
    peer, port = Peer(), free_port()
    gate = gate_of(tmp_path, peer, port)
    intake = Role(gate, "intake")
    count = Count(fail_dir, "postseal-intake")
    wait_up(intake, port)
    assert hand_in(port, 0) == 250
    time.sleep(0.3)
    count.set(10**9)
    assert hand_in(port, 1) == 250
    total = 10**9 - count.get()
    acked, answers = {0, 1}, []
    for number, n in enumerate(points(total), 2):
        count.set(0)
        wait_up(intake, port)
        time.sleep(0.05)
        count.set(n)
        answers.append(hand_in(port, number))
        if answers[-1] == 250:
            acked.add(number)
    count.set(0)
    assert all(a is None or a == 250 or 400 <= a < 500 for a in answers), \
        answers
    assert any(a != 250 for a in answers)
    if intake.process.poll() is None:
        intake.down()
    # what is there is whole, and everything acknowledged is there
    gate.start()
    end = time.monotonic() + 60
    while gate.sql("SELECT 1 FROM delivery WHERE state = 0"):
        assert time.monotonic() < end, gate.deliveries()
        time.sleep(0.1)
    assert {(r["state"], r["state"] != "delivered" and r["why"]) for r in gate.deliveries()} == {("delivered", False)}
    found = numbers(peer)
    assert acked <= set(found) and set(found.values()) == {1}
    assert len(found) == len(gate.sql("SELECT 1 FROM message"))
    gate.stop()
    peer.close()


def test_QD_15_an_allocation_fails_on_the_way_out(tmp_path, fail_dir):
    peer = Peer()
    gate = gate_of(tmp_path, peer, free_port())
    with open(gate.config) as f:
        text = f.read()
    with open(gate.config, "w") as f:
        f.write(text.replace("give-up-after 5d", "give-up-after 5d  lease 10s"))
    dispatch = Role(gate, "dispatch")
    count = Count(fail_dir, "postseal-dispatch")
    dispatch.up()

    def done(number, wait_s):
        end = time.monotonic() + wait_s
        while time.monotonic() < end and dispatch.process.poll() is None:
            rows = gate.sql("SELECT state FROM delivery WHERE message_id = ?",
                            ids[number])
            if rows[0]["state"] != 0:
                return True
            time.sleep(0.02)
        return False

    ids = {0: gate.send("b@there.example", mail(0))}
    assert done(0, 30)
    count.set(10**9)
    ids[1] = gate.send("b@there.example", mail(1))
    assert done(1, 30)
    total = 10**9 - count.get()
    for number, n in enumerate(points(total), 2):
        count.set(0)
        dispatch.up()
        ids[number] = gate.send("b@there.example", mail(number))
        count.set(n)
        done(number, 3)
    count.set(0)
    dispatch.up()
    end = time.monotonic() + 60
    while gate.sql("SELECT 1 FROM delivery WHERE state = 0"):
        assert time.monotonic() < end, (gate.deliveries(), gate.tail())
        dispatch.up()
        time.sleep(0.1)
    assert {(r["state"], r["state"] != "delivered" and r["why"]) for r in gate.deliveries()} == {("delivered", False)}
    found = numbers(peer)
    assert set(found) == set(ids)
    marked = {a["message_id"] for a in gate.sql(
        "SELECT d.message_id FROM attempt a JOIN delivery d"
        " ON d.id = a.delivery_id WHERE a.maybe_duplicate = 1")}
    assert all(times == 1 or ids[n] in marked for n, times in found.items())
    assert dispatch.ended > 0
    dispatch.down()
    peer.close()
