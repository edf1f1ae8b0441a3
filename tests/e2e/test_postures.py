"""One message with the floor `verified` to every practice domain.

Groups TP and SO as far as DNS, policy, certificates and one connection go:
each domain names its cases in tests/practice/domains.py.
"""

import base64
import re

import pytest

from gate import Gate, PORTS
from tests.practice import original
from tests.practice.domains import DOMAINS
from tests.practice.fixture import free_ports

SENDER = "clinic@clinic.example"
SECRET = "the-findings-are-for-you-alone"
BY = {"DANE": ("dane-ee", "dane-ta"), "MTA-STS": ("mta-sts",),
      "public CA": ("pkix",)}


def message(domain):
    return (f"From: Clinic <{SENDER}>\r\nTo: <ok@{domain}>\r\n"
            f"Subject: {SECRET}\r\nMessage-ID: <{domain}@clinic.example>\r\n"
            f"Date: Mon, 23 Nov 2026 12:00:00 +0000\r\n\r\n"
            f".{SECRET}\r\n..\r\nend without line end").encode()


@pytest.fixture(scope="module")
def fates(practice_internet, tmp_path_factory):
    """domain -> what became of its recipient."""
    practice_internet.control.reset()
    practice_internet.control.sessions(clear=True)
    gate = Gate(tmp_path_factory.mktemp("postures"), practice_internet,
                free_ports(PORTS))
    try:
        gate.start()
        sent = {name: gate.send(SENDER, [f"ok@{name}"], message(name))
                for name in DOMAINS}
        yield {name: gate.wait_final(
            sent[name], 0 if domain.verified.startswith("waits:") else 40)[0]
            for name, domain in DOMAINS.items()}
    finally:
        gate.stop()


@pytest.mark.parametrize("domain", DOMAINS.values(), ids=lambda d: d.name)
def test_goes_by_what_the_posture_allows(fates, domain):
    fate = fates[domain.name]
    want = domain.verified
    assert fate["floor"] == "verified"
    if want.startswith("tls"):
        assert (fate["state"], fate["method"]) == ("delivered", "tls"), fate
        last = fate["attempts"][-1]
        assert last["tls"]["version"] in ("TLSv1.2", "TLSv1.3")
        kind = re.search(r"\((DANE|MTA-STS|public CA)\)", want)
        if kind:
            assert last["tls"]["verified_by"] in BY[kind.group(1)]
        if "second MX" in want:
            assert last["mx"] == f"mx2.{domain.name}"
    elif want.startswith("DSN"):
        assert fate["state"] == "failed", fate
    elif want.startswith("waits:"):
        assert fate["state"] == "queued", fate
        assert {a["result"] for a in fate["attempts"]} <= {"unknown"}
        return
    else:
        assert (fate["state"], fate["method"]) == ("deposited", "portal"), fate
    assert fate["why"]


def test_waiting_only_where_it_may_help(fates):
    """A lasting defect is not tried again (attempts: tls once, portal)."""
    for domain in DOMAINS.values():
        if domain.verified == "next rung" and len(domain.hosts) == 1:
            assert len(fates[domain.name]["attempts"]) <= 2, domain.name


def test_tp_24_content_never_goes_where_the_server_is_not_proven(
        fates, practice):
    not_proven = [d for d in DOMAINS.values()
                  if fates[d.name]["state"] not in ("delivered", "queued")]
    assert len(not_proven) > 30
    for domain in not_proven:
        box = practice.mail_folder / domain.name / "new"
        for path in box.glob("*"):
            assert SECRET.encode() not in path.read_bytes(), path
    addresses = {h.address for d in not_proven for h in d.hosts}
    for session in practice.control.sessions():
        clear = b"".join(base64.b64decode(e["data"])
                         for e in session["events"] if not e["tls"])
        assert SECRET.encode() not in clear
        if session["address"] in addresses:
            everything = b"".join(base64.b64decode(e["data"])
                                  for e in session["events"])
            assert SECRET.encode() not in everything


@pytest.mark.parametrize("name", [
    d.name for d in DOMAINS.values() if d.verified.startswith("tls")])
def test_so_02_delivered_once_and_to_the_octet(fates, practice, name):
    assert fates[name]["state"] == "delivered"
    found = [original(raw) for raw in practice.mailbox(f"ok@{name}")
             if SECRET.encode() in raw]
    assert len(found) == 1
    assert found[0].endswith(message(name) + b"\r\n")
    added = found[0][:-len(message(name)) - 2]
    assert added.startswith(b"Received: ") and added.count(b"Received:") == 1


@pytest.mark.parametrize("name", ["nullmx.example", "nohost.example",
                                  "refusing.example"])
def test_sender_hears_of_what_failed(fates, practice, name):
    assert fates[name]["state"] == "failed"
    wanted = f"ok@{name}".encode()
    practice.wait_mail(SENDER, 1)
    notes = [raw for raw in practice.mailbox(SENDER) if wanted in raw
             and b"report-type" in raw.lower()]
    assert len(notes) == 1
    assert b"Action: failed" in notes[0]
    assert SECRET.encode() not in notes[0].partition(b"text/rfc822")[0]


def test_so_04_null_mx_is_said_as_such(fates, practice):
    note = next(raw for raw in practice.mailbox(SENDER)
                if b"ok@nullmx.example" in raw)
    assert b"5.1.10" in note


@pytest.mark.parametrize("name", ["plain", "expired", "selfsigned",
                                  "wrongname"])
def test_reader_gets_a_notice_without_content(fates, practice, name):
    found = practice.wait_mail(f"ok@{name}.example")
    assert len(found) == 1
    assert b"https://localhost:" in found[0]
    assert SECRET.encode() not in found[0]


@pytest.mark.parametrize("name, sni", [
    ("host.aliasexpanded.example", "host.aliasexpanded.example"),
    ("host.aliasoriginal.example", "mx.aliasoriginal.example"),
    ("host.aliasboth.example", "host.aliasboth.example")])
def test_tp_19_sni_is_the_tlsa_base_name(fates, practice, name, sni):
    session = practice.control.sessions(name)[0]
    assert session["tls"]["sni"] == sni


def test_tp_22_no_connection_serves_two_policies(fates, practice):
    tenants = practice.control.sessions("mx.tenant2.example")
    assert [s["messages"] for s in tenants] == [1, 1]
    assert not any(s["tls"]["resumed"] for s in tenants)  # TP-21


def test_so_01_nothing_said_after_injected_replies(fates, practice):
    for session in practice.control.sessions("mx1.inject.example"):
        verbs = [line.split(" ")[0].upper() for line in session["commands"]]
        if SECRET in str(session["commands"]):
            pytest.fail("the message was named")
        assert "AUTH" not in verbs
