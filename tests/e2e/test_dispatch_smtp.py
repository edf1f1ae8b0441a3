# SPDX-License-Identifier: Apache-2.0
"""Group SO: the delivery client against servers that misbehave."""

import email
import time

import pytest

from dispatch_gate import MAIL, Gate
from smtp_peer import CLOSE, EHLO, RESET, SILENCE, Peer

PLAIN = [w for w in EHLO if w != "PIPELINING"]


@pytest.fixture
def world(tmp_path):
    """make(peer, ...) starts a gate whose routes lead to the peers."""
    made = []

    def make(*peers, config="", **settings):
        routes = "".join(
            "route d%d.example { to 127.0.0.1:%d  floor open }\n" % (i, p.port)
            for i, p in enumerate(peers))
        gate = Gate(tmp_path / "gate", routes + config, **settings).start()
        made.extend([gate, *peers])
        return gate

    yield make
    for thing in made:
        thing.stop() if isinstance(thing, Gate) else thing.close()


def test_SO_delivers_and_keeps_the_evidence(world):
    peer = Peer()
    gate = world(peer)
    mid = gate.send("you@d0.example")
    row = gate.final(mid)[0]
    assert row["state"] == "delivered" and row["method"] == "tls"
    assert peer.mails[0].data == MAIL
    attempt = gate.attempts(mid)[0]
    assert attempt["reply"].startswith("250 2.0.0 Ok: queued")
    assert attempt["address"] == "127.0.0.1"


def test_SO_kept_connection(world):
    peer = Peer()
    gate = world(peer)
    for _ in range(5):
        assert gate.final(gate.send("you@d0.example"))[0]["state"] == \
            "delivered"
    assert len(peer.mails) == 5 and len(peer.sessions) == 1


def test_SO_many_recipients_one_transaction(world):
    peer = Peer()
    gate = world(peer)
    mid = gate.send(["p%d@d0.example" % i for i in range(30)])
    gate.final(mid)
    assert len(peer.mails) == 1
    assert len(peer.mails[0].recipients) == 30


@pytest.mark.parametrize("text", [
    b".\r\n", b"..\r\n", b".x\r\n", b"", b".", b"no newline",
    b"a\r\n.\r\nb\r\n", b"x" * 200000 + b"\r\n." * 30000],
    ids=["dot", "two dots", "dot x", "empty", "bare dot", "no newline",
         "inside", "long"])
def test_SO_02_dots_and_endings(world, text):
    peer = Peer()
    gate = world(peer)
    head = b"From: a@clinic.example\r\nSubject: s\r\n\r\n"
    gate.final(gate.send("you@d0.example", head + text))
    want = text if text.endswith(b"\r\n") or not text else text + b"\r\n"
    assert peer.mails[0].text == want


@pytest.mark.parametrize("ehlo", [EHLO, PLAIN])
def test_SO_03_mixed_results(world, ehlo):
    replies = {"good": b"250 2.1.5 Ok\r\n", "later": b"450 4.2.0 wait\r\n",
               "never": b"550 5.1.1 no such user\r\n"}

    def rcpt(session):
        for name, reply in replies.items():
            if name in session.commands[-1]:
                return reply

    peer = Peer(answers={"RCPT": rcpt, "QUIT": b"421 4.3.0 bye\r\n"},
                ehlo=ehlo)
    back = Peer()
    gate = world(peer, config="route clinic.example "
                 "{ to 127.0.0.1:%d  floor open }\n" % back.port, retry="2s")
    mid = gate.send(["good@d0.example", "later@d0.example",
                     "never@d0.example"])
    rows = gate.tried(mid)
    assert sorted(r["state"] for r in rows) == ["delivered", "failed",
                                                "queued"]
    dsn = email.message_from_bytes(back.wait_mails()[0].data)
    assert "never@d0.example" in str(dsn) and "good@" not in str(dsn)
    assert "Action: failed" in str(dsn) and "Status: 5.1.1" in str(dsn)
    replies["later"] = b"250 2.1.5 Ok\r\n"
    gate.final(mid)
    got = [r for m in peer.mails for r in m.recipients]
    assert len(got) == 2
    assert sum("good" in r for r in got) == 1
    back.close()


def test_SO_07_no_notification_for_the_null_sender(world):
    peer = Peer(answers={"RCPT": b"550 5.1.1 no\r\n"})
    gate = world(peer)
    mid = gate.send("you@d0.example", sender="")
    assert gate.final(mid)[0]["state"] == "failed"
    time.sleep(0.3)
    assert gate.kinds() == [0]


