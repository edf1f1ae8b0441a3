# SPDX-License-Identifier: Apache-2.0
"""SO-08: nothing a sender, a reader's server or an encoded word can hold becomes
a header field of what the gate writes itself: notices and notifications."""

import email
import email.policy
import smtplib

import pytest

from smtp_peer import Peer
from tests.e2e.lone_gate import Gate

CONFIG = """
listen 127.0.0.1:{smtp} {{ accept-from 127.0.0.0/8 }}
portal {{ url https://localhost:{https}  listen 127.0.0.1:{https}
         from portal@clinic.example }}
delivery {{ retry 1s }}
route * {{ to 127.0.0.1:%d  floor open }}
rule "portal" {{ when to matches *@portal.example
    floor sealed  ladder portal  tell-sender  clear-path code }}
rule "open" {{ floor open  ladder tls  switch-after 1s }}
"""
EVIL = "Bcc: evil@x.example"
KNOWN = {"from", "to", "subject", "date", "message-id", "mime-version",
         "content-type", "content-transfer-encoding", "auto-submitted",
         "received", "content-description", "content-disposition",
         "list-unsubscribe", "precedence", "x-auto-response-suppress",
         "in-reply-to", "references", "reply-to"}
ENCODED = ("=?utf-8?q?A=0D=0ABcc:_evil=40x.example?=",
           "=?utf-8?b?QQ0KQmNjOiBldmlsQHguZXhhbXBsZQ0KDQp4?=",
           "=?utf-8?q?A=0ABcc:_evil=40x.example=00?=",
           "=?utf-8?q?A=C2=85Bcc:_evil=40x.example=E2=80=A8?=")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    def reply(session):
        if "refused.example" in session.commands[-1]:
            return (b"550-5.1.1 no\x0bsuch\x0cuser\x00\r\n"
                    b"550 5.1.1 \tBcc: evil@x.example\r\n")
        return None

    peer = Peer(answers={"RCPT": reply})
    with Gate(tmp_path_factory.mktemp("gate"), CONFIG % peer.port,
              ("smtp", "https")) as gate:
        yield gate, peer
    peer.close()
    assert len(peer.mails) > 10
    for mail in peer.mails:  # all of them are the gate's own
        only_known_fields(mail)


def hand_in(gate, to, header=b"", options=(), rcpt=()):
    with smtplib.SMTP("127.0.0.1", gate.ports["smtp"], timeout=30) as client:
        client.ehlo("client.clinic.example")
        assert client.mail("ann@clinic.example", options)[0] == 250
        assert client.rcpt(to, rcpt)[0] == 250
        code, said = client.data(header + b"To: you@there.example\r\n"
                                 b"Message-ID: <1@clinic.example>\r\n\r\nx\r\n")
        assert code == 250, said


def new_mails(peer, before, n):
    return peer.wait_mails(before + n, 30)[before:]


def only_known_fields(mail):
    """In the mail and in every part of it; and no field said Bcc to anybody."""
    head = mail.data.partition(b"\r\n\r\n")[0]
    assert b"\n" not in head.replace(b"\r\n", b"")
    assert b"\r" not in head.replace(b"\r\n", b"")
    assert b"\0" not in mail.data
    message = email.message_from_bytes(mail.data, policy=email.policy.default)
    assert {k.lower() for k in message.keys()} <= KNOWN, message.keys()
    for part in message.walk():
        names = {k.lower() for k in part.keys()}
        assert "bcc" not in names, part
    assert all(b"evil@" not in r.encode() for r in mail.recipients)


@pytest.mark.parametrize("word", ENCODED)
@pytest.mark.parametrize("where", ["From", "Subject"])
def test_SO_08_encoded_words_make_no_fields(world, where, word):
    gate, peer = world
    sender = word if where == "From" else "Ann"
    subject = word if where == "Subject" else "x"
    head = "From: %s <ann@clinic.example>\r\nSubject: %s\r\n" % (sender,
                                                                 subject)
    before = len(peer.mails)
    hand_in(gate, "you@portal.example", head.encode())
    hand_in(gate, "you@refused.example", head.encode())
    # the notice, what tells the sender of it, and the notification
    for mail in new_mails(peer, before, 2):
        only_known_fields(mail)


@pytest.mark.parametrize("text", ["A+0D+0ABcc:+20evil@x.example",
                                  "A+0ABcc:evil@x.example+00",
                                  "+0D+0A+0D+0Abody"])
def test_SO_08_xtext_makes_no_fields(world, text):
    gate, peer = world
    before = len(peer.mails)
    hand_in(gate, "you@refused.example",
            b"From: ann@clinic.example\r\nSubject: x\r\n",
            ["ENVID=" + text, "RET=HDRS"], ["ORCPT=rfc822;" + text])
    mail = new_mails(peer, before, 1)[0]
    only_known_fields(mail)
    message = email.message_from_bytes(mail.data, policy=email.policy.default)
    report = next(p for p in message.walk()
                  if p.get_content_type() == "message/delivery-status")
    for block in report.get_payload():
        assert {k.lower() for k in block.keys()} <= {
            "reporting-mta", "arrival-date", "original-envelope-id",
            "final-recipient", "original-recipient", "action", "status",
            "remote-mta", "diagnostic-code", "last-attempt-date",
            "will-retry-until", "final-log-id"}, block.keys()
