# SPDX-License-Identifier: Apache-2.0
"""nodemailer, the library most applications send with: on each kind of port,
with a login, and with all that it can say about a message. What arrives behind
the gate is what it was given. (swaks, curl and msmtp: test_intake.py)"""

import base64
import email
import email.policy
import json
import random
import subprocess
from pathlib import Path

import pytest

from smtp_peer import Peer
from tests.e2e.lone_gate import Gate

CONFIG = """
listen 127.0.0.1:{smtp} {{ accept-from 127.0.0.0/8 }}
listen 127.0.0.1:{submission} {{ starttls required  auth required }}
listen 127.0.0.1:{submissions} {{ tls implicit  auth required }}
limits {{ message 8M }}
delivery {{ retry 1s }}
route * {{ to 127.0.0.1:%d  floor open }}
rule "all" {{ floor open  ladder tls }}
"""
SCRIPT = Path(__file__).with_name("nodemailer_send.mjs")
LOGIN = {"user": "app", "pass": "correct horse"}
CHECKS_NO_NAME = {"rejectUnauthorized": False}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    peer = Peer()
    gate = Gate(tmp_path_factory.mktemp("clients"), CONFIG % peer.port,
                ("smtp", "submission", "submissions"))
    gate.postseal("user", "add", "app", "--senders", "*@clinic.example", "-c",
                  gate.config, stdin=LOGIN["pass"] + "\n")
    with gate:
        yield gate, peer
    peer.close()


def nodemailer(gate, listener, *messages, **transport):
    transport = {"host": "127.0.0.1", "port": gate.ports[listener],
                 "tls": CHECKS_NO_NAME} | transport
    done = subprocess.run(
        ["node", SCRIPT], capture_output=True, text=True, timeout=60,
        input=json.dumps({"transport": transport, "messages": messages}),
        check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def mail(number, **more):
    return {"from": "Ann <ann@clinic.example>", "to": "you@there.example",
            "subject": "no. %d" % number, "text": "Number %d\n.\n" % number,
            "messageId": "<%d@clinic.example>" % number} | more


def wait_for(peer, number):
    """The mail with that number, once it is there."""
    n = 0
    while True:
        n += 1
        peer.wait_mails(n, 20)
        assert len(peer.mails) >= n, "did not arrive"
        got = peer.mails[n - 1]
        if b"<%d@clinic.example>" % number in got.header:
            return got


@pytest.mark.parametrize("listener, transport", [
    ("smtp", {"ignoreTLS": True}),
    ("smtp", {"requireTLS": True}),
    ("submission", {"requireTLS": True, "auth": LOGIN}),
    ("submission", {"auth": LOGIN, "authMethod": "LOGIN"}),
    ("submissions", {"secure": True, "auth": LOGIN})],
    ids=["clear", "starttls", "587", "587 LOGIN", "465"])
def test_nodemailer_on_each_port(world, request, listener, transport):
    gate, peer = world
    number = abs(hash(request.node.name)) % 10**9
    answer = nodemailer(gate, listener, mail(number), **transport)[0]
    assert answer["accepted"] == ["you@there.example"], answer
    got = wait_for(peer, number)
    assert got.text.endswith(b"Number %d\r\n.\r\n" % number)


def test_nodemailer_hears_why_it_is_refused(world):
    gate, _ = world
    wrong = nodemailer(gate, "submissions", mail(1), secure=True,
                       auth={"user": "app", "pass": "wrong"})[0]
    assert wrong["error"] == "EAUTH" and wrong["code"] == 535
    foreign = nodemailer(gate, "submissions",
                         mail(2, **{"from": "boss@other.example"}),
                         secure=True, auth=LOGIN)[0]
    assert foreign["error"] == "EENVELOPE" and foreign["code"] == 550
    large = nodemailer(gate, "smtp", mail(3, text="x" * (9 << 20)))[0]
    assert large["code"] == 552


def test_nodemailer_attachments_are_carried_whole(world):
    gate, peer = world
    octets = random.Random(4).randbytes(3 << 20)
    nodemailer(gate, "submissions", mail(
        104, html="<p>Größe</p>", attachments=[
            {"filename": "Größe.pdf", "contentType": "application/pdf",
             "base64": base64.b64encode(octets).decode()}]),
        secure=True, auth=LOGIN)
    got = email.message_from_bytes(wait_for(peer, 104).data,
                                   policy=email.policy.default)
    part = next(got.iter_attachments())
    assert part.get_content() == octets
    assert part.get_filename() == "Größe.pdf"


def lines_of(peer, got, verb):
    return [line for number, _, line in peer.said(verb)
            if number == got.connection]


def test_nodemailer_asks_for_notifications(world):
    gate, peer = world
    nodemailer(gate, "smtp", mail(105, dsn={
        "id": "QQ314", "return": "headers", "notify": ["success", "delay"],
        "recipient": "ann@clinic.example"}))
    got = wait_for(peer, 105)
    assert b" RET=HDRS" in got.sender and b" ENVID=QQ314" in got.sender
    rcpt = [line for line in lines_of(peer, got, "RCPT") if b"NOTIFY" in line]
    assert b"NOTIFY=SUCCESS,DELAY" in rcpt[0]
    assert b"ORCPT=rfc822;ann@clinic.example" in rcpt[0]


def test_nodemailer_writes_to_a_name_in_utf8(world):
    gate, peer = world
    answer = nodemailer(gate, "smtp", mail(
        106, to="jürgen@there.example", subject="Grüße"))[0]
    assert answer["accepted"] == ["jürgen@there.example"], answer
    got = wait_for(peer, 106)
    assert b" SMTPUTF8" in got.sender
    assert "jürgen@there.example".encode() in got.recipients[0].encode("latin-1")


def test_nodemailer_keeps_connections(world):
    gate, peer = world
    answers = nodemailer(gate, "submission",
                         *[mail(200 + i) for i in range(30)], pool=True,
                         maxConnections=3, auth=LOGIN)
    assert [a["accepted"] for a in answers] == [["you@there.example"]] * 30
    assert len({wait_for(peer, 200 + i).header for i in range(30)}) == 30