def test_SO_09_notify_never_is_never(world):
    peer = Peer(answers={"RCPT": b"550 5.1.1 no\r\n"})
    gate = world(peer)
    gate.final(gate.send("you@d0.example", notify=1))
    time.sleep(0.3)
    assert gate.kinds() == [0]


def test_SO_09_delay_notice_once_then_growing_waits(world):
    peer = Peer(answers={"RCPT": b"450 4.2.0 later\r\n"})
    back = Peer()
    gate = world(peer, config="route clinic.example "
                 "{ to 127.0.0.1:%d  floor open }\n" % back.port,
                 retry="1s 2s")
    mid = gate.send("you@d0.example", age=5 * 3600 * 1000)
    gate.tried(mid, 3, 20)
    tried = [a["at_ms"] for a in gate.attempts(mid)]
    waits = [b - a for a, b in zip(tried, tried[1:])]
    assert 1000 <= waits[0] < 2500 and 2000 <= waits[1] < 4000
    assert len(back.wait_mails(1)) == 1
    assert b"Action: delayed" in back.mails[0].data
    assert peer.mails == []
    back.close()


def test_SO_09_gives_up_with_one_notification(world):
    peer = Peer(answers={"RCPT": b"450 4.2.0 later\r\n"})
    back = Peer()
    gate = world(peer, config="route clinic.example "
                 "{ to 127.0.0.1:%d  floor open }\n" % back.port,
                 retry="1s", delivery="")
    mid = gate.send("you@d0.example", notify=4)
    # As if six days had passed and it had been tried often.
    gate.tried(mid)
    gate.stop()
    import sqlite3
    with sqlite3.connect(gate.dir + "/data/postseal.db") as db:
        db.execute("UPDATE message SET received_ms = received_ms - ?",
                   (6 * 86400 * 1000,))
        db.execute("UPDATE delivery SET attempts = 999999, next_ms = 0")
    gate.start()
    assert gate.final(mid)[0]["state"] == "expired"
    assert b"Action: failed" in back.wait_mails(1)[0].data
    back.close()


def test_SO_relayed_notification_without_far_dsn(world):
    peer = Peer(ehlo=[w for w in EHLO if w != "DSN"])
    back = Peer()
    gate = world(peer, config="route clinic.example "
                 "{ to 127.0.0.1:%d  floor open }\n" % back.port)
    gate.final(gate.send("you@d0.example", notify=2, envid="QQ314"))
    data = back.wait_mails(1)[0].data
    assert b"Action: relayed" in data
    assert b"Original-Envelope-Id: QQ314" in data
    assert b"MAIL FROM:<>" in back.mails[0].sender
    assert b"ENVID" not in peer.said("MAIL")[0][2]
    back.close()


def test_SO_dsn_parameters_are_passed_on(world):
    peer = Peer()
    gate = world(peer)
    gate.final(gate.send("you@d0.example", notify=6, envid="QQ314",
                         ret="HDRS", orcpt="rfc822;x@y.example"))
    time.sleep(0.2)
    mail, rcpt = peer.said("MAIL")[0][2], peer.said("RCPT")[0][2]
    assert b" RET=HDRS" in mail and b" ENVID=QQ314" in mail
    assert b"NOTIFY=SUCCESS,FAILURE" in rcpt
    assert b"ORCPT=rfc822;x@y.example" in rcpt
    assert gate.kinds() == [0]  # the far side reports


@pytest.mark.parametrize("fault", ["fewer", "more", "closes"])
def test_SO_11_pipelining_against_a_faulty_peer(world, fault):
    def rcpt(session):
        if session.number > 1:
            return None
        if fault == "fewer":
            return b""
        if fault == "more":
            return b"250 2.1.5 Ok\r\n250 2.1.5 Ok\r\n"
        return CLOSE

    peer = Peer(answers={"RCPT": rcpt})
    gate = world(peer)
    row = gate.final(gate.send(["a@d0.example", "b@d0.example"]), 30)
    assert {r["state"] for r in row} == {"delivered"}
    assert len(peer.mails) == 1 and peer.mails[0].connection > 1
    assert len(peer.mails[0].recipients) == 2


def test_SO_11_extra_reply_after_go_ahead(world):
    peer = Peer(answers={"DATA": lambda s: b"354 go\r\n250 2.0.0 done\r\n"
                         if s.number == 1 else None})
    gate = world(peer)
    gate.final(gate.send("a@d0.example"))
    assert len(peer.mails) == 1 and peer.mails[0].connection == 2


