"""Postures that change under a running gateway: TP-08 to TP-10, TP-15.

Three domains change in step, because each change is known only after the
records' 2 s.
"""

import base64
import time

import pytest

from gate import Gate, PORTS
from tests.practice import PracticeInternet
from tests.practice.domains import policy
from tests.practice.fixture import free_ports
from tests.practice.internet import PORTS as NET_PORTS

SENDER = "clinic@clinic.example"
LATER_S = 4  # the records' TTL and a little
RULES = """
rule "open" { when subject contains "[open]" floor open ladder tls }
rule "only" { when subject contains "[tls]" floor verified ladder tls }
rule "all"  { floor verified  ladder tls portal  switch-after 12s }
"""
ATTACKED, ROLLED, MOVED = ("stsattacked.example", "stsroll.example",
                           "rollover.example")
HOST = "mx1.rollover.example"
MOVING = "badsts.example"  # its only MX is not in its policy


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    """One of its own: it does not look as the table says afterwards."""
    with PracticeInternet(tmp_path_factory.mktemp("change") / "net",
                          free_ports(len(NET_PORTS))) as up:
        yield up


@pytest.fixture(scope="module")
def gate(net, tmp_path_factory):
    gate = Gate(tmp_path_factory.mktemp("gate"), net, free_ports(PORTS),
                RULES)
    try:
        yield gate.start()
    finally:
        gate.stop()


def send(gate, domain, subject="x"):
    data = (f"From: {SENDER}\r\nTo: a@{domain}\r\nSubject: {subject}\r\n"
            "\r\nhello\r\n").encode()
    return gate.send(SENDER, [f"a@{domain}"], data)


def fate(gate, domain, subject="x", wait_s=30):
    return gate.wait_final(send(gate, domain, subject), wait_s)[0]


def by(story):
    """state, proof, MX of the last try"""
    last = story["attempts"][-1]
    return (story["state"], (last.get("tls") or {}).get("verified_by"),
            last["mx"])


def serve(net, domain, site, record):
    net.control.site(f"mta-sts.{domain}", site)
    net.set_records(domain, "_mta-sts", "TXT", record)


def show(net, certificate):
    net.control.script(HOST, {"tls": {"certificate": certificate}})
    net.control.drop(HOST)


@pytest.fixture(scope="module")
def seen(gate, net):
    """What became of one message to each domain, phase by phase."""
    found = {}

    def look(phase):
        for domain in (ATTACKED, ROLLED, MOVED):
            found[phase, domain] = by(fate(gate, domain))

    look("before")
    show(net, "self next")
    found["next", MOVED] = by(fate(gate, MOVED))
    show(net, "self third")
    found["ahead", MOVED] = by(fate(gate, MOVED))
    only = send(gate, MOVED, "[tls]")
    # An attacker in DNS and before the policy host; a new policy; new TLSA.
    serve(net, ATTACKED, {"close": True}, [])
    net.set_records(ATTACKED, "@", "MX", [f"10 mx2.{ATTACKED}."])
    serve(net, ROLLED, {"policy": policy("enforce", f"mx2.{ROLLED}")},
          ['"v=STSv1; id=2;"'])
    net.set_records(ROLLED, "@", "MX", [f"10 mx2.{ROLLED}."])
    net.set_records(MOVED, net.tlsa_owner(HOST), "TLSA", [
        net.certificates.tlsa(HOST, "self third", 3, 1, 1)])
    time.sleep(LATER_S)
    found["healed", MOVED] = by(gate.wait_final(only)[0])
    look("changed")
    # The true MX again; an id without a policy.
    net.set_records(ATTACKED, "@", "MX", [f"10 mx1.{ATTACKED}."])
    serve(net, ROLLED, {"status": 404}, ['"v=STSv1; id=3;"'])
    net.set_records(ROLLED, "@", "MX", [f"10 mx1.{ROLLED}.",
                                        f"20 mx2.{ROLLED}."])
    time.sleep(LATER_S)
    look("again")
    gate.stop()
    gate.start()
    look("restarted")
    return found


def test_tp_08_testing_hinders_nothing_where_the_floor_is_open(gate):
    assert fate(gate, "ststesting.example", "[open]")["state"] == "delivered"


def test_tp_09_cached_policy_binds_under_attack(seen, net):
    good = ("delivered", "mta-sts", f"mx1.{ATTACKED}")
    assert seen["before", ATTACKED] == good
    assert seen["changed", ATTACKED][0] == "deposited"
    assert net.control.messages(f"mx2.{ATTACKED}") == []
    assert seen["again", ATTACKED] == good
    assert seen["restarted", ATTACKED] == good


def test_tp_10_policy_changes_only_by_a_valid_fetch(seen):
    assert seen["before", ROLLED] == ("delivered", "mta-sts", f"mx1.{ROLLED}")
    second = ("delivered", "mta-sts", f"mx2.{ROLLED}")
    assert seen["changed", ROLLED] == second
    assert seen["again", ROLLED] == second
    assert seen["restarted", ROLLED] == second


def test_tp_15_roll_over(seen):
    good = ("delivered", "dane-ee", HOST)
    assert seen["before", MOVED] == good
    assert seen["next", MOVED] == good
    assert seen["ahead", MOVED][0] == "deposited"
    assert seen["healed", MOVED] == good
    assert seen["changed", MOVED] == good


def told_about(net, recipient, wait_s=20):
    """The first status notification about a recipient."""
    end = time.monotonic() + wait_s
    while time.monotonic() < end:
        for mail in net.mailbox(SENDER):
            if recipient.encode() in mail and b"\nAction: " in mail:
                return mail
        time.sleep(0.1)
    return b""


@pytest.fixture(scope="module")
def moving(gate, net):
    """A policy that forbids every host is mended a little later."""
    net.set_records(MOVING, "_mta-sts", "TXT", ['"v=STSv1; id=1;"'], ttl=1)
    first = gate.wait_final(send(gate, MOVING))[0]
    told = told_about(net, f"a@{MOVING}")
    early = net.mailbox(f"a@{MOVING}")
    serve(net, MOVING, {"policy": policy("enforce", f"mx1.{MOVING}")},
          ['"v=STSv1; id=2;"'])
    time.sleep(2)
    second = fate(gate, MOVING)
    return {"first": first, "told": told, "early": early, "second": second,
            "late": net.wait_mail(f"a@{MOVING}", 2)}


def test_tp_07_asked_again_before_a_lasting_verdict(moving):
    """Its other records live for a minute and the gateway keeps what it knows
    for 20 s: only the question before the verdict can see the new policy."""
    assert moving["first"]["state"] == "deposited"
    assert by(moving["second"]) == ("delivered", "mta-sts", f"mx1.{MOVING}")


def test_notice_that_may_not_be_sent_is_told_and_arrives_later(moving):
    """The reader's own policy forbids the notice too: nobody would know."""
    assert moving["early"] == []
    text = moving["told"]
    assert b"Action: delayed" in text
    assert b"the notice of it is not accepted" in text
    assert b"/p/" not in text
    notices = [m for m in moving["late"] if b"/p/" in m]
    assert len(notices) == 1


@pytest.mark.parametrize("charset", ["utf-16", "utf-7", "koi8-r",
                                     "iso-2022-jp", "gb18030"])
def test_rules_read_subjects_in_any_character_set(gate, charset):
    """The confined role can read what a mail program may write."""
    word = base64.b64encode("[tls] x".encode(charset)).decode()
    story = fate(gate, "pkix.example", f"=?{charset}?B?{word}?=")
    assert story["rule"] == "only"
