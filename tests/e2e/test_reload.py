# SPDX-License-Identifier: Apache-2.0
"""A reload: new files count for new connections, old sessions end in their own
time, and no client is turned away by it."""

import http.client
import os
import shutil
import signal
import socket
import ssl
import threading
import time

import pytest

from dispatch_gate import certificates
from smtp_peer import SILENCE, Peer
from tests.e2e.lone_gate import Gate
from tests.e2e.wire import Wire

CONFIG = """
listen 127.0.0.1:{smtp} {{ accept-from 127.0.0.0/8 }}
listen 127.0.0.1:{implicit} {{ accept-from 127.0.0.0/8  tls implicit }}
portal {{ url https://localhost:{https}  listen 127.0.0.1:{https}
         from portal@clinic.example }}
metrics {{ listen 127.0.0.1:{metrics} }}
delivery {{ port 9  retry 1h }}
dns {{ resolver 127.0.0.1@9 }}
rule "all" {{ floor verified  ladder tls }}
"""
MESSAGE = b"From: a@clinic.example\r\nSubject: x\r\n\r\nhello\r\n.\r\n"


@pytest.fixture
def gate(tmp_path):
    with Gate(tmp_path / "gate", CONFIG,
              ("smtp", "implicit", "https", "metrics")) as made:
        yield made


def anybody():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def shown(port, smtp=False):
    """The certificate a new client sees."""
    if smtp:
        return Wire(port).greet(secure=True).socket.getpeercert(True)
    with socket.create_connection(("127.0.0.1", port), 10) as raw:
        with anybody().wrap_socket(raw) as tls:
            return tls.getpeercert(True)


def events(gate, name):
    return gate.log().count(name)


def reload(gate, result="config.reloaded"):
    before = events(gate, result)
    gate.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + 60
    while events(gate, result) == before:
        assert time.monotonic() < end, gate.log()[-3000:]
        time.sleep(0.02)


def replace(gate, cert):
    for name, path in zip(("gate.pem", "gate.key"), cert):
        fresh = gate.folder / (name + ".new")
        shutil.copy(path, fresh)
        fresh.chmod(0o600)
        os.replace(fresh, gate.folder / name)


def deliver(wire):
    wire.envelope()
    assert wire.code(b"DATA") == 354
    wire.send(MESSAGE)
    assert wire.reply()[0] == 250


def test_new_certificate_for_new_connections(gate, tmp_path):
    _, make = certificates(tmp_path)
    cert = make("new", ["gate.clinic.example"])
    with open(cert[0], encoding="ascii") as f:
        new = ssl.PEM_cert_to_DER_cert(f.read())
    places = [(gate.ports["smtp"], True), (gate.ports["implicit"], False),
              (gate.ports["https"], False)]
    olds = [shown(*place) for place in places]
    assert new not in olds
    held = Wire(gate.ports["smtp"]).greet(secure=True).envelope()
    idle = Wire(gate.ports["smtp"]).greet()
    browser = http.client.HTTPSConnection("127.0.0.1", gate.ports["https"],
                                          timeout=10, context=anybody())
    browser.request("GET", "/", headers={
        "Host": "localhost:%d" % gate.ports["https"]})
    assert browser.getresponse().read()

    replace(gate, cert)
    pids = gate.role_pids()
    reload(gate)
    assert [shown(*place) for place in places] == [new] * 3

    # whoever was in before goes on with the old one, in the old process
    assert set(pids.values()) & set(gate.children())
    assert held.code(b"DATA") == 354
    held.send(MESSAGE)
    assert held.reply()[0] == 250
    deliver(held)
    deliver(idle)
    assert held.socket.getpeercert(True) == olds[0]
    browser.request("GET", "/", headers={
        "Host": "localhost:%d" % gate.ports["https"]})
    assert browser.getresponse().read()
    # and once they have left, the old processes are gone
    held.ask(b"QUIT"), idle.ask(b"QUIT")
    end = time.monotonic() + 60
    while set(pids.values()) & set(gate.children()):
        assert time.monotonic() < end, "the old roles stay"
        time.sleep(0.1)


