# SPDX-License-Identifier: Apache-2.0
"""Which host is asked, and what it may say before TLS (SO-01, SO-06)."""

import socket
import ssl
import time

import pytest

from dispatch_gate import Gate, certificates
from dns_tree import DnsTree
from lone_gate import free_port
from smtp_peer import EHLO, Peer

RULE = 'rule "all" { floor %s  ladder tls  switch-after 1h }\n'
HOSTS = {"a": "127.0.7.1", "b": "127.0.7.2", "c": "127.0.7.3",
         "dead": "127.0.7.4", "hole": "127.0.7.5"}
ZONE = "".join("%s.mx.example. A %s\n" % host for host in HOSTS.items()) + """
equal.example. MX 10 a.mx.example.
equal.example. MX 10 b.mx.example.
equal.example. MX 10 c.mx.example.
worse.example. MX 10 a.mx.example.
worse.example. MX 20 b.mx.example.
dead.example. MX 10 dead.mx.example.
dead.example. MX 20 a.mx.example.
hole.example. MX 10 hole.mx.example.
hole.example. MX 20 a.mx.example.
six.example. MX 10 six.mx.example.
six.mx.example. A 127.0.7.1
six.mx.example. AAAA 100::1
gone.example. MX 10 dead.mx.example.
gone.example. MX 10 gone.mx.example.
gone.mx.example. A 127.0.7.6
one.example. MX 10 a.mx.example.
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hosts")
    ca, make = certificates(folder)
    dns = DnsTree(str(folder), free_port(), ZONE).start()
    yield dns, ca, make
    dns.stop()


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def peers(world, port):
    _, _, make = world
    made = {}
    for name in "abc":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        host = name + ".mx.example"
        names = [host, "six.mx.example"]
        context.load_cert_chain(*make(host, names)[:2])
        made[name] = Peer(HOSTS[name], port, context=context)
    yield made
    for peer in made.values():
        peer.close()


@pytest.fixture
def gate(world, port, tmp_path):
    dns, ca, _ = world
    made = []

    def make(floor="verified", **settings):
        made.append(Gate(tmp_path / "gate", RULE % floor, dns=dns, ca=ca,
                         port=port, **settings).start())
        return made[0]

    yield make
    for one in made:
        one.stop()


def test_SO_06_spread_over_equals(gate, peers):
    """Also while the answer of DNS is kept."""
    g = gate()
    sent = [g.send("you%d@equal.example" % i) for i in range(60)]
    for mid in sent:
        assert g.final(mid, 40)[0]["state"] == "delivered"
    counts = [len(peers[n].mails) for n in "abc"]
    assert sum(counts) == 60 and min(counts) > 5, counts  # 1 in 10**5 fails


def test_SO_06_the_preferred_host_is_asked_first(gate, peers):
    g = gate()
    for mid in [g.send("you@worse.example") for _ in range(20)]:
        assert g.final(mid, 40)[0]["state"] == "delivered"
    assert len(peers["a"].mails) == 20 and peers["b"].mails == []


@pytest.mark.parametrize("domain", ["dead", "hole", "six"])
def test_SO_06_the_next_address_within_seconds(gate, peers, port, domain):
    hole = socket.socket()
    hole.bind((HOSTS["hole"], port))
    hole.listen(0)
    fill = [socket.socket() for _ in range(8)]
    for s in fill:  # nobody accepts: later connections get no answer
        s.setblocking(False)
        s.connect_ex((HOSTS["hole"], port))
    g = gate()
    begun = time.monotonic()
    row = g.final(g.send("you@%s.example" % domain), 40)[0]
    assert row["state"] == "delivered" and row["attempts"] == 0
    assert time.monotonic() - begun < 15
    assert len(peers["a"].mails) == 1
    for s in [hole, *fill]:
        s.close()


def test_SO_06_all_hosts_before_it_counts(gate):
    g = gate()
    mid = g.send("you@gone.example")
    row = g.tried(mid, 1, 40)[0]
    assert row["state"] == "queued"
    assert {a["mx"] for a in g.attempts(mid)[:2]} == {"dead.mx.example",
                                                     "gone.mx.example"}


@pytest.mark.parametrize("late", [False, True], ids=["same segment", "later"])
@pytest.mark.parametrize("floor", ["open", "verified"])
def test_SO_01_replies_injected_behind_the_220(gate, peers, floor, late):
    """Nothing of them counts: not as greeting, not as an answer, and an open
    delivery that then goes on in clear begins anew."""
    evil = b"250-evil\r\n250 AUTH PLAIN\r\n250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n" \
           b"354 go\r\n250 2.0.0 taken\r\n"

    def answer(session):
        if not late:
            return b"220 2.0.0 go\r\n" + evil
        session.send(b"220 2.0.0 go\r\n")
        time.sleep(0.2)
        return evil

    peers["a"].answers = {"STARTTLS": answer}
    g = gate(floor)
    mid = g.send("you@one.example")
    if floor == "verified":
        row = g.tried(mid, 2, 40)[0]
        assert row["state"] == "queued" and peers["a"].said("MAIL") == []
    else:
        row = g.final(mid, 40)[0]
        assert row["state"] == "delivered"
        assert len(peers["a"].mails) == 1  # and not by the injected word
        assert g.attempts(mid)[-1]["reply"].startswith("250 2.0.0 Ok: queued")
    assert peers["a"].said("AUTH") == []


def test_SO_01_only_what_was_said_inside_tls_counts(gate, peers):
    """Whoever sits between us and the host writes its first EHLO answer."""
    peers["a"].ehlo = lambda s: EHLO if not s.tls else ["SIZE 1000000"]
    g = gate()
    mid = g.send("you@one.example", envid="QQ314", ret="HDRS")
    assert g.final(mid, 40)[0]["state"] == "delivered"
    line = peers["a"].said("MAIL")[0][2]
    assert b"ENVID" not in line and b"RET" not in line and b"SIZE=" in line
    # no pipelining either: DATA waits for the answers before it
    assert [m.data for m in peers["a"].mails]
    peers["a"].ehlo = lambda s: ["PIPELINING", "SIZE 1"] if not s.tls else EHLO
    g.stop(), g.start()
    assert g.final(g.send("you@one.example"), 40)[0]["state"] == "delivered"