@pytest.mark.parametrize("where", ["CONNECT", "EHLO", "MAIL", "EOD"])
def test_SO_12_silent_peer_costs_nobody_else(world, where):
    silent, fine = Peer(answers={where: SILENCE}), Peer()
    gate = world(silent, fine)
    slow = gate.send("a@d0.example")
    begun = time.time()
    gate.final(gate.send("b@d1.example"))
    assert time.time() - begun < 3
    row = gate.tried(slow, 1, 30)[0]
    assert row["state"] == "queued" and row["attempts"] == 1
    assert silent.mails == []


def test_SO_12_dripping_peer(world):
    def drip(session):
        for byte in b"220-" + b"x" * 200:
            if session.peer.stopped.wait(0.2):
                break
            session.send(bytes([byte]))
        return CLOSE

    peer = Peer(answers={"CONNECT": drip})
    gate = world(peer)
    mid = gate.send("a@d0.example")
    begun = time.time()
    gate.tried(mid, 1, 30)
    assert time.time() - begun < 12


def test_SO_replies_are_bounded_and_cleaned(world):
    peer = Peer(answers={"RCPT": b"550-" + b"x" * 3000 + b"\r\n550 5.1.1 \x1b"
                         b"[31m no\x07\r\n"})
    gate = world(peer)
    mid = gate.send("a@d0.example")
    assert gate.final(mid)[0]["state"] == "failed"
    for text in (gate.attempts(mid)[0]["reply"], gate.tail()):
        assert "\x1b" not in text and "\x07" not in text


def test_SO_endless_reply(world):
    peer = Peer(answers={"EHLO": b"250-x\r\n" * 100000})
    gate = world(peer)
    row = gate.tried(gate.send("a@d0.example"), 1, 30)[0]
    assert row["attempts"] == 1


def test_SO_421_goes_back_and_tries_again(world):
    peer = Peer(answers={"MAIL": lambda s: b"421 4.3.2 later\r\n"
                         if s.number == 1 else None})
    gate = world(peer)
    row = gate.final(gate.send("a@d0.example"))[0]
    assert row["state"] == "delivered" and row["attempts"] == 1


def test_SO_too_big_for_the_host(world):
    peer = Peer(ehlo=["PIPELINING", "SIZE 100"])
    gate = world(peer)
    row = gate.final(gate.send("a@d0.example", MAIL + b"x" * 1000 + b"\r\n"))[0]
    assert row["state"] == "failed"
    assert peer.said("MAIL") == []


def test_SO_smtputf8_only_where_understood(world):
    peer = Peer(ehlo=["PIPELINING", "8BITMIME"])
    gate = world(peer)
    row = gate.final(gate.send("a@d0.example", smtputf8=1))[0]
    assert row["state"] == "failed" and peer.said("MAIL") == []


def test_SO_helo_for_old_servers(world):
    peer = Peer(answers={"EHLO": b"502 5.5.1 what?\r\n"})
    gate = world(peer)
    assert gate.final(gate.send("a@d0.example"))[0]["state"] == "delivered"


def test_SO_requests_to_the_gateway_and_bcc_are_removed(world):
    peer = Peer()
    gate = world(peer)
    mail = b"X-Postseal-Floor: verified\r\nBcc: secret@x.example\r\n" + MAIL
    gate.final(gate.send("a@d0.example", mail))
    assert peer.mails[0].data == MAIL


def test_SO_reset_after_the_dot_is_not_a_delivery(world):
    peer = Peer(answers={"EOD": lambda s: RESET if s.number == 1 else None})
    gate = world(peer)
    mid = gate.send("a@d0.example")
    assert gate.final(mid)[0]["state"] == "delivered"
    assert gate.attempts(mid)[0]["result"] == "unknown"
    assert len(peer.mails) == 1


def test_QD_13_orderly_stop(world):
    peer = Peer(answers={"EOD": lambda s: time.sleep(0.3)})
    gate = world(peer)
    ids = gate.send("a@d0.example", copies=60)
    time.sleep(0.5)
    begun = time.time()
    assert gate.stop() == 0
    assert time.time() - begun < 28
    rows = gate.deliveries()
    assert len(peer.mails) == sum(r["state"] == "delivered" for r in rows)
    assert all(r["lease_ms"] == 0 for r in rows)
    gate.start()
    for mid in ids:
        gate.final(mid, 40)
    assert len(peer.mails) == 60


def test_QD_08_dead_process_is_marked(world):
    peer = Peer(answers={"EOD": lambda s: time.sleep(2)
                         if s.number == 1 else None})
    gate = world(peer, delivery="lease 10s")
    mid = gate.send("a@d0.example")
    gate.wait(mid, lambda rows: rows[0]["lease_ms"] > 0)
    time.sleep(0.3)
    gate.stop(9)
    gate.start()
    gate.final(mid, 30)
    assert gate.attempts(mid)[-1]["maybe_duplicate"] == 1