@pytest.mark.parametrize("fault", ["no certificate", "another key",
                                   "cut short"])
def test_broken_certificate_keeps_the_old(gate, tmp_path, fault):
    _, make = certificates(tmp_path)
    one, two = make("one", ["x.example"]), make("two", ["x.example"])
    before, pids = shown(gate.ports["implicit"]), gate.role_pids()
    if fault == "another key":
        replace(gate, (one[0], two[1]))
    else:
        text = (gate.folder / "gate.pem").read_text()
        (gate.folder / "gate.pem").write_text(
            text[:200] if fault == "cut short" else "nothing here\n")
    reload(gate, "config.reload_refused")
    assert "role.start_failed" in gate.log() or "gate.pem" in gate.log()
    assert gate.process.poll() is None
    end = time.monotonic() + 60
    while sorted(gate.children()) != sorted(pids.values()):
        assert time.monotonic() < end, (gate.children(), pids)
        time.sleep(0.1)
    assert shown(gate.ports["implicit"]) == before
    deliver(Wire(gate.ports["smtp"]).greet(secure=True))


@pytest.mark.parametrize("where", ["CONNECT", "EHLO", "STARTTLS"])
def test_QD_13_no_waiting_for_a_silent_server(tmp_path, where):
    """What has not begun is given back at once, and not counted as tried."""
    ca, make = certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*make("x", ["x.example"])[:2])
    silent = Peer(answers={where: SILENCE}, context=context)
    config = CONFIG.replace("{{ port 9", "{{ port 9  command-timeout 90s") + (
        "route * {{ to 127.0.0.1:%d  floor open }}\n" % silent.port)
    with Gate(tmp_path / "gate", config,
              ("smtp", "implicit", "https", "metrics")) as gate:
        deliver(Wire(gate.ports["smtp"]).greet())
        end = time.monotonic() + 30
        while not silent.log and time.monotonic() < end and (
                where != "CONNECT" or not silent.sessions):
            time.sleep(0.05)
        time.sleep(0.3)
        begun = time.monotonic()
        assert gate.stop() == 0
        assert time.monotonic() - begun < 10
        silent.answers = {}
        gate.start()
        assert len(silent.wait_mails(1, 30)) == 1
        story = gate.message(gate.queue()[0]["id"])
        assert len(story["recipients"][0]["attempts"]) == 1
    silent.close()


class Client(threading.Thread):
    """Comes again and again; every kind of refusal is kept."""

    def __init__(self, visit):
        super().__init__(daemon=True)
        self.visit, self.over = visit, threading.Event()
        self.visits, self.faults = 0, []

    def run(self):
        while not self.over.is_set():
            try:
                self.visit()
                self.visits += 1
            except Exception as fault:  # whatever it is, it is one too many
                self.faults.append(repr(fault))


def test_no_client_is_turned_away_by_reloads(gate):
    smtp, https = gate.ports["smtp"], gate.ports["https"]

    def mail():
        wire = Wire(smtp, timeout=30).greet()
        deliver(wire)
        wire.ask(b"QUIT")
        wire.close()

    def slow_mail():
        wire = Wire(smtp, timeout=30).greet(secure=True)
        time.sleep(0.3)
        deliver(wire)
        wire.ask(b"QUIT")
        wire.close()

    def page():
        browser = http.client.HTTPSConnection("127.0.0.1", https, timeout=30,
                                              context=anybody())
        browser.request("GET", "/", headers={"Host": "localhost:%d" % https})
        answer = browser.getresponse()
        assert answer.status == 200 and answer.read()
        browser.close()

    clients = [Client(mail), Client(mail), Client(slow_mail), Client(page)]
    for client in clients:
        client.start()
    # On a slow machine ten reloads may pass before five visits have.
    end = time.monotonic() + 120
    reloads = 0
    while reloads < 10 or (min(c.visits for c in clients) <= 5 and
                           time.monotonic() < end):
        reload(gate)
        reloads += 1
        time.sleep(0.1)
    for client in clients:
        client.over.set()
    for client in clients:
        client.join(60)
        assert client.faults == []
        assert client.visits > 5
    assert events(gate, "role.killed") == 0
